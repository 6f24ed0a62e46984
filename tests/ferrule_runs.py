"""Runs `ferrule`, in this process or as one of its own, on end faces that it draws."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from typer.testing import CliRunner

from edge.cli import app
from edge.cli.ending import EXIT_INTERNAL

REPO = Path(__file__).resolve().parents[1]
TINY = REPO / "tests" / "data" / "tiny-defects.tflite"
DOCS = REPO / "docs" / "cli.md"


def draw_face(n_marks: int = 0, shape: tuple[int, int] = (600, 800), seed: int = 1) -> np.ndarray:
    """A plain end face, sharp and evenly lit, with dark marks in the core."""
    height, width = shape
    picture = np.full(shape, 165.0, np.float32)
    middle = (width // 2, height // 2)
    cv2.circle(picture, middle, 110, 110.0, -1, cv2.LINE_AA)
    cv2.circle(picture, middle, 8, 135.0, -1, cv2.LINE_AA)
    for k in range(n_marks):
        cv2.circle(picture, (middle[0] - 15 + 30 * k, middle[1]), 6, 20.0, -1, cv2.LINE_AA)
    noise = np.random.default_rng(seed).normal(0, 1.5, shape)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 0.8) + noise, 0, 255).astype(np.uint8)


def run(*arguments: object) -> Any:
    """Runs a command in this process; an unexpected exception, or an internal error, fails the test."""
    result = CliRunner().invoke(app.app, [str(a) for a in arguments], prog_name="ferrule")
    assert result.exit_code != EXIT_INTERNAL, result.stderr
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def rows(text: str) -> list[dict[str, Any]]:
    """JSON lines, parsed."""
    return [json.loads(line) for line in text.splitlines()]


@contextlib.contextmanager
def process(*arguments: object, warnings: str = "error", **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A real `ferrule`, ended at the latest when the block is left."""
    env = {**os.environ, "PYTHONPATH": str(REPO), "PYTHONWARNINGS": warnings}
    command = [sys.executable, "-m", "edge.cli.app", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8", **options}
    # Whoever starts the tests in the background starts them deaf to Ctrl-C, and so everything below them.
    listen = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, env=env, preexec_fn=listen, **pipes) as started:
        try:
            yield started
        finally:
            started.kill()


def own_words(err: str) -> str:
    """What a process wrote to stderr, without the one line by which its TFLite runtime announces itself."""
    return err.replace("INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n", "", 1)


def finish(started: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, stdout and own words on stderr of a process; a traceback fails the test."""
    out, err = started.communicate(timeout=120)
    assert "Traceback" not in err, err
    return started.returncode, out, own_words(err)


class Stream:
    """A Motion JPEG stream over HTTP on this machine, as IP microscopes send it; its URL holds a password.

    Args:
        frames: the JPEGs that each viewer gets, whole or not; the server hangs up after the last one.
        every_s: how long it waits after each.
    """

    def __init__(self, frames: Callable[[], Iterable[bytes]], every_s: float = 0.02) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                try:
                    for data in frames():
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                        self.wfile.write(head.encode() + data + b"\r\n")
                        time.sleep(every_s)
                except OSError:
                    pass  # the viewer left

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://user:password@127.0.0.1:{self.server.server_port}/live.mjpg"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
