#!/usr/bin/env python3
"""Where a frame's time goes: what each function of the edge takes by itself, without what it calls.

    python scripts/frame_profile.py [PICTURE...] [--seconds 2] [--rows 30]

The shipped examples if no picture is given. Each function is wrapped, which adds a third of a microsecond to a call.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import cv2

import edge
from edge.inspection import Inspector, inspect_frame, load_inspector
from edge.records import Frame
from edge.sources import read_picture

REPO = Path(__file__).resolve().parent.parent
LEFT_OUT = ("edge.bench.benchmark", "edge.cli.app", "edge.cli", "edge.overlay")


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


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", type=Path, metavar="PICTURE")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rows", type=int, default=30)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    pictures = args.pictures or sorted((REPO / "examples").glob("*.png"))
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
