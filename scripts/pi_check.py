#!/usr/bin/env python3
"""Installs the edge in a 64-bit Raspberry Pi OS userland, emulated, and holds its JSON against this machine's.

    scripts/pi_check.py [--pictures examples] [--work DIR]

Needs Linux, root, and Debian's packages debootstrap, qemu-user-static and unzip. Run it with a Python in which ferrule
and packaging are installed: that one gives the reference. Verdicts, findings and measures must be equal; scores may
differ by SCORE_STEP, because two runtimes round floats differently; times and the runtime's name are not compared.

Exit code 0: equal. 1: they differ. 2: it could not be run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parent.parent
SUITE = "bookworm"  # Raspberry Pi OS 12's base; Python 3.11
PYTHON = "3.11"
PACKAGES = "python3,libgl1,libglib2.0-0,libstdc++6"  # what opencv-python's wheel expects of the system
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
MARKERS = {
    "platform_machine": "aarch64",
    "sys_platform": "linux",
    "python_version": PYTHON,
    "python_full_version": PYTHON + ".2",
}
RUNTIME = "ai-edge-litert==2.1.6"
"""The newest LiteRT that runs under Debian 12's qemu 7.2; 2.2.0 and 2.3.0 end there in a segmentation fault when an
interpreter is built, on every emulated processor that was tried. Nothing is known of that on real boards."""
PROCESSOR = "cortex-a72"
"""The Raspberry Pi 4's. On qemu's own "max", 2.1.6 computes wrong sums, and Ferrule's probe refuses it."""
SCORE_STEP = 1.5e-4
"""The fourth and last digit of a score may be rounded the other way: two runtimes differ in the seventh."""


def fail(message: str) -> None:
    """Says why the check cannot be run, and leaves with 2."""
    print(f"pi_check.py: {message}", file=sys.stderr)
    raise SystemExit(2)


def run(*command: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command's output; on failure its last words and exit code 2."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode:
        fail(f"{command[0]} left with {done.returncode}: {(done.stderr or done.stdout).strip()[-800:]}")
    return done


def make_root(root: Path) -> None:
    """An arm64 Debian tree: unpacked, never booted, so that nothing runs but Python."""
    if root.exists():
        return
    half = root.with_name("root.partial")
    shutil.rmtree(half, ignore_errors=True)
    run("debootstrap", "--foreign", "--arch=arm64", "--variant=minbase", f"--include={PACKAGES}", SUITE, half)
    for package in sorted((half / "var/cache/apt/archives").glob("*.deb")):
        run("dpkg-deb", "--extract", package, half)
    shutil.rmtree(half / "var/cache/apt/archives")
    half.rename(root)


def install_edge(site: Path, scratch: Path) -> None:
    """The wheel of this checkout with the base dependencies that pyproject.toml names for aarch64."""
    from packaging.requirements import Requirement

    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", scratch, REPO)
    (wheel,) = scratch.glob("ferrule-*.whl")
    metadata = run("unzip", "-p", wheel, "*/METADATA").stdout
    needs = [Requirement(line.split(":", 1)[1]) for line in metadata.splitlines() if line.startswith("Requires-Dist:")]
    wanted = []
    for need in needs:
        if need.marker is None or need.marker.evaluate({**MARKERS, "extra": ""}):
            need.marker = None
            wanted.append(RUNTIME if need.name == "ai-edge-litert" else str(need))
    shutil.rmtree(site, ignore_errors=True)
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", site, "--only-binary=:all:", *platforms]
    abis = [word for abi in ("cp311", "abi3", "none") for word in ("--abi", abi)]
    run(*pip, "--python-version", PYTHON, "--implementation", "cp", *abis, *wanted)
    run(*pip, "--no-deps", wheel)


def inspect(command: list[str], pictures: list[Path], env: dict[str, str]) -> tuple[list[dict[str, Any]], float]:
    """The inspections that `command` prints for `pictures`, and how long it took in seconds."""
    start = time.perf_counter()
    done = subprocess.run([*command, *map(str, pictures)], capture_output=True, text=True, env={**os.environ, **env})
    if done.returncode < 0:
        fail(f"{command[0]} was ended by signal {-done.returncode}: {done.stderr.strip()[-800:]}")
    if done.returncode not in (0, 1, 3):
        print(f"pi_check.py: {command[0]} left with {done.returncode}: {done.stderr.strip()[-800:]}", file=sys.stderr)
        raise SystemExit(1)
    return [json.loads(line) for line in done.stdout.splitlines()], time.perf_counter() - start


def differences(here: Any, there: Any, path: str = "") -> list[str]:
    """Where two inspections differ, as `key: here | there`."""
    if isinstance(here, dict) and isinstance(there, dict):
        skipped = {"timings_ms", "time", "runtime"}
        keys = [k for k in {**here, **there} if k not in skipped]
        return [d for k in keys for d in differences(here.get(k), there.get(k), f"{path}.{k}")]
    if isinstance(here, list) and isinstance(there, list) and len(here) != len(there):
        return [f"{path}: {len(here)} | {len(there)} of them"]
    if isinstance(here, list) and isinstance(there, list):
        return [d for n, pair in enumerate(zip(here, there, strict=True)) for d in differences(*pair, f"{path}[{n}]")]
    is_score = ".score" in path and isinstance(here, float) and isinstance(there, (int, float))
    same = abs(here - there) <= SCORE_STEP if is_score else here == there
    return [] if same else [f"{path}: {here} | {there}"]


def main() -> None:
    """Builds, runs both, compares, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, default=REPO / "examples", help="a folder of pictures")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser.add_argument("--work", type=Path, default=cache / "ferrule/pi", help="where the userland is kept")
    args = parser.parse_args()
    for tool in ("debootstrap", "qemu-aarch64-static", "dpkg-deb", "unzip"):
        if shutil.which(tool) is None:
            fail(f"{tool} is missing; on Debian: sudo apt install debootstrap qemu-user-static unzip")
    pictures = sorted(p for p in args.pictures.iterdir() if p.suffix.lower() in {".png", ".jpg", ".bmp", ".tif"})
    if not pictures:
        fail(f"no picture in {args.pictures}")

    root, site = args.work / "root", args.work / "site"
    try:
        args.work.mkdir(parents=True, exist_ok=True)
        make_root(root)
        with tempfile.TemporaryDirectory() as scratch:
            install_edge(site, Path(scratch))
    except OSError as error:
        fail(f"cannot make the userland in {args.work}: {error}")

    ferrule = ["-m", "edge.cli.app", "inspect", "--json"]
    here, here_s = inspect([sys.executable, *ferrule], pictures, {})
    emulated = ["qemu-aarch64-static", "-cpu", PROCESSOR, "-L", str(root), str(root / "usr/bin/python3")]
    there, there_s = inspect(
        [*emulated, *ferrule], pictures, {"PYTHONPATH": str(site), "PYTHONHOME": str(root / "usr")}
    )

    found = [] if len(here) == len(there) else [f"number of inspections: {len(here)} | {len(there)}"]
    for a, b in zip(here, there):  # noqa: B905 - a difference in length is already said
        found += [f"{a['source']}{d}" for d in differences(a, b)]
        n_here, n_there = len(a["findings"]), len(b["findings"])
        print(f"{a['status']:11s}{b['status']:11s}{n_here:4d}{n_there:4d}  {Path(a['source']).name}")
    print(f"here {here_s:.1f} s, emulated aarch64 {there_s:.1f} s, {len(pictures)} pictures")
    for difference in found:
        print("differs:", difference)
    print("equal" if not found else f"{len(found)} differences")
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
