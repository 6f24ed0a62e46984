"""Writes docs/performance.md: how fast, how large, how it grows; and the pictures and figures beside it.

    python scripts/make_performance.py [--frames 10000]

Run it on an otherwise idle machine; it takes some minutes. Every ratio is of figures measured in turns within one run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from edge.bench import BenchSettings, run
from edge.bench.latency import measure_interleaved
from edge.bench.report import as_text
from edge.classify import load_bundle
from edge.detect import detect
from edge.inspection import Inspector, load_inspector
from edge.locate import locate, locate_all
from edge.quality import assess
from edge.records import Frame
from trainer.phantom import Defect, Scene, Sensor, render

REPO = Path(__file__).resolve().parent.parent
DOCS = REPO / "docs"
sys.path[:0] = [str(REPO / "scripts"), str(REPO / "tests")]
from frame_profile import frame_profile  # noqa: E402
from references import boxes, disc, do2mr, lei  # noqa: E402  # the slow references live with the tests that hold detect to them

SIZES_PX = ((640, 480), (1152, 864), (1600, 1200), (2304, 1728), (3264, 2448), (4032, 3024))
N_MARKS = (0, 10, 50, 200, 1000, 2000)
BASE_WIDTH_PX = 1152
BASE_UM_PER_PX = 0.4455


def face(width_px: int, height_px: int, n_marks: int, seed: int = 1) -> np.ndarray[Any, Any]:
    """The same end face, with `n_marks` digs, at any resolution."""
    rng = np.random.default_rng(seed)
    defects = []
    for _ in range(n_marks):
        radius, turn = 118 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        x_um, y_um = float(radius * np.cos(turn)), float(radius * np.sin(turn))
        defects.append(Defect("dig", x_um, y_um, size_um=1.8, contrast=-0.35, seed=int(rng.integers(1 << 30))))
    sensor = Sensor(width_px, height_px, um_per_px=BASE_UM_PER_PX * BASE_WIDTH_PX / width_px)
    return render(Scene(sensor=sensor, defects=tuple(defects), seed=seed)).pixels


def frame_growth(inspector: Inspector, seconds: float) -> dict[str, Any]:
    """Time of a whole frame over its pixels and over its marks."""
    by_size, by_marks = [], []
    for width_px, height_px in SIZES_PX:
        frame = Frame(face(width_px, height_px, 5), "drawn")
        latency = measure_interleaved({"": lambda frame=frame: inspector.inspect(frame)}, seconds)[""]
        by_size.append({"megapixels": width_px * height_px / 1e6, "p50_ms": latency.p50_us / 1e3})
    for n_marks in N_MARKS:
        frame = Frame(face(2304, 1728, n_marks), "drawn")
        latency = measure_interleaved({"": lambda frame=frame: inspector.inspect(frame)}, seconds)[""]
        n_found = len(inspector.inspect(frame)[0].findings)
        by_marks.append({"n_drawn": n_marks, "n_found": n_found, "p50_ms": latency.p50_us / 1e3})
    return {"by_size": by_size, "by_marks": by_marks}


def against_references(inspector: Inspector, pixels: np.ndarray[Any, Any], seconds: float) -> dict[str, float]:
    """Median ms of a whole frame, pixels to verdict, against the two published detectors alone, in turns."""
    frame = Frame(pixels, "drawn")
    face = locate(pixels)
    if face is None:
        raise SystemExit("the drawn end face was not located")
    zone = disc(pixels.shape, face.x_px, face.y_px, 2 * face.cladding_rx_px, 2 * face.cladding_ry_px)
    calls = {
        "Ferrule, pixels to verdict": lambda: inspector.inspect(frame),
        "locate and quality of it": lambda: located_and_assessed(pixels),
        "detect of it": lambda: detect(pixels, face),
        "DO2MR alone, circles given": lambda: boxes(do2mr(pixels, zone)),
        "LEI alone, circles given": lambda: boxes(lei(pixels, zone)),
    }
    return {name: latency.p50_us / 1e3 for name, latency in measure_interleaved(calls, seconds).items()}


def located_and_assessed(pixels: np.ndarray[Any, Any]) -> object:
    """What goes before the detector in each frame."""
    faces = locate_all(pixels)
    return [assess(pixels, face) for face in faces]


def soak(inspector: Inspector, n_frames: int) -> list[tuple[int, float]]:
    """(frame, resident memory in MB) over many frames that differ."""
    pixels = face(1152, 864, 8)
    rng = np.random.default_rng(0)
    memory = []
    for n in range(n_frames):
        x, y = rng.integers(-40, 41, 2)
        inspector.inspect(Frame(np.roll(pixels, (y, x), (0, 1)), "drawn", n))
        if n % max(1, n_frames // 100) == 0:
            memory.append((n, resident_mb()))
    return memory


def resident_mb() -> float:
    """Memory of this process that is in use now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def peers(seconds: float) -> dict[str, Any]:
    """What scripts/bench_peers.py measures."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "peers.json"
        command = [sys.executable, str(REPO / "scripts/bench_peers.py"), "--seconds", str(seconds), "--json", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return dict(json.loads(path.read_text()))


def plot(figures: dict[str, Any]) -> None:
    """The bar chart of the peers, and the curves of growth and memory."""
    rows = sorted(figures["peers"]["1"].items(), key=lambda item: -item[1]["p50_us"])
    fig, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    colours = ["#0072b2" if name.startswith("Ferrule") else "#999999" for name, _ in rows]
    axis.barh([name for name, _ in rows], [r["p50_us"] for _, r in rows], color=colours)
    for k, (_, r) in enumerate(rows):
        axis.text(r["p50_us"] * 1.1, k, f"{r['p50_us']:,.1f}", va="center", fontsize=8)
    axis.set_xscale("log")
    axis.set_xlim(right=max(r["p50_us"] for _, r in rows) * 6)
    axis.set_xlabel("one patch, hot, median us (logarithmic)")
    fig.savefig(DOCS / "pictures/peers.png", dpi=110, metadata={"Software": None})
    plt.close(fig)

    fig, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    size, marks = figures["growth"]["by_size"], figures["growth"]["by_marks"]
    axes[0].plot([r["megapixels"] for r in size], [r["p50_ms"] for r in size], "o-")
    axes[0].set(xlabel="megapixels", ylabel="frame, median ms", title="5 marks")
    axes[1].plot([r["n_found"] for r in marks], [r["p50_ms"] for r in marks], "o-")
    axes[1].set(xlabel="candidates", ylabel="frame, median ms", title="4 megapixels")
    axes[2].plot(*zip(*figures["memory"], strict=True))
    axes[2].set(
        xlabel="frames",
        ylabel="resident memory, MB",
        title="1152x864",
        ylim=(0, 1.2 * max(mb for _, mb in figures["memory"])),
    )
    for axis in axes:
        axis.grid(alpha=0.3)
        axis.set_ylim(bottom=0)
    fig.savefig(DOCS / "pictures/growth.png", dpi=110, metadata={"Software": None})
    plt.close(fig)


def peer_rows(one: dict[str, Any], many: dict[str, Any]) -> list[str]:
    """A row of the table for each peer, the fastest with one patch first."""
    ours = "Ferrule classify (int8)"
    rows = []
    for name in sorted(one, key=lambda peer: one[peer]["p50_us"]):
        alone, p99, together = one[name]["p50_us"], one[name]["p99_us"], many[name]["p50_us"]
        cells = f"{alone:,.2f}", f"{p99:,.2f}", f"{alone / one[ours]['p50_us']:,.1f}"
        cells += f"{together / 32:,.3f}", f"{together / many[ours]['p50_us']:,.1f}"
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def page(figures: dict[str, Any], text: str) -> str:
    """docs/performance.md."""
    table = "\n".join(peer_rows(figures["peers"]["1"], figures["peers"]["32"]))
    frame = figures["references"]
    whole = frame["Ferrule, pixels to verdict"]
    frames = "\n".join(f"| {n} | {ms:.2f} | {ms / whole:.2f} |" for n, ms in frame.items())
    size = "\n".join(f"| {r['megapixels']:.1f} | {r['p50_ms']:.1f} |" for r in figures["growth"]["by_size"])
    marks = "\n".join(f"| {r['n_found']} | {r['p50_ms']:.1f} |" for r in figures["growth"]["by_marks"])
    profile = figures["profile"]
    whole_us = sum(r["own_us"] for r in profile)
    costliest = "\n".join(
        f"| {r['function']} | {r['calls']:.1f} | {r['own_us']:.0f} | {r['own_us'] / whole_us:.1%} |"
        for r in profile[:25]
    )
    first, last = figures["memory"][len(figures["memory"]) // 10], figures["memory"][-1]
    notes = DOCS / "performance-notes.md"
    extra = notes.read_text(encoding="utf-8").strip() + "\n" if notes.is_file() else ""
    return f"""# How fast

Made by `python scripts/make_performance.py`; do not edit. The figures are in `performance.json`, too. Ratios are of
figures that were measured in turns within one run; single times are of the machine named below.

## One patch, the same weights, everywhere (`scripts/bench_peers.py`)

| 784-128-5 MLP, hot | one patch, median us | p99 us | / Ferrule | 32 at once, median us each | / Ferrule |
|---|---|---|---|---|---|
{table}

Ferrule's figure is the public call: checks, quantising, the interpreter, an array of its own for the scores. The bare
LiteRT and tf.lite rows run the same graph on a patch that is quantised already.

![Peers](pictures/peers.png)

## Whole frames

One drawn 1152x864 end face with 17 marks, one thread, median ms in turns. DO2MR and LEI are the slow references of the
tests: what they flag, as regions; they are told where the fibre is, and neither measures, names nor judges.

| | ms | / Ferrule |
|---|---|---|
{frames}

| megapixels (5 marks) | ms |
|---|---|
{size}

| candidates (4 megapixels) | ms |
|---|---|
{marks}

![Growth](pictures/growth.png)

Memory: {first[1]:.0f} MB after {first[0]} frames, {last[1]:.0f} MB after {last[0]}.

## Where a frame's time goes (`scripts/frame_profile.py`)

The shipped examples; each function by itself, without what it calls. {len(profile)} functions are called
{sum(r["calls"] for r in profile):.0f} times a frame, all of them together in {whole_us:,.0f} us, timing them included.

| function | calls a frame | us by itself | share |
|---|---|---|---|
{costliest}

## `ferrule bench`

```
{text}
```

{extra}"""


def main() -> None:
    """Measures, and writes the page, its pictures and its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    inspector = load_inspector()
    say = lambda what: print(what, "...", file=sys.stderr)  # noqa: E731
    say("peers")
    figures: dict[str, Any] = {"peers": peers(args.seconds)}
    examples = sorted((REPO / "examples").glob("*.png"))
    bench = run(examples, inspector, load_bundle(), BenchSettings(seconds=args.seconds), say)
    figures["bench"] = bench
    say("references")
    figures["references"] = against_references(inspector, face(1152, 864, 17), args.seconds)
    say("profile")
    figures["profile"] = frame_profile(examples, inspector, 4 * args.seconds)
    say("growth")
    figures["growth"] = frame_growth(inspector, args.seconds / 2)
    say(f"{args.frames} frames")
    figures["memory"] = soak(inspector, args.frames)
    (DOCS / "pictures").mkdir(exist_ok=True)
    plot(figures)
    (DOCS / "performance.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    (DOCS / "performance.md").write_text(page(figures, as_text(bench)), encoding="utf-8")
    print((DOCS / "performance.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
