"""Latency, measured: of one patch, of a batch, of a whole frame by stage, of the process from cold.

Everything is measured on real work: the pictures that are given (or the shipped examples), the marks that the
detector proposes on them, and the public calls that a user's program makes. `docs/performance.md` says how the figures
are to be read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.bench.cold_start import cold_start, peak_memory_mb
from edge.bench.latency import Latency, measure_interleaved, summarise, timer_overhead_us
from edge.bench.latency import measure as timed
from edge.classify import Classifier, crop, encode_measures
from edge.classify.bundle import Bundle
from edge.classify.patches import side_px
from edge.classify.runtime import available_runtimes, build_interpreter
from edge.errors import SourceError, UsageError
from edge.inspection import Inspector, inspect_frame
from edge.records import Candidate, Frame, Inspection
from edge.sources import read_frame
from edge.system.environment import describe_machine

SCHEMA = "ferrule/bench/1"
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
THREADS = (1, 2, 4)
IDLE_S = 0.01
"""The pause before a call "after idling": what a camera at 100 frames a second leaves."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class BenchSettings:
    """How long and what.

    Attributes:
        seconds: how long each figure is measured.
        n_opencv_threads: threads that OpenCV may use; 1 makes figures comparable between machines.
        cold: whether whole processes are started, too.
    """

    seconds: float = 0.5
    n_opencv_threads: int = 1
    cold: bool = True

    def __post_init__(self) -> None:
        if not 0.001 <= self.seconds <= 600:
            raise UsageError(f"{self.seconds} s for each figure; expected 0.001 to 600")


def run(
    pictures: Sequence[Path], inspector: Inspector, bundle: Bundle, settings: BenchSettings, say: Say = lambda _: None
) -> dict[str, Any]:
    """Every figure, as plain values (`ferrule/bench/1`): latencies in us, memory in MB.

    Args:
        pictures: real end faces; their marks are the patches.
        inspector: what inspects them.
        bundle: the model in it, for what is measured of loading.
        settings: how long and what.
        say: told what is measured next.

    Raises:
        SourceError: a picture cannot be read, or none of them has a mark to classify.
    """
    n_threads = cv2.getNumThreads()
    cv2.setNumThreads(settings.n_opencv_threads)
    try:
        machine = describe_machine()
        say("frames, stage by stage")
        frames = [read_frame(path) for path in pictures]
        inspected = [inspect_frame(frame, inspector) for frame in frames]
        pixels, look = _most_marked(frames, inspected)
        frame_figures = _frames(pictures, frames, inspector, settings)
        say("one patch")
        patches = crop(pixels, _candidates(look), inspector.classifier.spec)
        figures = {
            "schema": SCHEMA,
            "environment": machine,
            "model": asdict(inspector.classifier.identity),
            "settings": asdict(settings),
            "timer_overhead_us": timer_overhead_us(),
            "n_pictures": len(pictures),
            "n_marks": [sum(len(look.findings) for look in looks) for looks in inspected],
            "patch": _patch(pixels, look, inspector.classifier, bundle, settings),
            "frame": frame_figures,
        }
        say("batches")
        figures["batch"] = _batches(patches, inspector.classifier, settings)
        say("threads")
        figures["threads"] = _threads(patches, inspector.classifier, settings)
        say("runtimes")
        figures["runtimes"] = _runtimes(patches, bundle, settings)
        if settings.cold:
            say("cold starts")
            figures["cold"] = cold_start(pictures[0])
        figures["peak_memory_mb"] = peak_memory_mb()
        figures["throttling_after"] = describe_machine()["throttling"]
        return figures
    finally:
        cv2.setNumThreads(n_threads)


def _most_marked(
    frames: Sequence[Frame], inspected: Sequence[Sequence[Inspection]]
) -> tuple[NDArray[np.uint8], Inspection]:
    """The fibre with the most marks, and the picture it is in."""
    looks = [(frame.pixels, look) for frame, looks in zip(frames, inspected, strict=True) for look in looks]
    pixels, most = max(looks, key=lambda item: len(item[1].findings))
    if not most.findings:
        raise SourceError("no picture has a mark that could be classified; give --images with marked end faces")
    return pixels, most


def _candidates(look: Inspection) -> list[Candidate]:
    return [finding.candidate for finding in look.findings]


def _patch(
    pixels: NDArray[np.uint8], look: Inspection, classifier: Classifier, bundle: Bundle, settings: BenchSettings
) -> dict[str, Any]:
    """One patch: the public call against the bare runtime, its parts, after idling, and what goes before it."""
    spec, candidates = classifier.spec, _candidates(look)
    one = crop(pixels, candidates[:1], spec)
    measures = encode_measures(candidates[:1], look.end_face, spec) if spec.measures else None
    runtime = classifier.identity.runtime.split()[0]
    square = np.ascontiguousarray(np.resize(pixels, (64, 64)))
    small = [c for c in candidates if side_px(c.w_px, c.h_px, spec.size) == spec.size] or candidates
    hot = measure_interleaved(
        {
            "classify": lambda: classifier(one, measures),
            **bare_runtime(bundle, runtime, one, measures),
            "resize_64_to_28": lambda: cv2.resize(square, (28, 28), interpolation=cv2.INTER_AREA),
            "crop_each": lambda: crop(pixels, small, spec),
        },
        settings.seconds,
    )
    figures: dict[str, Any] = {name: asdict(latency) for name, latency in hot.items()}
    figures["crop_each"] = asdict(_divided(hot["crop_each"], len(small)))
    figures["classify_over_bare"] = hot["classify"].p50_us / hot["bare"].p50_us
    figures["crop_over_resize"] = hot["crop_each"].p50_us / len(small) / hot["resize_64_to_28"].p50_us
    idle = lambda: time.sleep(IDLE_S)  # noqa: E731
    figures["idle"] = asdict(timed(lambda: classifier(one, measures), settings.seconds, before=idle))
    figures["load"] = asdict(timed(lambda: Classifier(bundle, runtime), settings.seconds))
    figures["load_and_first"] = asdict(timed(lambda: Classifier(bundle, runtime)(one, measures), settings.seconds))
    return figures


def bare_runtime(
    bundle: Bundle, runtime: str, one: NDArray[np.uint8], measures: NDArray[np.uint8] | None
) -> dict[str, Callable[[], object]]:
    """The runtime alone, on one patch that is quantised already: set, invoke and get, together and apart.

    And the quantising, as one NumPy call into an array of its own.

    Args:
        bundle: the model.
        runtime: one of `edge.classify.runtime.RUNTIMES`.
        one: (1, size, size) uint8.
        measures: (1, k) uint8; None where the model takes none.

    Returns:
        The calls `bare`, `quantise`, `set`, `invoke` and `get`.
    """
    interpreter = build_interpreter(bundle.content, runtime)
    given = []
    for details in interpreter.get_input_details():
        shape, dtype = [1, *details["shape"][1:]], np.dtype(details["dtype"])
        value = one if len(shape) > 2 else measures
        assert value is not None  # the classifier was loaded, so the inputs are those of its contract
        levels = (value ^ 0x80).view(np.int8) if dtype == np.int8 else value.astype(dtype)
        given.append((details["index"], np.ascontiguousarray(levels.reshape(shape))))
    output = interpreter.get_output_details()[-1]["index"]
    set_tensor, invoke, get_tensor = interpreter.set_tensor, interpreter.invoke, interpreter.get_tensor
    codes, sign_bit = np.empty_like(one), np.array(0x80, np.uint8)

    def set_all() -> None:
        for index, value in given:
            set_tensor(index, value)

    def bare() -> object:
        for index, value in given:
            set_tensor(index, value)
        invoke()
        return get_tensor(output)

    bare()
    return {
        "bare": bare,
        "quantise": lambda: np.bitwise_xor(one, sign_bit, codes),
        "set": set_all,
        "invoke": invoke,
        "get": lambda: get_tensor(output),
    }


def _divided(latency: Latency, by: int) -> Latency:
    figures = asdict(latency)
    for name, value in figures.items():
        if name.endswith("_us"):
            figures[name] = tuple(v / by for v in value) if isinstance(value, tuple) else value / by
    return Latency(**figures)


def _frames(
    pictures: Sequence[Path], frames: Sequence[Frame], inspector: Inspector, settings: BenchSettings
) -> dict[str, Any]:
    """Each stage of whole frames, as `inspect_frame` itself times them, and the decoding before it."""
    stages: dict[str, list[float]] = {}
    end = time.perf_counter() + settings.seconds * 4
    n_warm = 2
    rounds = 0
    while rounds < n_warm + 3 or time.perf_counter() < end:
        for frame in frames:
            looks = inspect_frame(frame, inspector)
            if rounds >= n_warm:
                for stage, elapsed_ms in looks[0].timings_ms.items():
                    stages.setdefault(stage, []).append(elapsed_ms * 1e3)
        rounds += 1
    reads = [timed(lambda path=path: read_frame(path), settings.seconds / len(pictures)) for path in pictures]  # type: ignore[misc]  # a default argument binds the loop's value
    figures = {stage: asdict(summarise(np.asarray(values))) for stage, values in stages.items()}
    figures["decode"] = asdict(max(reads, key=lambda latency: latency.p50_us))
    return {
        "shape_px": sorted({frame.pixels.shape for frame in frames}),
        "stages": figures,
    }


def _batches(patches: NDArray[np.uint8], classifier: Classifier, settings: BenchSettings) -> list[dict[str, Any]]:
    batches = {n: np.resize(patches, (n, *patches.shape[1:])) for n in BATCHES}
    figures = []
    for n, batch in batches.items():  # one size after the other: changing the size is not what is measured
        latency = timed(lambda batch=batch: classifier(batch), settings.seconds / 3)  # type: ignore[misc]  # as above
        figures.append({"n_patches": n, "per_patch_us": latency.p50_us / n, **asdict(latency)})
    return figures


def _threads(patches: NDArray[np.uint8], classifier: Classifier, settings: BenchSettings) -> list[dict[str, Any]]:
    """Patches a second when several threads share one classifier."""
    batch = np.resize(patches, (32, *patches.shape[1:]))

    def work(until: float) -> int:
        n = 0
        classifier(batch)
        while time.perf_counter() < until:
            classifier(batch)
            n += len(batch)
        return n

    figures = []
    for n_threads in THREADS:
        with ThreadPoolExecutor(n_threads) as pool:
            until = time.perf_counter() + settings.seconds
            n_patches = sum(pool.map(work, [until] * n_threads))
        figures.append({"n_threads": n_threads, "patches_per_s": n_patches / settings.seconds})
    return figures


def _runtimes(patches: NDArray[np.uint8], bundle: Bundle, settings: BenchSettings) -> list[dict[str, Any]]:
    """One patch on every runtime that works here, and why the others do not."""
    figures: list[dict[str, Any]] = []
    for report in available_runtimes():
        if not report.works:
            figures.append({"runtime": report.name, "works": False, "why_not": report.reason})
            continue
        classifier = Classifier(bundle, report.name)
        latency = timed(lambda classifier=classifier: classifier(patches[:1]), settings.seconds)  # type: ignore[misc]  # as above
        figures.append({"runtime": report.identity, "works": True, **asdict(latency)})
    return figures
