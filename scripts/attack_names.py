"""Hostile names of files, folders, models and profiles: inspected like any other, and told without harm."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path
from random import Random

from attack_case import Case, Corpus, Kind

NAMES: dict[str, tuple[str, ...]] = {
    "control characters": (
        "a\x1b[31mred",
        "\x1b]0;title\x07",
        "bell\x07",
        "\x08\x08back",
        "cr\rPASS",
        "\x7f",
        "\x9b31m",
    ),
    "line breaks": ("one\nPASS        two", "\n", "a\n\nb", "tab\there", "sep\u2028line\u2029par", "nel\x85"),
    "markup": ("<script>alert(1)</script>".replace("/", "_"), "a&b", '"quoted"', "'", "]]>", "<!--", "&#0;", "a=b;c"),
    "no UTF-8": tuple(os.fsdecode(b) for b in (b"caf\xe9", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"\x80" * 20)),
    "255 bytes": ("x" * 251, "\u00e9" * 125 + "x", "x" * 250, "\U0001f600" * 62 + "xyz", "x" * 240),
    "leading dashes": ("-", "--", "-r", "--json", "--overlay", "-q -v", "--help", "-face"),
    "spaces and marks": (
        " ",
        "  a",
        "a ",
        "a  b",
        "\u00a0",
        "\u200b",
        "\u202eFAIL",
        "\ufeffbom",
        "a\u0301",
        "\U0001f52c",
    ),
    "formats": (
        "%s%n%d",
        "{0}",
        "{source}",
        "$HOME",
        "`id`",
        "$(id)",
        "[bold]x[/bold]".replace("/", "_"),
        "\\x1b",
        "*?",
    ),
    "names of other things": ("CON", "nul", "aux.txt", "0", "007", "1e5", "nan", "True", "None", "..png", ".hidden"),
    "looks like a URL": ("http:", "rtsp:x@y", "file:", "C:", "face.png#page=1", "face.png?x=1", "~", "~root", "@list"),
}


def kinds(found: Corpus) -> list[Kind]:
    """All kinds of this group."""
    made = [Kind("names", name, partial(_named, names=names, found=found), 3) for name, names in NAMES.items()]
    return [
        *made,
        Kind("names", "paths too long", _too_long, 3),
        Kind("names", "deep folders", partial(_deep, found=found)),
    ]


def _named(rng: Random, folder: Path, names: tuple[str, ...], found: Corpus) -> Case:
    name = rng.choice(names)
    picture = (name if len(os.fsencode(name)) < 252 else name[:-4]) + rng.choice((".png", ".png", ".PNG"))
    while len(os.fsencode(picture)) > 255:
        picture = picture[1:]
    how = rng.choice((_one, _one, _folder, _watched, _missing, _drawn, _drawn, _other_file, _output, _classified))
    return how(rng, folder, picture, found)


def _face(folder: Path, name: str, found: Corpus) -> None:
    shutil.copy(found.dirty[0], folder / name)


def _json(rng: Random) -> tuple[str, ...]:
    return ("--json",) if rng.random() < 0.6 else ()


def _one(rng: Random, folder: Path, name: str, found: Corpus) -> Case:
    _face(folder, name, found)
    return Case(("inspect", *_json(rng), "--", name), frozenset({1}), never_pass=True, n_rows=1)


def _folder(rng: Random, folder: Path, name: str, found: Corpus) -> Case:
    """A folder with a hostile name, and in it a picture with one."""
    (folder / name).mkdir()
    _face(folder / name, name, found)
    codes = {3} if name.startswith(".") else {1}
    return Case(("inspect", *_json(rng), "--recursive", "--", "."), frozenset(codes), never_pass=True, n_rows=1)


def _watched(rng: Random, folder: Path, name: str, found: Corpus) -> Case:
    _face(folder, name, found)
    return Case(("watch", *_json(rng), "--max-frames", "2", "--", f"./{name}"), frozenset({1}), never_pass=True)


def _missing(rng: Random, folder: Path, name: str, found: Corpus) -> Case:
    command = rng.choice((("inspect",), ("classify",), ("inspect", "--recursive")))
    return Case((*command, *_json(rng), "--", name), frozenset({3}), never_pass=True)


def _drawn(rng: Random, folder: Path, name: str, found: Corpus) -> Case:
    """Overlays are named for their pictures, and hold their names as text; a name may be too long for another file."""
    _face(folder, name, found)
    words = ("inspect", *_json(rng), "--overlay", "out", "--overlay-format", rng.choice(("svg", "png")), "--", name)
    return Case(words, frozenset({1, 5}), never_pass=True, n_rows=1, may_add=("out", "out/*"))


def _other_file(rng: Random, folder: Path, name: str, found: Corpus) -> Case:
    """A model or a profile with a hostile name that is none."""
    (folder / name).write_bytes(rng.choice((b"", b"nothing", b"\x1b[31m = \x07", b"[[zones]]\nname = '\x1b]0;x'")))
    options = (("models", "verify"), ("models", "show"), ("criteria", "check"), ("criteria", "show"))
    return Case((*rng.choice(options), "--", name), frozenset({2, 4}))


def _output(rng: Random, folder: Path, name: str, found: Corpus) -> Case:
    """Folders with hostile names that are made for what is written."""
    _face(folder, "face.png", found)
    option = rng.choice(("--overlay", "--capture"))
    return Case(
        ("inspect", *_json(rng), "face.png", f"{option}=./{name}"),
        frozenset({1}),
        never_pass=True,
        n_rows=1,
        may_add=("*",),
    )


def _classified(rng: Random, folder: Path, name: str, found: Corpus) -> Case:
    _face(folder, name, found)
    return Case(("classify", *_json(rng), "--prob", "--", name), frozenset({0}), n_rows=1)


def _too_long(rng: Random, folder: Path) -> Case:
    long = rng.choice(
        (
            "x" * 256,
            "x" * 5_000,
            "a/" * 3_000 + "face.png",
            "y" * 300 + "/" * 10_000 + "face.png",
            "x" * 100_000,
            "\n" * 300,
        )
    )
    commands: tuple[tuple[tuple[str, ...], set[int]], ...] = (
        *((("inspect", "--json", long), {3}), (("classify", "--json", long), {3}), (("watch", "--json", long), {3})),
        *((("inspect", ".", "--model", long), {2, 4}), (("inspect", ".", "--criteria", long), {2})),
        *((("inspect", ".", "--overlay", long), {2, 3, 5}), (("inspect", ".", "--capture", long), {2, 3, 5})),
        *(
            (("models", "show", long), {2, 4}),
            (("criteria", "check", long), {2}),
            (("bench", "--images", long), {2, 3}),
        ),
        *(
            (("models", "verify", long), {2, 4}),
            (("bench", "--compare", long), {2, 3}),
            (("criteria", "show", long), {2}),
        ),
    )
    words, codes = rng.choice(commands)
    return Case(words, frozenset(codes), never_pass=True, may_add=("a", "a/*", "x*"))


def _deep(rng: Random, folder: Path, found: Corpus) -> Case:
    """Folders below each other until a path is longer than the system takes."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(rng.choice((20, 60))):
        os.mkdir("d" * 100, dir_fd=here)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    _face(folder, "face.png", found)
    return Case(("inspect", "--json", "--recursive", "."), frozenset({1, 3}), never_pass=True)
