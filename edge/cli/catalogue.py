"""`ferrule models` and `ferrule criteria`: lists, shows and checks what can be chosen."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from edge.classify import Classifier, load_bundle
from edge.classify.bundle import list_models
from edge.classify.runtime import available_runtimes, choose_runtime
from edge.cli.console import Console
from edge.errors import FerruleError
from edge.judge import AUTO, DEFAULT_CRITERIA, Auto, list_criteria, load_any, load_auto, load_criteria
from edge.judge.sentences import describe


def list_all_models(console: Console) -> int:
    """Lists the models that ship; returns the exit code, 4 if one is damaged."""
    code = 0
    for path in list_models().values():
        try:
            bundle = load_bundle(path)
        except FerruleError as error:
            console.error(str(error))
            code = error.exit_code
            continue
        d = bundle.description
        if console.as_json:
            told = {"name": d.name, "version": d.version, "file": str(path), "labels": d.labels}
            console.emit({**told, "patch_px": d.patch.size, "bytes": len(bundle.content), "sha256": bundle.sha256})
        console.say(f"{d.name} {d.version}: {', '.join(d.labels)}; {d.patch.size} px, {len(bundle.content)} bytes")
    if not list_models():
        console.say("no models ship with this installation; give a .tflite file with --model")
    return code


def show_model(name: str, console: Console) -> int:
    """Shows all that a model says about itself; returns the exit code.

    Raises:
        UsageError: there is no such model.
        ModelError: it is damaged.
    """
    bundle = load_bundle(name)
    described = msgspec.to_builtins(bundle.description)
    n_golden = described.pop("golden")["n_patches"]
    told = {"file": bundle.source, "bytes": len(bundle.content), "sha256": bundle.sha256, **described}
    told["n_golden_patches"] = n_golden
    if console.as_json:
        console.emit(told)
    for key, value in told.items():
        for line in _lines(key, value):
            console.say(line)
    return 0


def verify_models(names: Sequence[str], runtime: str | None, console: Console) -> int:
    """Loads each model on each runtime that works here, and so checks its golden answers.

    Returns the exit code, 4 if one is refused.

    Raises:
        UsageError: an unknown runtime.
        RuntimeUnavailableError: no runtime works.
    """
    first = choose_runtime(runtime)
    working = [first] if runtime else [report for report in available_runtimes() if report.works]
    code = 0
    for name in names or list_models():
        for report in working:
            row = {"model": name, "runtime": report.identity, "ok": True, "reason": ""}
            try:
                row["sha256"] = Classifier(load_bundle(name), report.name).identity.sha256
            except FerruleError as error:
                row.update(ok=False, reason=str(error))
                code = max(code, error.exit_code)
                console.error(str(error))
            if console.as_json:
                console.emit(row)
            console.say(f"{name} on {report.identity}", "ok" if row["ok"] else "refused")
    return code


def list_all_criteria(console: Console) -> int:
    """Lists `auto`, which is the default, and the profiles that ship; returns the exit code."""
    auto = load_auto()
    if console.as_json:
        told = {"name": AUTO, "title": auto.title, "sha256": auto.identity.sha256}
        console.emit({**told, "confirmed": auto.is_confirmed, "default": AUTO == DEFAULT_CRITERIA})
    console.say(f"{AUTO} (default): {auto.title}")
    for name in list_criteria():
        criteria = load_criteria(name)
        if console.as_json:
            told = {"name": name, "title": criteria.title, "sha256": criteria.identity.sha256}
            console.emit({**told, "confirmed": criteria.is_confirmed, "default": False})
        console.say(f"{name}: {criteria.title}")
    return 0


def show_criteria(name: str, console: Console) -> int:
    """Shows a profile's zones and limits; returns the exit code.

    Raises:
        UsageError: there is no such profile, or it has an error.
    """
    criteria = load_any(name)
    text = criteria.text if isinstance(criteria, Auto) else describe(criteria)
    if console.as_json:
        console.emit({"name": criteria.identity.name, "sha256": criteria.identity.sha256, "text": text})
    console.paragraph(text)
    return 0


def check_criteria(names: Sequence[str], console: Console) -> int:
    """Says of each profile whether it can be used; returns the exit code, 2 if one cannot."""
    code = 0
    for name in names:
        row = {"criteria": name, "ok": True, "reason": ""}
        try:
            criteria = load_any(name)
        except FerruleError as error:
            row.update(ok=False, reason=str(error))
            code = error.exit_code
            console.error(str(error))
        else:
            row.update(sha256=criteria.identity.sha256, confirmed=criteria.is_confirmed)
        if console.as_json:
            console.emit(row)
        console.say(name, "ok" if row["ok"] else "error")
    return code


def _lines(key: str, value: object) -> list[str]:
    """A key and its value for people; none for a text or table that is empty."""
    if isinstance(value, dict):
        return [f"{key}:", *(f"  {k}: {v}" for k, v in value.items())] if value else []
    if isinstance(value, (list, tuple)):
        return [f"{key}: {', '.join(map(str, value))}"]
    if isinstance(value, str) and "\n" in value:
        return [f"{key}:", *(f"  {line}" for line in value.splitlines())]
    return [f"{key}: {value}"] if value != "" else []
