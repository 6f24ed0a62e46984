"""What this machine is: what a latency depends on, and what a report of a fault has to name."""

from __future__ import annotations

import os
import platform
import re
import shutil
import struct
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("ferrule", "numpy", "opencv-python", "opencv-python-headless", "ai-edge-litert", "tflite-runtime", "typer")

USERLAND_BITS = 8 * struct.calcsize("P")
"""Of this Python's pointers. A 32-bit system may run on a 64-bit kernel, whose name `platform.machine` tells."""

NEEDS_64_BIT = (
    "this Python is a 32-bit one, for which LiteRT, NumPy, OpenCV and msgspec have no wheels; install a 64-bit system, "
    "on a Raspberry Pi the 64-bit Raspberry Pi OS"
)
"""What to say where `USERLAND_BITS` is 32: docs/decisions/0025."""

THROTTLE_BITS = {
    0: "under-voltage now",
    1: "frequency capped now",
    2: "throttled now",
    3: "soft temperature limit now",
    16: "under-voltage since boot",
    17: "frequency capped since boot",
    18: "throttled since boot",
    19: "soft temperature limit since boot",
}
"""Meaning of the bits of `vcgencmd get_throttled` (Raspberry Pi documentation, "vcgencmd")."""


def describe_machine() -> dict[str, Any]:
    """Processor, governor, temperature and throttling where the board tells, system and versions.

    The machine is the kernel's; the userland, and with it every wheel, may have fewer bits. What the system does not
    tell is None; nothing here fails.
    """
    return {
        "machine": platform.machine(),
        "userland_bits": USERLAND_BITS,
        "cpu": _cpu_name(),
        "board": _first_line(Path("/proc/device-tree/model")),
        "n_cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "governor": _first_line(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        "temperature_c": temperature_c(),
        "throttling": throttling(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name)) is not None},
    }


def temperature_c() -> float | None:
    """The hottest thermal zone in degrees Celsius."""
    read = [_first_line(path) for path in Path("/sys/class/thermal").glob("thermal_zone*/temp")]
    degrees = [int(text) / 1000 for text in read if text is not None and re.fullmatch(r"-?\d+", text)]
    return max(degrees) if degrees else None


def throttling() -> list[str] | None:
    """What a Raspberry Pi says of its own throttling; empty: none; None: no such board."""
    command = shutil.which("vcgencmd")
    if command is None:
        return None
    try:
        said = subprocess.run([command, "get_throttled"], capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return decode_throttling(said)


def decode_throttling(said: str) -> list[str] | None:
    """The meaning of a line such as `throttled=0x50000`; None when it is no such line."""
    found = re.search(r"throttled=0x([0-9a-fA-F]+)", said)
    if found is None:
        return None
    bits = int(found.group(1), 16)
    return [meaning for bit, meaning in THROTTLE_BITS.items() if bits >> bit & 1]


def _cpu_name() -> str | None:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or None
    found = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.processor() or None


def _first_line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ") or None
    except OSError:
        return None


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
