"""Numbers that are none in every option that takes one, profiles of no sense, and calls from many threads."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from attack_case import REPO, Case, Corpus, Kind, Ran, Wrong

NUMBERS = (
    "nan",
    "inf",
    "-inf",
    "-1",
    "0",
    "1e300",
    "1e-300",
    str(10**30),
    "-0.0",
    "",
    " ",
    "1e999",
    "5e-324",
    "0x10",
    "1_0",
)

_FACE = ("inspect", "face.png", "--json")
_WATCH = ("watch", "face.png", "--json")
OPTIONS: dict[tuple[str, ...], tuple[str, ...]] = {
    _FACE: (
        "--um-per-px",
        "--cladding",
        "--fibres",
        "--cleanings",
        "--capture-mb",
        "--capture-quota",
        "--max-megapixels",
    ),
    _WATCH: (
        "--um-per-px",
        "--cladding",
        "--fibres",
        "--cleanings",
        "--every",
        "--max-frames",
        "--capture-mb",
        "--capture-quota",
    ),
    ("bench", "--no-cold", "--images", "face.png", "--json"): ("--seconds", "--max-regress"),
    ("classify", "face.png", "--json"): ("--model", "--runtime"),
    ("models", "verify", "--json"): ("--runtime",),
    ("models", "show", "--json"): ("--",),
    ("criteria", "check", "--json"): ("--",),
    ("criteria", "show", "--json"): ("--",),
}
"""Commands, and those of their options that take a number or could be taken for one."""

_ENDLESS = frozenset({"1e300", str(10**30), "0x10", "1_0"})
"""Seconds of measuring that whoever asks for them may wait for."""

NOTHING = b"nothing, a GB of it"
"""Stands for a file that is long and takes no room."""

_PROFILE = REPO / "edge" / "judge" / "standards" / "iec-61300-3-35-2015-sm-upc.toml"


def kinds(found: Corpus) -> list[Kind]:
    """All kinds of these groups: options, profiles and threads."""
    made = [
        Kind(
            "options",
            " ".join((*words[: 2 if words[0] in ("models", "criteria") else 1], option)).rstrip(" -"),
            make,
            3,
        )
        for words, options in OPTIONS.items()
        for option in options
        for make in (partial(_number, words=words, option=option, found=found),)
    ]
    made += [Kind("profiles", name, partial(_profile, make=make, found=found), 2) for name, make in PROFILES.items()]
    made.append(Kind("profiles", "bytes damaged", partial(_profile, make=_damaged, found=found), 3))
    for what in ("predict", "inspect", "read", "neighbours", "forks"):
        made.append(Kind("threads", what, partial(_threads, what=what, found=found)))
    return [*made, Kind("calls", "arguments of wrong types", _arguments, 4)]


def _number(rng: Random, folder: Path, words: tuple[str, ...], option: str, found: Corpus) -> Case:
    shutil.copy(found.dirty[0], folder / "face.png")
    values = [v for v in NUMBERS if option != "--seconds" or v not in _ENDLESS]
    value = rng.choice(values)
    capture = ("--capture", "kept") if option.startswith("--capture") else ()
    spelled = (option, value) if option == "--" else (f"{option}={value}",)
    # a scale that is far off is no fault of the picture, and withholds the verdict
    return Case((*words, *capture, *spelled), frozenset({0, 1, 2, 3, 4} - ({0} if words in (_FACE, _WATCH) else set())),
                never_pass=True, may_add=("kept", "kept/*"))  # fmt: skip


def _profile(rng: Random, folder: Path, make: Callable[[Random], bytes | None], found: Corpus) -> Case:
    content = make(rng)
    if content == NOTHING:
        with (folder / "mine.toml").open("wb") as file:
            file.truncate(10**9)
    elif content is None:
        os.mkfifo(folder / "mine.toml")
    else:
        (folder / "mine.toml").write_bytes(content)
    shutil.copy(found.dirty[0], folder / "face.png")
    codes = {0, 2}
    judged = (*_FACE, "--criteria", "mine.toml")
    commands: tuple[tuple[str, ...], ...] = (
        ("criteria", "check", "mine.toml"),
        ("criteria", "show", "mine.toml", "--json"),
        judged,
    )
    words = rng.choice(commands)
    if words == judged:
        codes |= {1, 3}  # and 0: by a profile that asks for nothing the face passes
    return Case(words, frozenset(codes), time_limit_s=20.0)


def _text() -> str:
    return _PROFILE.read_text(encoding="utf-8")


def _value(rng: Random) -> bytes:
    """A value in place of another."""
    lines = _text().splitlines()
    at = rng.choice([k for k, line in enumerate(lines) if " = " in line and not line.startswith(" ")])
    name = lines[at].partition(" = ")[0]
    values = (
        *(
            '""',
            "0",
            "-1",
            "1e300",
            "1e-300",
            "nan",
            "inf",
            "-inf",
            "[]",
            "{}",
            "true",
            "1979-05-27",
            "9" * 400,
            '"\\u0000"',
        ),
        *(
            '"none >1e300"',
            '"any <=nan"',
            '"5 of 2 to 1"',
            '"' + "x" * 10_000 + '"',
            "[[[[]]]]",
            "0.0000001",
            '"\\u001b[31m"',
        ),
    )
    lines[at] = f"{name} = {rng.choice(values)}"
    return "\n".join(lines).encode()


def _zones(rng: Random) -> bytes:
    head, _, _ = _text().partition("[[zones]]")
    n = rng.choice((0, 1, 300, 3_000, 20_000))
    zone = '[[zones]]\nname = "Z{k}"\nouter_um = {um}\nscratches = "none"\ndefects = "none"\nsource = "x"\n'
    return (head + "".join(zone.format(k=k, um=10 + k / 10) for k in range(n))).encode()


def _damaged(rng: Random) -> bytes:
    data = bytearray(_text().encode())
    for _ in range(rng.randint(1, 6)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.choice((len(data), len(data), rng.randrange(len(data))))])


PROFILES: dict[str, Callable[[Random], bytes | None]] = {
    "a value": _value,
    "digits": lambda rng: f"cladding_um = {rng.choice('19') * rng.choice((400, 5_000, 100_000))}\n{_text()}".encode(),
    "brackets": lambda rng: (_text() + f"\nx = {rng.choice('[{') * rng.choice((200, 3_000, 100_000))}").encode(),
    "dotted names": lambda rng: (".".join("a" * rng.choice((300, 5_000))) + " = 1\n" + _text()).encode(),
    "zones": _zones,
    "encodings": lambda rng: _text().encode(rng.choice(("utf-8-sig", "utf-16", "utf-32"))),
    "line ends": lambda rng: _text().replace("\n", rng.choice(("\r\n", "\r", "\0\n", "\x0b\n"))).encode(),
    "a FIFO": lambda rng: None,
    "hundreds of MB": lambda rng: NOTHING,
    "nothing": lambda rng: rng.choice((b"", b"\n", b"\xef\xbb\xbf", b"\0", b"[[zones]]", b"x" * 10**7)),
}
"""Profiles of no sense; None is a FIFO."""


def _threads(rng: Random, folder: Path, what: str, found: Corpus) -> Case:
    for k, path in enumerate((*found.faces, *rng.sample(found.real, min(3, len(found.real))))):
        shutil.copy(path, folder / f"{k}{path.suffix}")
    check = partial(_thread_answers, neighbours=what == "neighbours")
    return Case((what, str(rng.randrange(10**6))), frozenset({0}), call="threads", time_limit_s=120.0,
                max_lines=10**9 if what == "neighbours" else 12, check=check)  # fmt: skip


def _thread_answers(ran: Ran, neighbours: bool) -> tuple[Wrong, str] | None:
    if ran.code:
        return None  # it is counted as what it is
    told = json.loads(ran.out)
    if told["n_wrong"] or told["stuck"]:
        return "other answer", f"{told['n_wrong']} answers differ, {told['stuck']} children hang: {told['wrong'][:1]}"
    n_lines = ran.err.count(b"neighbour: saved a JPEG, libpng, TIFF\n")
    if neighbours and n_lines != told["lines"]:
        return "other answer", f"{n_lines} of {told['lines']} lines of another thread's arrived on stderr"
    return None


def _arguments(rng: Random, folder: Path) -> Case:
    return Case((str(rng.randrange(10**9)),), frozenset({0}), call="arguments")
