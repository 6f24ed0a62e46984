"""How long a call takes, measured so that the figure can be trusted.

Calls are timed one by one with the process's monotonic nanosecond clock; nothing is averaged away, so the tail (p99,
p99.9, max) is real. What is to be compared is measured interleaved, in blocks that take turns, so that a machine that
slows down slows all of them.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Call = Callable[[], object]

WARM_BLOCK = 32
"""Calls in a warm-up block."""
WARM_TOLERANCE = 0.03
"""Warm when the medians of two blocks that follow each other differ by less than this."""
WARM_MAX_S = 1.0
"""A call that never settles is measured all the same, after this long."""
TURN_S = 0.004
"""How long a call keeps its turn when several are measured interleaved."""


@dataclass(frozen=True, slots=True)
class Latency:
    """The distribution of one call's duration in microseconds.

    Attributes:
        n: how many calls were timed.
        histogram: counts in the bins of `edges_us`; slower calls count in the last.
        edges_us: bin edges, logarithmic from the fastest call to p99.9.
    """

    n: int
    min_us: float
    p50_us: float
    p90_us: float
    p99_us: float
    p999_us: float
    max_us: float
    histogram: tuple[int, ...]
    edges_us: tuple[float, ...]


def measure(call: Call, seconds: float = 0.5, before: Call | None = None) -> Latency:
    """The latency of `call`, after a warm-up that lasts until it is stable.

    Args:
        call: what is timed.
        seconds: how long to go on; at least 8 calls are timed however slow they are.
        before: run before each timed call, outside the time (to idle, or to undo what the call did).
    """
    return measure_interleaved({"": call}, seconds, before)[""]


def measure_interleaved(
    calls: Mapping[str, Call], seconds: float = 0.5, before: Call | None = None
) -> dict[str, Latency]:
    """Each call's latency, `seconds` for each, taking turns so that their ratios hold on a machine that drifts."""
    for call in calls.values():
        _warm(call, before)
    samples: dict[str, list[int]] = {name: [] for name in calls}
    clock = time.perf_counter_ns
    collecting = gc.isenabled()
    gc.disable()
    try:
        end = clock() + int(seconds * 1e9) * len(calls)
        while clock() < end or min(map(len, samples.values())) < 8:
            for name, call in calls.items():
                append = samples[name].append
                turn = clock() + int(TURN_S * 1e9)
                while True:
                    if before is not None:
                        before()
                    start = clock()
                    call()
                    now = clock()
                    append(now - start)
                    if now >= turn:
                        break
    finally:
        if collecting:
            gc.enable()
    return {name: summarise(np.asarray(values, dtype=np.float64) / 1e3) for name, values in samples.items()}


def summarise(durations_us: NDArray[np.float64], n_bins: int = 24) -> Latency:
    """Percentiles and a histogram of (n,) durations in microseconds, n >= 1."""
    p50, p90, p99, p999 = (float(v) for v in np.percentile(durations_us, (50, 90, 99, 99.9)))
    low, high = float(durations_us.min()), float(durations_us.max())
    edges = np.geomspace(max(low, 1e-3), max(p999, low * 1.01, 2e-3), n_bins + 1)
    counts, _ = np.histogram(np.clip(durations_us, edges[0], edges[-1]), edges)
    return Latency(len(durations_us), low, p50, p90, p99, p999, high, tuple(map(int, counts)), tuple(map(float, edges)))


def timer_overhead_us() -> float:
    """What timing an empty call costs, median, in microseconds: the floor under every figure."""
    return measure(lambda: None, 0.05).p50_us


def _warm(call: Call, before: Call | None) -> None:
    clock = time.perf_counter_ns
    end = clock() + int(WARM_MAX_S * 1e9)
    last = 0.0
    while clock() < end:
        block = np.empty(WARM_BLOCK)
        done = 0
        for n in range(WARM_BLOCK):
            if before is not None:
                before()
            start = clock()
            call()
            block[n] = clock() - start
            done = n + 1
            if clock() >= end:
                break
        median = float(np.median(block[:done]))
        if last and abs(median - last) <= WARM_TOLERANCE * last:
            return
        last = median
