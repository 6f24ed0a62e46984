"""`ferrule bench`: what it measures, prints and compares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import pytest
from ferrule_runs import TINY, draw_face, run

from edge.bench import BenchSettings
from edge.bench.report import COMPARED, compare, read_baseline, regressions
from edge.errors import UsageError


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One short run on a drawn face with marks."""
    face = tmp_path_factory.mktemp("bench") / "face.png"
    cv2.imwrite(str(face), draw_face(3))
    result = run("bench", "--images", face, "--model", TINY, "--seconds", "0.02", "--no-cold", "--json")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def test_every_stage_and_percentile_is_measured(figures: dict[str, Any]) -> None:
    """Each stage of a frame has its percentiles, in order; batches and runtimes are there, and the model's hash."""
    for stage in ("decode", "locate", "detect", "crop", "classify", "judge", "total"):
        latency = figures["frame"]["stages"][stage]
        assert 0 < latency["min_us"] <= latency["p50_us"] <= latency["p99_us"] <= latency["max_us"]
    assert [row["n_patches"] for row in figures["batch"]][:2] == [1, 2]
    assert any(row["works"] for row in figures["runtimes"])
    assert len(figures["model"]["sha256"]) == 64
    assert min(figures["n_marks"]) > 0


def test_a_run_compared_with_itself_has_not_regressed(figures: dict[str, Any]) -> None:
    """Every ratio of a run to itself is 1, and none is above the allowance."""
    ratios = compare(figures, figures)
    assert len(ratios) == len(COMPARED)
    assert all(ratio == pytest.approx(1) for _, ratio in ratios)
    assert regressions(ratios, 0.0) == []


def test_a_slower_stage_is_named_and_a_slower_machine_is_not(figures: dict[str, Any]) -> None:
    """Doubling one stage is told with its ratio; doubling everything, as a slow machine does, is not."""
    slower = json.loads(json.dumps(figures))
    slower["frame"]["stages"]["detect"]["p50_us"] *= 2
    assert regressions(compare(slower, figures), 0.2) == [
        "frame, detect: 2.00 times the baseline, at most 1.20 allowed"
    ]
    everything = json.loads(json.dumps(figures))
    for part in (*everything["frame"]["stages"].values(), *everything["patch"].values()):
        if isinstance(part, dict):
            part["p50_us"] *= 2
    assert regressions(compare(everything, figures), 0.01) == []


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "other"}', "\0"])
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, content: str) -> None:
    """Anything but what `ferrule bench --json` printed is refused, with what was expected."""
    path = tmp_path / "baseline.json"
    path.write_text(content)
    with pytest.raises(UsageError, match="ferrule bench --json"):
        read_baseline(path)


@pytest.mark.parametrize("seconds", [0, -1, 601, float("nan")])
def test_an_unusable_duration_is_refused(seconds: float) -> None:
    """A figure is measured for more than 0 and at most 600 seconds."""
    with pytest.raises(UsageError, match="s for each figure"):
        BenchSettings(seconds=seconds)


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", "0", "-1", "1e400", "9" * 400, "true", '"1"', "[]", "{}"],
    ids=lambda v: v[:9],
)
@pytest.mark.parametrize("at", ["reference", "compared"])
def test_a_baseline_whose_times_are_none_is_refused(tmp_path: Path, value: str, at: str) -> None:
    """Or a run would be faster than it, whatever it took."""
    times = {"reference": "1.5", "compared": "2.5", at: value}
    path = tmp_path / "baseline.json"
    path.write_text(
        f'{{"schema": "ferrule/bench/1", "patch": {{"resize_64_to_28": {{"p50_us": {times["reference"]}}}, '
        f'"classify": {{"p50_us": {times["compared"]}}}}}}}'
    )
    with pytest.raises(UsageError, match=r"baseline.json: .*expected a time in us"):
        read_baseline(path)


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b"9" * 5000, b"\xff", b"{}", b'{"schema": "ferrule/bench/1"}', b"\0"],
    ids=lambda c: c[:9],
)
def test_a_hostile_baseline_is_refused(tmp_path: Path, content: bytes) -> None:
    """In one line, whatever it holds."""
    path = tmp_path / "baseline.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="baseline"):
        read_baseline(path)
