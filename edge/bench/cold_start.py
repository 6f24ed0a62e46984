"""Latency of the process from cold: what a command takes from its start to its end, and the memory that it needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

COLD_RUNS = 5
BARE_TYPER = "import typer\napp = typer.Typer()\n@app.command()\ndef main(name: str) -> None: ...\napp()"
"""The least program that Typer can make: what a command's own start-up is held against."""

LAUNCHER = """import os, sys, time
quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
start = time.perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
usage = os.wait4(process, 0)[2]
print(time.perf_counter() - start, usage.ru_maxrss)
"""
"""Starts a command and reads its time and memory from a process that is itself small: on Linux a child's peak
memory begins with its parent's."""


def cold_start(picture: Path) -> dict[str, Any]:
    """Whole processes from their start to their end: wall time in ms and peak memory in MB, medians.

    Args:
        picture: what `ferrule inspect` is given.

    Returns:
        `wall_ms` and `peak_memory_mb` of each command, and `help_over_bare_typer`, a ratio.
    """
    ferrule = [sys.executable, "-m", "edge.cli.app"]
    commands = {
        "python": [sys.executable, "-c", "pass"],
        "bare_typer_help": [sys.executable, "-c", BARE_TYPER, "--help"],
        "ferrule_help": [*ferrule, "--help"],
        "ferrule_inspect": [*ferrule, "inspect", str(picture)],
    }
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(COLD_RUNS):
        for name, command in commands.items():  # in turns, as in `measure_interleaved`
            runs[name].append(_whole_process(command))
    figures: dict[str, Any] = {
        name: {"wall_ms": float(np.median([w for w, _ in of])), "peak_memory_mb": float(np.median([m for _, m in of]))}
        for name, of in runs.items()
    }
    figures["help_over_bare_typer"] = figures["ferrule_help"]["wall_ms"] / figures["bare_typer_help"]["wall_ms"]
    return figures


def _whole_process(command: Sequence[str]) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, *command], capture_output=True, text=True, check=True, timeout=120
    )
    elapsed_s, maxrss = done.stdout.split()[-2:]
    return float(elapsed_s) * 1e3, _megabytes(int(maxrss))


def peak_memory_mb() -> float:
    """The most memory that this process has held."""
    import resource

    return _megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _megabytes(maxrss: int) -> float:
    return maxrss / (1 << 20) if sys.platform == "darwin" else maxrss / (1 << 10)
