"""`ferrule` as a process of its own: signals, pipes, names of files, and what it imports."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import pytest
from ferrule_runs import REPO, TINY, Stream, draw_face, finish, own_words, process, rows


def test_help_is_light() -> None:
    """`ferrule --help` imports neither NumPy, OpenCV nor a runtime."""
    code = (
        "import sys\nfrom edge.cli.app import app\n"
        "for words in (['--help'], ['inspect', '--help'], ['--version']):\n"
        "    try: app(words)\n    except SystemExit as end: assert end.code == 0\n"
        "heavy = {'numpy', 'cv2', 'ai_edge_litert', 'tflite_runtime', 'msgspec', 'tensorflow'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=REPO, check=True)
    assert done.stdout.endswith("heavy: []\n")


def test_the_whole_thing(bench: Path) -> None:
    """A real process inspects, and what it prints on stderr is its own words only."""
    with process("inspect", "face.png", "pictures", "none.png", "--json", "--model", TINY) as started:
        code, out, err = finish(started)
    assert code == 3
    assert [row["status"] for row in rows(out)] == ["PASS", "FAIL", "PASS", "UNREADABLE"]
    assert len(err.splitlines()) == 5


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_names_that_are_no_text(bench: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, extra: list[str]) -> None:
    """A file name that is not UTF-8 is inspected and printed, on a terminal that knows only ASCII too."""
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    name = os.fsdecode(b"caf\xe9 \xe2\x8c\x80.png")
    shutil.copy("face.png", name)
    with process("inspect", name, "--model", TINY, *extra) as started:
        code, out, _ = finish(started)
    assert code == 0
    assert "caf\\udce9" in out


def test_a_closed_pipe_ends_quietly(bench: Path) -> None:
    """`ferrule ... | head -1` leaves with 141 and says nothing of it."""
    for k in range(400):
        shutil.copy("face.png", f"pictures/{k}.png")
    with process("inspect", "pictures", "--json", "--quiet", "--model", TINY) as started:
        assert started.stdout is not None
        started.stdout.readline()
        started.stdout.close()
        assert started.wait(timeout=120) == 141
        assert started.stderr is not None
        assert own_words(started.stderr.read()) == ""


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_watching_ends_cleanly(bench: Path, sign: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end a camera loop with the counts and the code of what was graded."""
    jpeg = cv2.imencode(".jpg", draw_face())[1].tobytes()
    with Stream(lambda: itertools.repeat(jpeg)) as url, process("watch", url, "--json", "--model", TINY) as started:
        assert started.stdout is not None
        first = json.loads(started.stdout.readline())
        started.send_signal(sign)
        code, _, err = finish(started)
    assert first["status"] == "PASS"
    assert code == 0
    assert re.search(r"\d+ frames: \d+ pass, 0 fail, 0 unreadable", err.splitlines()[-1])
    assert "password" not in err


def test_inspecting_can_be_interrupted(bench: Path) -> None:
    """Ctrl-C stops `inspect` with 130 and one line."""
    for k in range(2000):
        (bench / "pictures" / f"{k}.png").symlink_to(bench / "face.png")
    # An interrupt within open() leaves its file to the garbage collector, and Python warns of that in its own words.
    with process(
        "inspect", "pictures", "--json", "--quiet", "--model", TINY, warnings="error,ignore::ResourceWarning"
    ) as started:
        assert started.stdout is not None
        started.stdout.readline()
        started.send_signal(signal.SIGINT)
        code, _, err = finish(started)
    assert (code, err) == (130, "ferrule: interrupted\n")


def test_a_terminal_sees_progress_and_a_pipe_sees_json(bench: Path) -> None:
    """The bar and the colours go to a terminal on stderr alone; stdout stays JSON to the last byte."""
    terminal, ours = os.openpty()
    seen: list[bytes] = []

    def drain() -> None:
        with contextlib.suppress(OSError):  # the last one to hold the other end let go of it
            while True:
                seen.append(os.read(terminal, 4096))

    reader = threading.Thread(target=drain)
    reader.start()
    with process("inspect", "pictures", "none.png", "--json", "--model", TINY, stderr=ours) as started:
        os.close(ours)
        assert started.stdout is not None
        told = rows(started.stdout.read())
    reader.join()
    os.close(terminal)
    assert [row["status"] for row in told] == ["FAIL", "PASS", "UNREADABLE"]
    shown = b"".join(seen).decode()
    assert "inspecting" in shown
    assert "\033[31mFAIL\033[0m" in shown
    assert "ferrule: none.png: no such file" in shown
