"""What each command of a program is run with, in a process of its own, and which commands and options are not run.

Tests that call a command within their own process share with it all that is imported, built, named, cached or patched
there; a user's process shares nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import typer


@dataclass(frozen=True)
class Run:
    """One run of a command.

    Attributes:
        words: the command line after the program's name; `{runtime}` stands for the runtime that is at work.
        code: the exit code.
        says: what stdout holds; with --json a key of the last line.
    """

    words: str
    says: str
    code: int = 0

    def check_stdout(self, text: str) -> None:
        """Fails unless stdout is what was asked for: JSON lines and nothing else, or lines for people."""
        if "--json" in self.words.split():
            last = [json.loads(line) for line in text.splitlines()][-1]
            assert self.says in last, last
        else:
            assert self.says in text, text


def commands(app: typer.Typer) -> dict[str, set[str]]:
    """Every command by its full name, such as `models list`, with the long names of its options."""
    return dict(_below(typer.main.get_command(app), ()))


def not_run(app: typer.Typer, runs: Iterable[Run]) -> dict[str, set[str]]:
    """The commands that no run calls, and the options that no run of their command gives."""
    given: dict[str, set[str]] = {}
    known = commands(app)
    for run in runs:
        words = run.words.split()
        name = next(n for n in (" ".join(words[:2]), words[0]) if n in known)
        given.setdefault(name, set()).update(words)
    missing = {name: options - given.get(name, set()) for name, options in known.items()}
    return {name: options for name, options in missing.items() if options or name not in given}


def _below(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, set[str]]]:
    for name, below in getattr(command, "commands", {}).items():
        yield from _below(below, (*path, name))
    if not hasattr(command, "commands"):
        options = {option for p in command.params for option in [*p.opts, *p.secondary_opts] if option[:2] == "--"}
        yield " ".join(path), options - {"--help"}
