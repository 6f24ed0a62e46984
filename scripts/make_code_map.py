#!/usr/bin/env python3
"""Writes the tree of docs/code.md: every file of the code with the first line of what it says about itself.

scripts/make_code_map.py [--check]      --check: only say whether the page is up to date (exit 1 if not)
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
PAGE = REPO / "docs" / "code.md"
BEGIN, END = "<!-- tree: scripts/make_code_map.py -->\n", "<!-- end of tree -->\n"
FOLDERS = ("edge", "trainer", "scripts")

# The order of the flow; what is not named follows in alphabetical order.
ORDER = ("imaging", "sources", "locate", "detect", "classify", "judge", "overlay", "capture", "bench", "cli", "system")
ORDER_TRAINER = ("data", "phantom", "learning", "export", "evaluation", "cli")


def first_line(path: Path) -> str:
    """What a file says of itself: the first line of its docstring, or of its comment."""
    text = path.read_text(encoding="utf-8")
    if (text.startswith("#!") and "python" not in text.splitlines()[0]) or path.suffix == ".sh":
        return next(line for line in text.splitlines() if re.match(r"# ", line)).lstrip("# ")
    said = ast.get_docstring(ast.parse(text))
    if not said:
        raise SystemExit(f"{path.relative_to(REPO)}: has no docstring; its first line is what the map shows")
    return said.split("\n\n")[0].replace("\n", " ")


def tree() -> str:
    """The tree, as Markdown: a table for each folder that holds code."""
    parts = []
    for top in FOLDERS:
        order = ORDER if top == "edge" else ORDER_TRAINER
        here = [REPO / top, *sorted((REPO / top).rglob("*/"))]
        folders = [folder for folder in here if not folder.name.startswith(("_", ".")) and files_in(folder)]
        for folder in sorted(folders, key=lambda f: rank(f, order)):
            parts.append(f"### `{folder.relative_to(REPO).as_posix()}/`\n")
            door = folder / "__init__.py"
            if door.exists():
                parts.append(f"{first_line(door)}\n")
            parts.append("| file | what it is for |\n|---|---|")
            parts += [f"| `{path.name}` | {first_line(path)} |" for path in files_in(folder)]
            parts.append("")
    return "\n".join(parts) + "\n"


def rank(folder: Path, order: tuple[str, ...]) -> tuple[int, str]:
    """Where a folder stands: the top one first, then along the flow."""
    place = folder.relative_to(REPO).parts
    if len(place) == 1:
        return -1, ""
    return (order.index(place[1]) if place[1] in order else len(order)), "/".join(place)


def files_in(folder: Path) -> list[Path]:
    """The files of a folder that are code, without its door."""
    is_code = [p for p in sorted(folder.iterdir()) if p.is_file() and p.name != "__init__.py"]
    return [p for p in is_code if p.suffix in (".py", ".sh") or p.read_bytes().startswith(b"#!")]


def page() -> str:
    """The whole page with its tree made anew."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + tree() + END + rest.split(END)[1]


def main() -> None:
    """Writes the page, or says whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/code.md is out of date: run scripts/make_code_map.py")


if __name__ == "__main__":
    main()
