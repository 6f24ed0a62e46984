"""Writes docs/performance.md: how fast, how large, how it grows; and the pictures and figures beside it.

    python scripts/make_performance.py [--frames 10000]

Run it on an otherwise idle machine; it takes some minutes. Every ratio is of figures measured in turns within one run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from frame_profile import frame_profile

from edge.bench import BenchSettings, run
from edge.bench.latency import measure_interleaved
from edge.bench.report import as_text
from edge.classify import load_bundle
from edge.inspection import Inspector, load_inspector
from edge.records import Frame
from trainer.phantom import Defect, Scene, Sensor, render

REPO = Path(__file__).resolve().parent.parent
DOCS = REPO / "docs"
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
        latency = measure_interleaved({"": partial(inspector.inspect, frame)}, seconds)[""]
        by_size.append({"megapixels": width_px * height_px / 1e6, "p50_ms": latency.p50_us / 1e3})
    for n_marks in N_MARKS:
        frame = Frame(face(2304, 1728, n_marks), "drawn")
        latency = measure_interleaved({"": partial(inspector.inspect, frame)}, seconds)[""]
        n_found = len(inspector.inspect(frame)[0].findings)
        by_marks.append({"n_drawn": n_marks, "n_found": n_found, "p50_ms": latency.p50_us / 1e3})
    return {"by_size": by_size, "by_marks": by_marks}


def against_references(inspector: Inspector, pixels: np.ndarray[Any, Any], seconds: float) -> dict[str, float]:
    """Median ms of a whole frame, pixels to verdict, against the two published detectors alone, in turns.

    What locating and detecting take of the frame is as the Inspections themselves say.
    """
    sys.path.append(str(REPO / "tests"))  # the slow references live with the tests that hold detect to them
    from references import boxes, disc, do2mr, lei

    frame = Frame(pixels, "drawn")
    end_face = inspector.inspect(frame)[0].end_face
    if end_face is None:
        raise SystemExit("the drawn end face was not located")
    zone = disc(pixels.shape, end_face.x_px, end_face.y_px, 2 * end_face.cladding_rx_px, 2 * end_face.cladding_ry_px)
    laps_ms: list[dict[str, float]] = []
    calls = {
        "Ferrule, pixels to verdict": lambda: laps_ms.append(dict(inspector.inspect(frame)[0].timings_ms)),
        "DO2MR alone, circles given": lambda: boxes(do2mr(pixels, zone)),
        "LEI alone, circles given": lambda: boxes(lei(pixels, zone)),
    }
    whole, *others = [(name, found.p50_us / 1e3) for name, found in measure_interleaved(calls, seconds).items()]
    stages = [
        ("locate and quality of it", statistics.median(lap["locate"] + lap["quality"] for lap in laps_ms)),
        ("detect of it", statistics.median(lap["detect"] for lap in laps_ms)),
    ]
    return dict([whole, *stages, *others])


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
    plot_peers(figures["peers"]["1"], DOCS / "pictures/peers.png")
    plot_growth(figures["growth"], figures["memory"], DOCS / "pictures/growth.png")


def plot_peers(one: dict[str, Any], path: Path) -> None:
    """A bar for each peer, the slowest at the top."""
    rows = sorted(one.items(), key=lambda item: -item[1]["p50_us"])
    fig, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    colours = ["#0072b2" if name.startswith("Ferrule") else "#999999" for name, _ in rows]
    axis.barh([name for name, _ in rows], [r["p50_us"] for _, r in rows], color=colours)
    for k, (_, r) in enumerate(rows):
        axis.text(r["p50_us"] * 1.1, k, f"{r['p50_us']:,.1f}", va="center", fontsize=8)
    axis.set_xscale("log")
    axis.set_xlim(right=max(r["p50_us"] for _, r in rows) * 6)
    axis.set_xlabel("one patch, hot, median us (logarithmic)")
    fig.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(fig)


def plot_growth(growth: dict[str, Any], memory: list[tuple[int, float]], path: Path) -> None:
    """Time over pixels and over candidates, and memory over frames."""
    fig, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    size, marks = growth["by_size"], growth["by_marks"]
    axes[0].plot([r["megapixels"] for r in size], [r["p50_ms"] for r in size], "o-")
    axes[0].set(xlabel="megapixels", ylabel="frame, median ms", title="5 marks")
    axes[1].plot([r["n_found"] for r in marks], [r["p50_ms"] for r in marks], "o-")
    axes[1].set(xlabel="candidates", ylabel="frame, median ms", title="4 megapixels")
    axes[2].plot([n for n, _ in memory], [mb for _, mb in memory])
    axes[2].set(
        xlabel="frames",
        ylabel="resident memory, MB",
        title="1152x864",
        ylim=(0, 1.2 * max(mb for _, mb in memory)),
    )
    for axis in axes:
        axis.grid(alpha=0.3)
        axis.set_ylim(bottom=0)
    fig.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(fig)


def peer_rows(one: dict[str, Any], many: dict[str, Any]) -> list[str]:
    """A row of the table for each peer, the fastest with one patch first."""
    ours = "Ferrule classify (int8)"
    rows = []
    for name in sorted(one, key=lambda peer: one[peer]["p50_us"]):
        alone, p99, together = one[name]["p50_us"], one[name]["p99_us"], many[name]["p50_us"]
        cells = [f"{alone:,.2f}", f"{p99:,.2f}", f"{alone / one[ours]['p50_us']:,.1f}"]
        cells += f"{together / 32:,.3f}", f"{together / many[ours]['p50_us']:,.1f}"
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def page(figures: dict[str, Any], text: str) -> str:
    """docs/performance.md."""
    notes = DOCS / "performance-notes.md"
    extra = notes.read_text(encoding="utf-8").strip() + "\n" if notes.is_file() else ""
    return (
        peers_part(figures["peers"])
        + frames_part(figures)
        + profile_part(figures["profile"])
        + f"""## `ferrule bench`

```
{text}
```

{extra}"""
    )


def peers_part(peers: dict[str, Any]) -> str:
    """The head of the page, and one patch through every runtime."""
    table = "\n".join(peer_rows(peers["1"], peers["32"]))
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

"""


def frames_part(figures: dict[str, Any]) -> str:
    """Whole frames: against the references, over pixels, over candidates, and memory."""
    frame, growth, memory = figures["references"], figures["growth"], figures["memory"]
    whole = frame["Ferrule, pixels to verdict"]
    frames = "\n".join(f"| {n} | {ms:.2f} | {ms / whole:.2f} |" for n, ms in frame.items())
    size = "\n".join(f"| {r['megapixels']:.1f} | {r['p50_ms']:.1f} |" for r in growth["by_size"])
    marks = "\n".join(f"| {r['n_found']} | {r['p50_ms']:.1f} |" for r in growth["by_marks"])
    first, last = memory[len(memory) // 10], memory[-1]
    return f"""## Whole frames

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

"""


def profile_part(profile: list[dict[str, Any]]) -> str:
    """What each function of the edge takes of a frame."""
    whole_us = sum(r["own_us"] for r in profile)
    costliest = "\n".join(
        f"| {r['function']} | {r['calls']:.1f} | {r['own_us']:.0f} | {r['own_us'] / whole_us:.1%} |"
        for r in profile[:25]
    )
    return f"""## Where a frame's time goes (`scripts/frame_profile.py`)

The shipped examples; each function by itself, without what it calls. {len(profile)} functions are called
{sum(r["calls"] for r in profile):.0f} times a frame, all of them together in {whole_us:,.0f} us, timing them included.

| function | calls a frame | us by itself | share |
|---|---|---|---|
{costliest}

"""


def say(what: str) -> None:
    """What is being measured, for whoever waits."""
    print(what, "...", file=sys.stderr)


def main() -> None:
    """Measures, and writes the page, its pictures and its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    inspector = load_inspector()
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
