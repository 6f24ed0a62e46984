"""The process that runs the cases: it imports everything once, and forks a child for each case.

A start of Python and its imports takes longer than most cases. A child that is forked after the imports is a process
of its own in all that matters here: its memory, descriptors, signals and end are its own, and what kills it kills
nothing else. Orders come as lines of JSON on stdin, reports go to stdout:

    {"pid": 1}, then {"status": what waitpid says, "peak_kb": ..., "timed_out": ...}
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parent.parent
NOBODY = 65534
_SPARE_BYTES = 4 << 30
"""Address space of a child: far above what is right (that is measured), far below what would hurt the machine."""


def preload() -> None:
    """Imports what the commands import, without running one here: no thread is started, nothing is held.

    What is imported only at its first use counts, too: a child without root's rights may not be able to read it.
    """
    edge = importlib.import_module("edge")
    for module in pkgutil.walk_packages(edge.__path__, "edge."):
        importlib.import_module(module.name)
    importlib.import_module("attack_calls")
    example = str(REPO / "examples" / "scratched.png")
    with tempfile.TemporaryDirectory() as folder:
        words = ("inspect", example, "--overlay", f"{folder}/a", "--capture", f"{folder}/b", "--json")
        for command in (words, ("inspect", "--help"), ("inspect", "--cladding=x", example), ("doctor",)):
            for name in _imported_by(command):
                with contextlib.suppress(ImportError):  # parts of a package that can be had only through it
                    importlib.import_module(name)


def _imported_by(command: tuple[str, ...]) -> list[str]:
    """The modules that a command of ours imports, found out in a process of its own."""
    code = (
        "import atexit, os, sys\n"
        "kept = os.dup(1); null = os.open(os.devnull, os.O_WRONLY); os.dup2(null, 1); os.dup2(null, 2)\n"
        "atexit.register(lambda: os.write(kept, '\\n'.join(sys.modules).encode()))\n"
        "from edge.cli.app import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], stdout=subprocess.PIPE, check=False)
    return [name for name in done.stdout.decode().split() if name != "__main__"]


def serve() -> dict[str, Any] | None:
    """Forks a child for each order; returns the order in the child, and None where there are no more."""
    while line := _read_line():
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            return dict(order)
        _report({"pid": pid})
        _report(_wait(pid, order))
    return None


def become(order: dict[str, Any]) -> None:
    """Turns this process into the command that is ordered, and runs it."""
    _prepare(order)
    sys.argv = ["ferrule", *order["arguments"]]
    if order["program"]:
        os.execv(order["program"][0], [*order["program"], *order["arguments"]])
    if order["call"]:
        getattr(importlib.import_module("attack_calls"), order["call"])(*order["arguments"])
    else:
        importlib.import_module("edge.cli.app").main()


def _read_line() -> bytes:
    """A line of stdin, byte by byte: what is buffered would be read again by a child."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return b""
        line += byte
    return line


def _report(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def _wait(pid: int, order: dict[str, Any]) -> dict[str, Any]:
    ends = time.monotonic() + order["time_limit_s"]
    watched = os.pidfd_open(pid)
    try:
        if order["kill"]:
            sign, after_s = order["kill"]
            if not select.select([watched], [], [], after_s)[0]:
                os.kill(pid, sign)
        timed_out = not select.select([watched], [], [], max(0.0, ends - time.monotonic()))[0]
    finally:
        os.close(watched)
    if timed_out:
        os.kill(pid, signal.SIGKILL)
    _, status, used = os.wait4(pid, 0)
    _end_group(pid)
    return {"status": status, "peak_kb": used.ru_maxrss, "timed_out": timed_out}


def _end_group(pid: int) -> None:
    """Ends what the child started and left; its group is named by its own number, which no other process can have."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        return


def _prepare(order: dict[str, Any]) -> None:
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["folder"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(order["err"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), 2)
    stdout = order["stdout"]
    if stdout == "closed":
        os.close(1)
        sys.stdout = None  # as Python has it where it starts so
    elif stdout == "gone":
        theirs, ours = os.pipe()
        os.close(theirs)
        os.dup2(ours, 1)
        os.close(ours)
    else:
        os.dup2(os.open(stdout, os.O_WRONLY | os.O_CREAT | (0 if stdout.startswith("/dev/") else os.O_TRUNC), 0o666), 1)
    os.closerange(3, 64)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_SPARE_BYTES, _SPARE_BYTES))
    if order["largest_file"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest_file"], order["largest_file"]))
    if order["as_nobody"] and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


if __name__ == "__main__":
    if "--light" not in sys.argv:  # another program is attacked: nothing of ours is needed
        preload()
    _report({"ready": True})
    wanted = serve()
    if wanted is not None:
        become(wanted)
