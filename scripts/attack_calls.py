"""What a case does through Python in place of the command line: each in a process of its own."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

_NEAR_GREY = 2
"""Decoders and conversions of colour round differently by so much."""

_FORK_S = 10.0
"""A child that only reads a picture and is not done by then hangs."""


def compare(how: str, damaged: str, undamaged: str) -> None:
    """Reads two pictures; prints whether the second was read, and whether the first is the same or was refused.

    Args:
        how: "read" for the same grey levels, "near" for nearly the same.
        damaged: a file.
        undamaged: a file.
    """
    from edge.errors import SourceError
    from edge.sources import read_picture

    told = {}
    try:
        whole = read_picture(undamaged)
        told["undamaged"] = "read"
    except SourceError as error:
        told["undamaged"], whole = str(error), np.zeros((0, 0), np.uint8)
    try:
        got = read_picture(damaged)
        told["damaged"] = _difference(got, whole, _NEAR_GREY if how == "near" else 0)
    except SourceError:
        told["damaged"] = "refused"
    print(json.dumps(told))


def _difference(got: np.ndarray, whole: np.ndarray, tolerance: int) -> str:
    if got.shape != whole.shape:
        return f"{got.shape} in place of {whole.shape}"
    off = np.abs(got.astype(int) - whole)
    return "same" if off.max() <= tolerance else f"{(off > tolerance).mean():.1%} of the pixels, by up to {off.max()}"


def threads(what: str, seed: str) -> None:
    """Calls Ferrule from many threads at once, and holds every answer against that of one thread alone.

    Args:
        what: "predict", "inspect" or "read"; "neighbours" also logs lines on stderr and counts them, "forks" also
            forks children that read a picture.
        seed: of the order.
    """
    from edge.sources import read_picture

    rng = Random(seed)
    names = sorted(str(p) for p in Path.cwd().glob("*.*"))
    work = _work(what)
    right = [work(name) for name in names]
    orders = [[rng.randrange(len(names)) for _ in range(12)] for _ in range(8)]
    wrong: list[str] = []
    n_lines, stop = [0], threading.Event()

    def call(order: list[int]) -> None:
        try:
            wrong.extend(names[k] for k in order if work(names[k]) != right[k])
        except Exception as error:  # noqa: BLE001  (an error in a thread is an answer that differs, too)
            wrong.append(f"{type(error).__name__}: {error}")

    def log() -> None:
        while not stop.is_set():
            os.write(2, b"neighbour: saved a JPEG, libpng, TIFF\n")
            n_lines[0] += 1
            stop.wait(0.0005)

    before = os.fstat(2)
    running = [threading.Thread(target=call, args=(order,)) for order in orders]
    running += [threading.Thread(target=log)] if what == "neighbours" else []
    for thread in running:
        thread.start()
    stuck = sum(_hangs(lambda: read_picture(names[0]), before) for _ in range(8 if what == "forks" else 0))
    for thread in running[: len(orders)]:
        thread.join()
    stop.set()
    for thread in running:
        thread.join()
    print(json.dumps({"wrong": wrong[:5], "n_wrong": len(wrong), "stuck": stuck, "lines": n_lines[0]}))


def _work(what: str) -> Callable[[str], Any]:
    """What a thread does with a file: gives something that can be held against what another thread gave."""
    import edge
    from edge.inspection import load_inspector
    from edge.records import Frame
    from edge.sources import read_picture

    if what == "predict":
        return lambda name: edge.predict(read_picture(name)[:200, :200], return_prob=True)
    if what != "inspect":
        return lambda name: read_picture(name).tobytes()
    inspector = load_inspector()

    def inspect(name: str) -> Any:
        told = [look.as_dict() for look in inspector.inspect(Frame(read_picture(name), name))]
        return [{k: v for k, v in row.items() if k not in ("time", "timings_ms")} for row in told]

    return inspect


def _hangs(work: Callable[[], Any], stderr: os.stat_result) -> bool:
    """Whether a child that is forked now does not finish, or has another stderr than we had."""
    pid = os.fork()
    if pid == 0:
        work()
        now = os.fstat(2)
        os._exit(int((now.st_dev, now.st_ino) != (stderr.st_dev, stderr.st_ino)))
    watched = os.pidfd_open(pid)
    done = bool(select.select([watched], [], [], _FORK_S)[0])
    os.close(watched)
    if not done:
        os.kill(pid, signal.SIGKILL)
    return bool(os.waitpid(pid, 0)[1]) or not done


def arguments(seed: str) -> None:
    """Calls the Python API with what it was not made for: an error of ours, or an answer."""
    import edge
    from edge.errors import FerruleError
    from edge.inspection import load_inspector
    from edge.sources import events, list_folder, list_pictures, read_picture, to_grey
    from edge.sources.pictures import decode_picture

    rng = Random(seed)
    grey = np.zeros((28, 28), np.uint8)
    odd: tuple[Any, ...] = (
        *(
            None,
            True,
            0,
            -1,
            10**30,
            1.5,
            float("nan"),
            "",
            "a\0b",
            b"",
            b"\xff",
            [],
            [[]],
            [None],
            (),
            {},
            set(),
            object(),
        ),
        *(grey[:0], grey.astype(float), grey.astype(complex), grey.astype(object), np.array("x"), np.array(1)),
        *(grey[None, None], np.zeros((2, 3, 7), np.uint8), np.full((4, 4), np.nan), grey.astype(np.int64) - 300),
        *([grey, None], [grey, "x"], [grey, grey[:0]], np.ma.masked_array(grey, grey == 0), memoryview(b"abc")),
    )
    calls: tuple[Callable[[Any], Any], ...] = (
        *(edge.predict, lambda x: edge.predict(grey, x), edge.load, lambda x: edge.load(None, x), to_grey),
        *(read_picture, lambda x: decode_picture(x, "bytes"), list_folder, lambda x: list_pictures([x])),
        *(lambda x: list(events(x)) if not isinstance(x, int) else None, load_inspector),
        *(lambda x: load_inspector(criteria=x), lambda x: load_inspector(n_cleanings=x)),
    )
    k, j = rng.randrange(len(calls)), rng.randrange(len(odd))
    try:
        calls[k](odd[j])
    except FerruleError:
        pass
    except Exception as error:
        raise RuntimeError(f"call {k} with {odd[j]!r:.60}: {type(error).__name__}: {error}") from error
    sys.stdout.write("{}\n")
