"""How long a call takes, measured so that the figure can be trusted."""

from __future__ import annotations

import time

import numpy as np
import pytest

from edge.bench.latency import measure, measure_interleaved, summarise, timer_overhead_us


def test_percentiles_are_those_of_the_samples() -> None:
    """A known distribution comes out with its own percentiles, extremes and count."""
    latency = summarise(np.arange(1, 1001, dtype=np.float64))
    assert (latency.n, latency.min_us, latency.max_us) == (1000, 1.0, 1000.0)
    assert latency.p50_us == pytest.approx(500.5)
    assert latency.p99_us == pytest.approx(990.01)
    assert latency.p999_us == pytest.approx(999.001)


@pytest.mark.parametrize("samples", [[5.0], [0.0, 0.0], [1.0, 1e6]])
def test_every_sample_counts_once_in_the_histogram(samples: list[float]) -> None:
    """However narrow or wide the spread, the histogram holds every call, and its edges grow."""
    latency = summarise(np.array(samples))
    assert sum(latency.histogram) == len(samples)
    assert all(a < b for a, b in zip(latency.edges_us, latency.edges_us[1:], strict=False))


def test_what_runs_before_a_call_is_not_in_its_time() -> None:
    """Idling between calls does not count: a 5 ms pause before an empty call stays out of the figure."""
    assert measure(lambda: None, 0.05, before=lambda: time.sleep(0.005)).p50_us < 5000


def test_interleaved_calls_take_turns_and_are_all_measured() -> None:
    """Each call gets its own samples, and the slower one is measured as the slower one."""
    order: list[str] = []
    figures = measure_interleaved(
        {"fast": lambda: order.append("f"), "slow": lambda: (order.append("s"), time.sleep(0.002))}, 0.03
    )
    assert figures["slow"].p50_us > figures["fast"].p50_us
    assert figures["fast"].n >= 8
    assert "".join(order).rstrip("s").count("sf") >= 2, "the calls did not take turns"


def test_timer_overhead_is_a_positive_floor() -> None:
    """Timing nothing costs something, and that is what is said."""
    assert timer_overhead_us() > 0
