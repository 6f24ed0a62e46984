"""`ferrule doctor`: what is installed here, what works, and why the rest does not."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.classify import Classifier, load_bundle
from edge.classify.bundle import list_models
from edge.classify.runtime import available_runtimes
from edge.cli.console import Console, own_version
from edge.errors import FerruleError
from edge.judge import list_criteria, load_criteria
from edge.system.environment import describe_machine

_VIDEO_CLASS = Path("/sys/class/video4linux")


def examine(console: Console) -> int:
    """Reports versions, runtimes, models, criteria and cameras.

    Returns the exit code, 4 without a runtime or with a model or profile that cannot be used.
    """
    runtimes = [
        {"name": r.name, "version": r.version, "works": r.works, "reason": r.reason} for r in available_runtimes()
    ]
    n_working = sum(bool(r["works"]) for r in runtimes)
    models = [_model(name) for name in list_models()] if n_working else []
    told: dict[str, Any] = {
        "machine": describe_machine(),
        "versions": _versions(),
        "runtimes": runtimes,
        "models": models,
        "criteria": [_criteria(name) for name in list_criteria()],
        "cameras": _cameras(),
    }
    bad = [part for part in (*models, *told["criteria"]) if not part["ok"]]
    if console.as_json:
        console.emit(told)
    _tell(told, console)
    if not n_working:
        console.error("no TFLite runtime works here; the lines above say why")
    for part in bad:
        console.error(f"{part['name']}: {part['reason']}")
    return 4 if not n_working or bad else 0


def _versions() -> dict[str, str]:
    return {
        "ferrule": own_version(),
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        "numpy": np.__version__,
    }


def _model(name: str) -> dict[str, Any]:
    try:
        identity = Classifier(load_bundle(name)).identity
    except FerruleError as error:
        return {"name": name, "ok": False, "reason": str(error)}
    return {"name": name, "ok": True, "reason": "", "sha256": identity.sha256, "runtime": identity.runtime}


def _criteria(name: str) -> dict[str, Any]:
    try:
        load_criteria(name)
    except FerruleError as error:
        return {"name": name, "ok": False, "reason": str(error)}
    return {"name": name, "ok": True, "reason": ""}


def _cameras() -> list[dict[str, str]]:
    """Video devices as Linux lists them; other systems list none without opening them."""
    found = []
    for entry in sorted(_VIDEO_CLASS.glob("video*")):
        try:
            name = (entry / "name").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:  # unplugged this very moment
            continue
        found.append({"device": f"/dev/{entry.name}", "name": name})
    return found


def _tell(told: dict[str, Any], console: Console) -> None:
    machine = told["machine"]
    console.say(f"{machine['board'] or machine['cpu'] or machine['machine']}, {machine['system']}")
    console.say(f"userland {machine['userland_bits']} bit")
    for fault in machine["throttling"] or ():
        console.say(f"throttling: {fault}")
    for name, version in told["versions"].items():
        console.say(f"{name} {version}")
    for runtime in told["runtimes"]:
        text = f"runtime {runtime['name']} {runtime['version']}".rstrip()
        console.say(f"{text}: {'works' if runtime['works'] else runtime['reason']}")
    for model in told["models"]:
        console.say(f"model {model['name']}: {'verified' if model['ok'] else model['reason']}")
    n_good = sum(c["ok"] for c in told["criteria"])
    console.say(f"criteria: {n_good} of {len(told['criteria'])} profiles can be used")
    for camera in told["cameras"]:
        console.say(f"camera {camera['device']}: {camera['name']}")
    if not told["cameras"]:
        console.say("cameras: none found")
