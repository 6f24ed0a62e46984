"""What `ferrule bench` prints, and how one run is held against another."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from edge.bench.benchmark import SCHEMA
from edge.errors import UsageError, reason_of
from edge.system.files import read_regular

STAGES = ("decode", "locate", "quality", "detect", "crop", "classify", "judge", "total")
PARTS = (
    *("classify", "bare", "quantise", "set", "invoke", "get", "idle", "crop_each", "resize_64_to_28"),
    *("load", "load_and_first"),
)
COMPARED = (
    ("one patch, hot", ("patch", "classify", "p50_us")),
    ("crop of one patch", ("patch", "crop_each", "p50_us")),
    *((f"frame, {stage}", ("frame", "stages", stage, "p50_us")) for stage in STAGES),
)
"""What is held against a baseline: medians, since tails of a shared machine are its neighbours'."""

REFERENCE = ("patch", "resize_64_to_28", "p50_us")
"""One fixed OpenCV call, measured in each run among the rest: how fast the machine was. Ratios are of figures
divided by it, so that a slower machine or a busy hour is not taken for a regression."""

_MAX_BYTES = 10_000_000
_LONGEST_US = 1e12

_EIGHTHS = " ▁▂▃▄▅▆▇█"


def as_text(figures: Mapping[str, Any]) -> str:
    """The figures as tables of microseconds with a small histogram each, for people."""
    machine = figures["environment"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    lines = [
        f"{machine['board'] or machine['cpu'] or machine['machine']}, {machine['n_cpus']} CPUs, {machine['system']}",
        f"Python {machine['python']}, {packages}",
        f"model {figures['model']['name']} {figures['model']['sha256'][:12]}, runtime {figures['model']['runtime']}",
        _state(machine, figures["throttling_after"]),
        f"timing an empty call costs {figures['timer_overhead_us']:.2f} us",
        "",
        _head("one patch, us"),
        *(_row(name, figures["patch"][name]) for name in PARTS),
        f"  classify / bare runtime {figures['patch']['classify_over_bare']:.2f}, "
        f"crop / resize 64 to 28 {figures['patch']['crop_over_resize']:.2f}",
        "",
        _head(f"frame, us, {_shapes(figures['frame']['shape_px'])}, marks {_marks(figures['n_marks'])}"),
        *(_row(name, figures["frame"]["stages"][name]) for name in STAGES if name in figures["frame"]["stages"]),
        "",
        "batch   us a patch",
        *_bars([(str(row["n_patches"]), row["per_patch_us"]) for row in figures["batch"]]),
        "",
        "threads patches a second",
        *_bars([(str(row["n_threads"]), row["patches_per_s"]) for row in figures["threads"]]),
        "",
        "runtimes, one patch",
        *(_runtime(row) for row in figures["runtimes"]),
    ]
    if "cold" in figures:
        lines += ["", "cold, whole process        ms        MB", *_cold(figures["cold"])]
    lines.append(f"peak memory of this run {figures['peak_memory_mb']:.0f} MB")
    return "\n".join(lines)


def read_baseline(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The figures that an earlier `ferrule bench --json` printed.

    Raises:
        UsageError: no such file, or it holds something else.
    """
    try:
        figures = json.loads(read_regular(path, _MAX_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"baseline {path}: {reason_of(error)}; expected what `ferrule bench --json` printed"
        ) from error
    if not isinstance(figures, dict) or figures.get("schema") != SCHEMA:
        raise UsageError(f"baseline {path}: expected {SCHEMA}, as `ferrule bench --json` prints it")
    for what, at in (("reference", REFERENCE), *COMPARED):
        if _value(figures, at) is not None and _at(figures, at) is None:
            raise UsageError(f"baseline {path}: {what}: expected a time in us; measure it again")
    if _at(figures, REFERENCE) is None or all(_at(figures, at) is None for _, at in COMPARED):
        raise UsageError(f"baseline {path}: holds nothing that can be compared; measure it again")
    return figures


def compare(figures: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[tuple[str, float]]:
    """(what, ratio) of what both runs measured: 1 is as fast as the baseline, 2 takes twice as long."""
    speed = _at(figures, REFERENCE), _at(baseline, REFERENCE)
    if not speed[0] or not speed[1]:
        raise UsageError("a run without its reference figure cannot be compared; measure the baseline again")
    ratios = []
    for what, path in COMPARED:
        now, before = _at(figures, path), _at(baseline, path)
        if now and before:
            ratios.append((what, (now / speed[0]) / (before / speed[1])))
    return ratios


def regressions(ratios: Sequence[tuple[str, float]], max_regress: float) -> list[str]:
    """One line for each ratio above 1 + `max_regress` (a share: 0.2 is 20 %)."""
    return [
        f"{what}: {ratio:.2f} times the baseline, at most {1 + max_regress:.2f} allowed"
        for what, ratio in ratios
        if ratio > 1 + max_regress
    ]


def _at(figures: Mapping[str, Any], path: Sequence[str]) -> float | None:
    """The time at a place; None where there is none that can be."""
    value = _value(figures, path)
    # A time that is none (0, negative, NaN, or larger than a float) would compare as faster than any other.
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= _LONGEST_US
    return float(value) if usable else None


def _value(figures: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = figures
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _state(machine: Mapping[str, Any], after: Sequence[str] | None) -> str:
    temperature = machine["temperature_c"]
    parts = [
        f"governor {machine['governor'] or 'not told'}",
        "temperature not told" if temperature is None else f"{temperature:.0f} C",
        "throttling not told" if after is None else "throttling: " + (", ".join(after) or "none"),
    ]
    return ", ".join(parts)


def _head(what: str) -> str:
    return f"{what:44s}\n  {'':16s}{'p50':>10s}{'p90':>10s}{'p99':>10s}{'p99.9':>10s}{'max':>10s}"


def _row(name: str, latency: Mapping[str, Any]) -> str:
    figures = "".join(f"{_us(latency[key]):>10s}" for key in ("p50_us", "p90_us", "p99_us", "p999_us", "max_us"))
    return f"  {name:16s}{figures}  {_sparkline(latency['histogram'])}"


def _us(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def _sparkline(histogram: Sequence[int]) -> str:
    most = max(histogram) or 1
    return "".join(_EIGHTHS[0 if n == 0 else max(1, round(8 * n / most))] for n in histogram)


def _bars(rows: Sequence[tuple[str, float]]) -> list[str]:
    most = max(value for _, value in rows) or 1
    return [f"  {name:>5s} {value:>12,.2f}  {'█' * max(1, round(40 * value / most))}" for name, value in rows]


def _runtime(row: Mapping[str, Any]) -> str:
    if not row["works"]:
        return f"  {row['runtime']}: {row['why_not']}"
    return f"  {row['runtime']:24s} p50 {row['p50_us']:.2f} us, p99 {row['p99_us']:.2f} us"


def _cold(cold: Mapping[str, Any]) -> list[str]:
    rows = [
        f"  {name:20s}{row['wall_ms']:>10.0f}{row['peak_memory_mb']:>10.0f}"
        for name, row in cold.items()
        if isinstance(row, Mapping)
    ]
    return [*rows, f"  ferrule --help / bare Typer {cold['help_over_bare_typer']:.2f}"]


def _shapes(shapes: Sequence[Sequence[int]]) -> str:
    return " and ".join(f"{width}x{height}" for height, width in shapes)


def _marks(n_marks: Sequence[int]) -> str:
    return f"{min(n_marks)} to {max(n_marks)}" if len(set(n_marks)) > 1 else str(n_marks[0])
