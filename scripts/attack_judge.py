"""What is right and what is wrong about what a case left behind."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import re
import signal
import stat
import struct
import xml.etree.ElementTree as ElementTree
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attack_case import VERDICTS, WRONG, Case, Ran, Wrong

PEAK_MB = 600.0
"""More memory is too much: what a picture or model may take of a Raspberry Pi's 1 GB."""

OUTPUT_LOST, INTERNAL_ERROR = 5, 70
INTERRUPTED = 130

_TRACEBACK = re.compile(rb"Traceback \(most recent call last\)|^Exception ignored|^Fatal Python error", re.MULTILINE)
# What may stand on stderr with --quiet: an error of ours, and Typer's usage.
_OURS = re.compile(r"ferrule: |Usage: |Try 'ferrule|[╭│╰]|Error: |\s*$")
# What a library prints, or says in an exception's text, and no user can act on.
_GREETING = "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
_RAW = re.compile(
    r"^(INFO|WARNING|ERROR): |^\[ *(WARN|ERROR|INFO)|^libpng|^Corrupt JPEG|^TIFF|"
    r"\.[ch]pp\b|\.cc\b|/modules/|0x[0-9a-f]{6,}|\bcv::|\bstd::|OpenCV\(|site-packages|\bat line \d+ of\b"
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LARGE_BYTES = 32 << 20

State = dict[str, tuple[object, ...]]


def state_of(folder: Path) -> State:
    """What lies in a folder: each path with its type and what it holds."""
    return {str(path.relative_to(folder)): _state(path) for path in _walk(folder)}


def judge(case: Case, ran: Ran, before: State) -> list[tuple[Wrong, str]]:
    """Everything wrong about an outcome, the worst first; empty where it is right."""
    after = state_of(ran.folder)
    found = [*_ends(case, ran), *_files(case, ran, before, after), *_says(case, ran)]
    if case.check is not None and not ran.timed_out and (wrong := case.check(ran)):
        found.append(wrong)
    return sorted(found, key=lambda w: WRONG.index(w[0]))


def rows(out: bytes) -> list[dict[str, Any]]:
    """JSON lines, strictly parsed.

    Raises:
        ValueError: one of them is no JSON object.
    """
    parsed = [json.loads(line, parse_constant=_no_constant) for line in out.decode().splitlines()]
    if not all(isinstance(row, dict) for row in parsed):
        raise ValueError("a line that is no object")
    return parsed


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _ends(case: Case, ran: Ran) -> Iterator[tuple[Wrong, str]]:
    expected = sorted(case.codes)
    if ran.timed_out:
        yield "hang", f"not done in {case.time_limit_s:g} s"
    elif ran.code < 0:
        if not (case.kill and ran.code == -case.kill[0]):
            yield "signal", f"ended by {signal.Signals(-ran.code).name}: {_last_line(ran.err)}"
    elif _TRACEBACK.search(ran.err):
        yield "traceback", f"exit {ran.code}: {_last_line(ran.err)}"
    elif ran.code == INTERNAL_ERROR:
        yield "internal error", _last_line(ran.err)
    elif ran.code not in case.codes and not (case.kill and case.kill[0] == signal.SIGINT and ran.code == INTERRUPTED):
        yield "exit code", f"{ran.code}, expected one of {expected}: {_last_line(ran.err)}"
    if ran.peak_mb > PEAK_MB:
        yield "memory", f"{ran.peak_mb:.0f} MB, at most {PEAK_MB:g}"


def _says(case: Case, ran: Ran) -> Iterator[tuple[Wrong, str]]:
    out = ran.out.decode("utf-8", "surrogateescape")
    err = ran.err.decode("utf-8", "surrogateescape")
    for name, text in (("stdout", out), ("stderr", err)):
        if found := _CONTROLS.search(text):
            yield "bad output", f"{found.group()!r} on {name}"
        if any("\udc80" <= c <= "\udcff" for c in text):
            yield "bad output", f"bytes that are no UTF-8 on {name}"
    yield from _told(case, ran, out)
    if _TRACEBACK.search(ran.err) or ran.code < 0 or ran.timed_out:
        return  # it is counted, and whatever is printed belongs to it
    # the runtime's greeting has no switch; it comes once a process
    lines = err.replace(_GREETING, "", 1).splitlines()
    for line in lines:
        # what else there is to tell people has no form of its own; asked to be quiet, only errors are told
        if _RAW.search(line) or ("--quiet" in case.arguments and not _OURS.match(line)):
            yield "raw line", line[:200]
            break
    if len(lines) > case.max_lines and ran.code:
        yield "many lines", f"{len(lines)} on stderr, at most {case.max_lines}"


def _told(case: Case, ran: Ran, out: str) -> Iterator[tuple[Wrong, str]]:
    """What the verdicts are worth: those of JSON objects, and of lines for people."""
    words = case.arguments
    judges = not case.call and bool(words) and words[0] in ("inspect", "watch")
    statuses = re.findall(r"^(PASS|FAIL|UNREADABLE) ", out, re.MULTILINE)
    if "--json" in words and not case.stdout and not case.call:
        # a process that was killed, and a stdout that is full, end where they end
        text = ran.out if ran.code >= 0 and ran.code != OUTPUT_LOST else ran.out[: ran.out.rfind(b"\n") + 1]
        try:
            told = rows(text)
        except ValueError as error:
            yield "bad output", f"stdout is not JSON: {error}"
            return
        statuses = [str(row.get("status")) for row in told]
        if case.n_rows is not None and ran.code in VERDICTS | {OUTPUT_LOST} and len(told) != case.n_rows:
            yield "bad output", f"{len(told)} JSON objects, expected {case.n_rows}"
        if judges and statuses and ran.code in VERDICTS and not ran.timed_out:
            right = 3 if "UNREADABLE" in statuses else int("FAIL" in statuses)
            # a source that is lost at the end is said on stderr, and outweighs what was seen
            if ran.code not in (right, 3):
                yield "exit code", f"{ran.code} with {', '.join(statuses[:3])}"
    if case.never_pass and judges and ("PASS" in statuses or ran.code == 0):
        yield "false PASS", f"exit {ran.code}: {', '.join(statuses[:3])}"


def _files(case: Case, ran: Ran, before: State, after: State) -> Iterator[tuple[Wrong, str]]:
    for path in before.keys() - after.keys():
        if not _fits(path, case.may_change):
            yield "replaced", f"{path} is gone"
    for path in before.keys() & after.keys():
        if before[path] != after[path] and not _fits(path, case.may_change):
            yield "replaced", f"{path} is not what it was"
    for path in after.keys() - before.keys():
        if Path(path).name.startswith(".ferrule-"):
            if not (case.kill and case.kill[0] != signal.SIGINT and ran.code == -case.kill[0]):
                yield "half file", f"{path} was left behind"
        elif not _fits(path, case.may_add):
            yield "replaced", f"{path} came to be"
        elif problem := _problem(ran.folder / path):
            yield "half file", f"{path}: {problem}"


def _problem(path: Path) -> str:
    """Why a file that was written is not whole; empty where it is."""
    if path.is_symlink() or not path.is_file():
        return ""
    content = path.read_bytes()
    try:
        if path.suffix == ".png":
            _walk_png(content)
        if path.suffix == ".svg":
            ElementTree.fromstring(content)
        if path.suffix == ".jsonl":
            if content and not content.endswith(b"\n"):
                return "its last line is not whole"
            rows(content)
    except (ElementTree.ParseError, ValueError, struct.error) as error:
        return str(error)
    return ""


def _walk_png(content: bytes) -> None:
    """Looks at every chunk of a PNG and its checksum.

    Raises:
        ValueError: it does not end where it should, or a chunk is damaged.
        struct.error: it ends within a chunk.
    """
    at, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, at)
        (checksum,) = struct.unpack_from(">I", content, at + 8 + length)
        if zlib.crc32(content[at + 4 : at + 8 + length]) != checksum:
            raise ValueError(f"a damaged {kind!r} chunk")
        at += 12 + length
    if at != len(content):
        raise ValueError(f"{len(content) - at} bytes after its end")


def _fits(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def _walk(folder: Path) -> Iterator[Path]:
    for below, folders, names in os.walk(folder):
        for name in (*folders, *names):
            yield Path(below, name)


def _state(path: Path) -> tuple[object, ...]:
    try:
        info = path.lstat()
    except OSError as error:  # a path that is too long
        return (error.errno,)
    kind = stat.S_IFMT(info.st_mode)
    if stat.S_ISLNK(info.st_mode):
        return kind, str(path.readlink())
    if not stat.S_ISREG(info.st_mode):
        return (kind,)
    if info.st_size > _LARGE_BYTES:
        return kind, info.st_size, info.st_mtime_ns
    if not os.access(path, os.R_OK):
        return kind, info.st_size
    return kind, hashlib.sha256(path.read_bytes()).hexdigest()


def _last_line(text: bytes) -> str:
    """The last line that has words in it: Typer draws a box around its own."""
    lines = text.decode("utf-8", "backslashreplace").splitlines()
    spoken = [line.strip("│ ") for line in lines if any(c.isalnum() for c in line)]
    return spoken[-1][:200] if spoken else "(says nothing)"
