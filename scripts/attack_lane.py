"""Runs cases, one after the other, in children of one process that has everything imported."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from attack_case import REPO, Case, Ran

_LONG = 400
"""Characters of a command that are shown."""

PYTHON_CLI = (sys.executable, "-m", "edge.cli.app")


class Lane:
    """One case at a time; several lanes run beside each other.

    Args:
        program: what is attacked in place of this checkout's `ferrule`.
    """

    def __init__(self, program: Sequence[str] = ()) -> None:
        self._program = list(program)
        self._aside = tempfile.TemporaryDirectory(prefix="attack-aside-")
        Path(self._aside.name).chmod(0o777)
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Lane:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stop()
        self._aside.cleanup()

    def run(self, case: Case, folder: Path) -> Ran:
        """Runs a case in the folder that holds its input."""
        out, err = Path(self._aside.name, "out"), Path(self._aside.name, "err")
        for file in (out, err):
            file.unlink(missing_ok=True)
            file.touch()
            file.chmod(0o666)
        program = self._program or (list(PYTHON_CLI) if case.own_process else [])
        order = {
            "arguments": list(case.arguments),
            "program": [] if case.call else program,
            "call": case.call,
            "folder": str(folder),
            "stdout": case.stdout or str(out),
            "err": str(err),
            "as_nobody": case.as_nobody,
            "largest_file": case.largest_file,
            "time_limit_s": case.time_limit_s,
            "kill": case.kill,
        }
        child = self._started()
        _send(child, order)
        _receive(child)
        if case.meanwhile is not None:
            case.meanwhile()
        report = _receive(child)
        return Ran(
            code=os.waitstatus_to_exitcode(report["status"]),
            out=out.read_bytes(),
            err=err.read_bytes(),
            peak_mb=report["peak_kb"] * 1024 / 1e6,
            timed_out=report["timed_out"],
            folder=folder,
        )

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            command = [
                sys.executable,
                str(REPO / "scripts" / "attack_child.py"),
                *(["--light"] if self._program else []),
            ]
            path = os.pathsep.join(filter(None, (str(REPO), os.environ.get("PYTHONPATH"))))
            # A terminal's width and colours are no part of what is tried.
            env = {**os.environ, "PYTHONPATH": path, "COLUMNS": "120", "NO_COLOR": "1"}
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, start_new_session=True
            )
            _receive(self._child)
        return self._child

    def _stop(self) -> None:
        if self._child is not None:
            for pipe in (self._child.stdin, self._child.stdout):
                assert pipe is not None
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
            self._child.wait()
            self._child = None


def _send(child: subprocess.Popen[bytes], order: dict[str, Any]) -> None:
    assert child.stdin is not None
    child.stdin.write(json.dumps(order).encode() + b"\n")
    child.stdin.flush()


def _receive(child: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise RuntimeError("the process that runs the cases is gone; see what it printed above")
    return dict(json.loads(line))


def shell_command(case: Case, case_id: str, seed: int) -> str:
    """What a person types to meet the case again, in the folder that holds its input."""
    again = f"python scripts/attack.py --seed {seed} --case {shlex.quote(case_id)} --keep KEPT"
    if case.call or case.meanwhile or case.kill:
        return again
    words = " ".join(_quoted(word) for word in case.arguments)
    redirected = {"": "", "closed": " >&-", "gone": " | true"}.get(case.stdout, f" > {case.stdout}")
    before = "" if case.largest_file is None else f"ulimit -f {case.largest_file // 1024}; "
    if len(words) > _LONG:
        words = f"{words[:_LONG]}... ({len(words)} characters)"
    return f"{before}ferrule {words}{redirected}    # {again}"


def _quoted(word: str) -> str:
    """A word as a shell takes it, on one line and without bytes that a terminal would act on."""
    if word.isprintable():
        return shlex.quote(word)
    plain = "".join(chr(b) if 32 <= b < 127 and chr(b) not in "'\\" else f"\\x{b:02x}" for b in os.fsencode(word))
    return f"$'{plain}'"


def empty(folder: Path) -> None:
    """Removes a case's folder, whatever rights it was given."""
    for below, names, _ in os.walk(folder):
        for name in names:
            inside = Path(below, name)
            with contextlib.suppress(OSError):  # a path that is too long
                if not inside.is_symlink():
                    inside.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
