#!/usr/bin/env python3
"""Where a frame's time goes: what each function of the edge takes by itself, without what it calls.

    python scripts/frame_profile.py [PICTURE...] [--seconds 2] [--rows 30]
    python scripts/frame_profile.py [PICTURE] --files

The shipped examples if no picture is given. Each function is wrapped, which adds a third of a microsecond to a call.

With `--files`: the way of one frame through the files of the edge, for `locate`, for `detect` and for the whole frame.
A file is entered when one of its functions is called from another file and is not in the file that was entered last;
that a function returns is no entering. What all stages share (`imaging`, `records`, `errors` and the like) is left out:
it is called on the way, not passed.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Any

import cv2

import edge
from edge.detect import detect
from edge.inspection import Inspector, inspect_frame, load_inspector
from edge.locate import locate_fibres
from edge.records import EndFace, Frame
from edge.sources import read_picture

REPO = Path(__file__).resolve().parent.parent
LEFT_OUT = ("edge.bench.benchmark", "edge.cli.app", "edge.cli", "edge.overlay")
SHARED = ("arguments.py", "imaging/", "records.py", "labels.py", "arrays.py", "errors.py")
"""Files of the edge that are no station on a frame's way."""


@dataclass
class Cost:
    """What calls of one function took, in seconds."""

    n: int = 0
    own_s: float = 0.0
    whole_s: float = 0.0


class Profile:
    """Wraps the functions of the edge while it is entered."""

    def __init__(self) -> None:
        self.costs: dict[str, Cost] = {}
        self._inner_s: list[float] = []
        self._undo: list[tuple[ModuleType, str, FunctionType]] = []

    def __enter__(self) -> Profile:
        modules = [
            importlib.import_module(info.name)
            for info in pkgutil.walk_packages(edge.__path__, "edge.")
            if not info.name.startswith(LEFT_OUT)
        ]
        wrapped = {
            function: self._wrapped(f"{module.__name__.removeprefix('edge.')}.{name}", function)
            for module in modules
            for name, function in vars(module).items()
            if isinstance(function, FunctionType) and function.__module__ == module.__name__
        }
        for module in modules:
            for name, function in list(vars(module).items()):
                if isinstance(function, FunctionType) and function in wrapped:
                    self._undo.append((module, name, function))
                    setattr(module, name, wrapped[function])
        return self

    def __exit__(self, *_: object) -> None:
        for module, name, function in self._undo:
            setattr(module, name, function)

    def _wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        inner_s, costs = self._inner_s, self.costs

        @wraps(function)
        def timed(*args: Any, **named: Any) -> Any:
            inner_s.append(0.0)
            start = time.perf_counter()
            try:
                return function(*args, **named)
            finally:
                whole_s = time.perf_counter() - start
                cost = costs.setdefault(name, Cost())
                cost.n += 1
                cost.own_s += whole_s - inner_s.pop()
                cost.whole_s += whole_s
                if inner_s:
                    inner_s[-1] += whole_s

        return timed


def frame_profile(pictures: Sequence[Path], inspector: Inspector, seconds: float) -> list[dict[str, Any]]:
    """A row for each function, the costliest first: calls, own and whole time in us, means over the frames."""
    frames = [Frame(read_picture(path), str(path)) for path in pictures]
    profile = Profile()
    with profile:
        # by its module: the name that was imported here is not wrapped
        inspect = importlib.import_module(inspect_frame.__module__).inspect_frame
        for frame in frames * 3:
            inspect(frame, inspector)
        profile.costs.clear()
        n, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            for frame in frames:
                inspect(frame, inspector)
            n += len(frames)
    rows = [
        {"function": name, "calls": c.n / n, "own_us": c.own_s / n * 1e6, "whole_us": c.whole_s / n * 1e6}
        for name, c in profile.costs.items()
    ]
    return sorted(rows, key=lambda row: -row["own_us"])


def files_entered(call: Callable[[], object]) -> list[str]:
    """The files of the edge that a call goes through, in the order entered, below `edge/`; again where re-entered."""
    home = Path(edge.__file__).parent
    names: dict[str, str | None] = {}
    way: list[str] = []

    def name(frame: FrameType) -> str | None:
        file = frame.f_code.co_filename
        if file not in names:
            path = Path(file)
            below = path.relative_to(home).as_posix() if path.is_relative_to(home) else None
            names[file] = None if below is None or below.startswith(SHARED) else below
        return names[file]

    def note(frame: FrameType, event: str, _: object) -> None:
        entered = name(frame) if event == "call" else None
        if entered is None:
            return
        caller = frame.f_back
        while caller is not None and name(caller) is None:
            caller = caller.f_back
        if (caller is None or name(caller) != entered) and way[-1:] != [entered]:
            way.append(entered)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return way


def print_files(picture: Path, inspector: Inspector) -> None:
    """The way of one picture through the files."""
    frame = Frame(read_picture(picture), str(picture))
    fibres = locate_fibres(frame.pixels, inspector.locate_settings)
    faces = [fibre for fibre in fibres if isinstance(fibre, EndFace)]
    calls: dict[str, Callable[[], object]] = {"locate": lambda: locate_fibres(frame.pixels, inspector.locate_settings)}
    if faces:
        calls["detect"] = lambda: detect(frame.pixels, faces[0], inspector.detect_settings)
    calls["whole frame"] = lambda: inspect_frame(frame, inspector)
    print(picture)
    for title, call in calls.items():
        call()  # what is looked up once and kept is on no frame's way
        way = files_entered(call)
        again = len(way) - len(set(way))
        print(f"\n{title}: {len(set(way))} files, {again} times back to one that it had left")
        for file in dict.fromkeys(way):
            n = way.count(file)
            print(f"  {file:32s}entered {n} times" if n > 1 else f"  {file}")


def main() -> None:
    """Prints the table, or the way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", type=Path, metavar="PICTURE")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rows", type=int, default=30)
    parser.add_argument("--files", action="store_true", help="print the way of the last picture through the files")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    pictures = args.pictures or sorted((REPO / "examples").glob("*.png"))
    if args.files:
        print_files(pictures[-1], load_inspector())
        return
    rows = frame_profile(pictures, load_inspector(), args.seconds)
    whole_us = max(row["whole_us"] for row in rows)
    print(f"{'function':34s}{'calls':>8s}{'own us':>9s}{'share':>7s}{'whole us':>10s}")
    for row in rows[: args.rows]:
        share = row["own_us"] / whole_us
        print(f"{row['function']:34s}{row['calls']:8.1f}{row['own_us']:9.1f}{share:7.1%}{row['whole_us']:10.1f}")
    n_calls = sum(row["calls"] for row in rows)
    print(f"{len(rows)} functions, {n_calls:.0f} calls, {whole_us:,.0f} us a frame")


if __name__ == "__main__":
    main()
