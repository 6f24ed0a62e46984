"""Files that are none, folders that may not be entered, outputs that cannot be written, and ends at any moment."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from attack_case import Case, Corpus, Kind

_COMMANDS = (("inspect", "--json"), ("classify", "--json"), ("watch", "--json"))
_UNWRITABLE = frozenset({5})
_DEVICES = (
    "/dev/zero",
    "/dev/full",
    "/dev/null",
    "/dev/random",
    "/proc/kmsg",
    "/proc/self/mem",
    "/dev/tty",
    "/proc/self",
)


def kinds(found: Corpus) -> list[Kind]:
    """All kinds of these groups: files, outputs and kills."""
    with_corpus: dict[str, Callable[[Random, Path, Corpus], Case]] = {
        "files/no regular file": _special,
        "files/beside a good one": _beside,
        "files/no regular file as an option": _option,
        "files/locked file": _locked_file,
        "files/locked folder below": _locked_folder,
        "files/grows or is cut while read": _changing,
        "outputs/stdout full": partial(_stdout, where=("/dev/full",)),
        "outputs/stdout closed": partial(_stdout, where=("closed",)),
        "outputs/stdout that nobody reads": partial(_stdout, where=("gone",)),
        "outputs/folder fills up": _fills_up,
        "outputs/folder cannot be used": _unusable,
        "outputs/something is there already": _taken,
        "outputs/odd things in a capture folder": _capture_folder,
    }
    made = [
        Kind(group, name, partial(_with, make=make, found=found), 2)
        for (group, name), make in ((key.split("/"), make) for key, make in with_corpus.items())
    ]
    signs = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
    return made + [Kind("kills", name, partial(_killed, sign=sign, found=found), 2) for name, sign in signs.items()]


def _with(rng: Random, folder: Path, make: Callable[[Random, Path, Corpus], Case], found: Corpus) -> Case:
    return make(rng, folder, found)


def _special(rng: Random, folder: Path, found: Corpus) -> Case:
    path = folder / "face.png"
    _make_special(rng, path)
    words = (*rng.choice(_COMMANDS), "face.png")
    return Case(words, frozenset({3}), never_pass=True, time_limit_s=20.0)


def _make_special(rng: Random, path: Path) -> None:
    kind = rng.choice(("fifo", "socket", "loop", "folder", "dangling", "sparse", "device", "device", "device"))
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        at = os.open(path.parent, os.O_RDONLY)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{at}/{path.name}")  # a socket's own path may be no longer than 107 bytes
        os.close(at)
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "folder":
        path.mkdir()
    elif kind == "dangling":
        path.symlink_to("nothing")
    elif kind == "sparse":
        with path.open("wb") as file:
            file.truncate(rng.choice((700, 3_000, 50_000)) * 10**6)
    else:
        path.symlink_to(rng.choice(_DEVICES))


def _beside(rng: Random, folder: Path, found: Corpus) -> Case:
    """What cannot be read does not stop the others."""
    (folder / "in").mkdir()
    for name in ("a.png", "c.png"):
        shutil.copy(found.dirty[0], folder / "in" / name)
    _make_special(rng, folder / "in" / "b.png")
    listed = ("in/a.png", "in/b.png", "in/c.png")
    how, n = rng.choice(((listed, 3), (("in",), None), (("in", "--recursive"), None)))
    return Case(("inspect", "--json", *how), frozenset({1, 3}), never_pass=True, n_rows=n, time_limit_s=20.0)


def _option(rng: Random, folder: Path, found: Corpus) -> Case:
    """A FIFO or a device in place of a model, a profile or an earlier run's figures."""
    _make_special(rng, folder / "given")
    commands = (
        *(("inspect", "face.png", "--model", "given"), ("inspect", "face.png", "--criteria", "given")),
        *(("models", "verify", "given"), ("models", "show", "given"), ("criteria", "check", "given")),
        *(("criteria", "show", "given"), ("classify", "face.png", "--model", "given")),
        *(("bench", "--no-cold", "--seconds", "0.01", "--compare", "given"), ("bench", "--images", "given")),
    )
    shutil.copy(found.dirty[0], folder / "face.png")
    return Case(rng.choice(commands), frozenset({2, 3, 4}), never_pass=True, time_limit_s=20.0)


def _locked_file(rng: Random, folder: Path, found: Corpus) -> Case:
    for name in ("a.png", "b.png", "c.png"):
        shutil.copy(found.dirty[0], folder / name)
    (folder / "b.png").chmod(0)
    what = rng.choice((("a.png", "b.png", "c.png"), (".",)))
    # a folder's listing names it, too: it is there
    return Case(("inspect", "--json", *what), frozenset({3}), as_nobody=True, never_pass=True, n_rows=3)


def _locked_folder(rng: Random, folder: Path, found: Corpus) -> Case:
    for name in ("one", "shut", "two"):
        (folder / "in" / name).mkdir(parents=True)
        shutil.copy(found.dirty[0], folder / "in" / name / "face.png")
    (folder / "in" / "shut").chmod(rng.choice((0, 0o200, 0o400)))
    return Case(("inspect", "--json", "--recursive", "in"), frozenset({3}), as_nobody=True, never_pass=True, n_rows=3)


def _changing(rng: Random, folder: Path, found: Corpus) -> Case:
    path, whole = folder / "face.png", found.dirty[0].read_bytes()
    path.write_bytes(whole)
    moves = [rng.choice((0, len(whole), rng.randrange(len(whole)), len(whole) + 10**6)) for _ in range(60)]

    def meanwhile() -> None:
        with path.open("r+b") as file:
            for size in moves:
                file.truncate(size)
                time.sleep(0.005)

    return Case(
        *(("inspect", "--json", "face.png"), frozenset({1, 3})),
        never_pass=True, n_rows=1, meanwhile=meanwhile, may_change=("face.png",),
    )  # fmt: skip


def _stdout(rng: Random, folder: Path, found: Corpus, where: tuple[str, ...]) -> Case:
    shutil.copy(found.dirty[0], folder / "face.png")
    commands: tuple[tuple[str, ...], ...] = (
        *(("inspect", "face.png"), ("inspect", "--json", "face.png"), ("classify", "face.png"), ("watch", "face.png")),
        *(("models", "list"), ("models", "show", "fibre-defects"), ("models", "verify"), ("doctor",), ("--version",)),
        *(("criteria", "list"), ("criteria", "show", "iec-61300-3-35-2015-mm", "--json"), ("--help",)),
        *(("criteria", "check", "iec-61300-3-35-2015-mm"), ("inspect", "--help"), ("classify", "--json", "face.png")),
    )
    stdout = rng.choice(where)
    codes = {"gone": frozenset({141, 5}), "closed": frozenset({0, 1, 5})}.get(stdout, _UNWRITABLE)
    return Case(rng.choice(commands), codes, stdout=stdout, own_process=True)


def _fills_up(rng: Random, folder: Path, found: Corpus) -> Case:
    """No file may grow beyond what a first part of an overlay takes: every verdict is told all the same."""
    (folder / "in").mkdir()
    for k in range(3):
        shutil.copy(found.dirty[k % 2], folder / "in" / f"{k}.png")
    option = rng.choice(("--overlay", "--overlay", "--capture"))
    codes = frozenset({5}) if option == "--overlay" else frozenset({1, 5})
    return Case(
        *(("inspect", "--json", "in", option, "out"), codes),
        largest_file=rng.choice((32_768, 65_536)) if option == "--overlay" else 16_384,
        never_pass=True, may_add=("out", "out/*"), n_rows=3,
    )  # fmt: skip


def _unusable(rng: Random, folder: Path, found: Corpus) -> Case:
    """A folder for overlays or patches that is a file, a link to nothing or to a device, or may not be written to."""
    shutil.copy(found.dirty[0], folder / "face.png")
    place = folder / "out"
    kind = rng.choice(("file", "dangling", "device", "locked", "loop", "below a file"))
    if kind == "locked":
        place.mkdir(mode=0o555)
    elif kind in ("file", "below a file"):
        place.write_text("mine")
    else:
        place.symlink_to({"dangling": "nowhere/at/all", "device": "/dev/full", "loop": "out"}[kind])
    words = (
        "inspect",
        "--json",
        "face.png",
        rng.choice(("--overlay", "--capture")),
        "out/a" if "below" in kind else "out",
    )
    return Case(words, frozenset({2, 5}), as_nobody=True, never_pass=True)


def _taken(rng: Random, folder: Path, found: Corpus) -> Case:
    """What lies where an overlay would go stays what it was."""
    (folder / "out").mkdir()
    for name in ("face.png", "clean.png"):
        shutil.copy(found.dirty[0], folder / name)
    theirs = folder / "out" / rng.choice(("face.png", "face.svg"))
    kind = rng.choice(("picture", "folder", "link", "dangling", "text"))
    if kind == "folder":
        theirs.mkdir()
    elif kind == "picture":
        shutil.copy(found.dirty[1], theirs)
    elif kind == "text":
        theirs.write_text("mine")
    else:
        theirs.symlink_to("../clean.png" if kind == "link" else "nothing")
    return Case(
        *(("inspect", "--json", "face.png", "--overlay", "out", "--overlay-format", theirs.suffix[1:]), frozenset({1})),
        never_pass=True, n_rows=1, may_add=("out/*",),
    )  # fmt: skip


def _capture_folder(rng: Random, folder: Path, found: Corpus) -> Case:
    """A folder for patches in which what is ours has another kind, no sense, or another's rights."""
    shutil.copy(found.dirty[0], folder / "face.png")
    kept = folder / "kept"
    kept.mkdir()
    name = rng.choice(("capture.jsonl", "capture.jsonl", "README.txt", "unlabelled", "clean"))
    if rng.random() < 0.5:
        _make_special(rng, kept / name)
    else:
        lines = (
            b"",
            b"\xff\xfe\n",
            b"[" * 100_000,
            b"{}\n" * 1_000,
            b'{"schema": "ferrule/capture/1"',
            b"9" * 5_000 + b"\n",
        )
        (kept / name).write_bytes(rng.choice(lines))
    words = ("inspect", "--json", "face.png", "--capture", "kept")
    # What was captured before may be added to, and what cannot be added to is said.
    return Case(
        *(words, frozenset({1, 2, 5})),
        never_pass=True, time_limit_s=20.0, may_add=("kept/*",), may_change=("kept/capture.jsonl",),
    )  # fmt: skip


def _killed(rng: Random, folder: Path, sign: signal.Signals, found: Corpus) -> Case:
    """Whatever the moment: no half picture, no half line, nothing of the input touched."""
    (folder / "in").mkdir()
    for k in range(12):
        shutil.copy(found.dirty[k % 2], folder / "in" / f"{k}.png")
    words = ("inspect", "--json", "--quiet", "in", "--overlay", "out", "--capture", "kept")
    added = ("out", "out/*", "kept", "kept/*")
    return Case(words, frozenset({1}), never_pass=True, may_add=added, kill=(int(sign), rng.uniform(0.02, 1.5)))
