import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edge.classify import runtime
from edge.classify.runtime import RUNTIMES, available_runtimes, build_interpreter, choose_runtime, probe
from edge.errors import ModelError, RuntimeUnavailableError, UsageError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def unprobed():
    """Forgets what was probed, before and after: a test that breaks a runtime must not break the others."""
    probe.cache_clear()
    yield
    probe.cache_clear()


def test_one_works_here() -> None:
    """Wherever the tests run at least one runtime works, and each of the others says why not."""
    reports = available_runtimes()
    assert tuple(r.name for r in reports) == RUNTIMES
    assert any(r.works for r in reports)
    assert all(r.works != bool(r.reason) for r in reports)
    assert all(r.version for r in reports if r.works)


def test_first_that_works_is_chosen() -> None:
    """Without a name the first working runtime is chosen; its identity has the version."""
    chosen = choose_runtime()
    assert chosen == next(r for r in available_runtimes() if r.works)
    assert chosen.identity == f"{chosen.name} {metadata.version(chosen.name)}"


def test_unknown_runtime() -> None:
    """A runtime that is not known is a usage error that lists the known ones; TensorFlow is none."""
    for name in ("tensorflow", ""):
        with pytest.raises(UsageError, match="expected one of ai-edge-litert, tflite-runtime"):
            choose_runtime(name)


def test_missing_runtimes(monkeypatch: pytest.MonkeyPatch, unprobed: None) -> None:
    """Where nothing is installed the error names every candidate and how to get it, and nothing else is tried."""

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("edge.classify.runtime.metadata.version", missing)
    with pytest.raises(RuntimeUnavailableError) as caught:
        choose_runtime()
    assert "ai-edge-litert: not installed (pip install" in str(caught.value)
    assert "tflite-runtime: not installed (pip install" in str(caught.value)
    assert caught.value.exit_code == 4


def pretend(monkeypatch: pytest.MonkeyPatch, interpreter: object) -> None:
    """Makes every runtime installed, and its interpreter this."""
    monkeypatch.setattr("edge.classify.runtime.metadata.version", lambda name: "9.9")
    monkeypatch.setattr(
        "edge.classify.runtime.importlib.import_module", lambda name: SimpleNamespace(Interpreter=interpreter)
    )


@pytest.mark.parametrize("error", [ImportError, AttributeError, RuntimeError, SystemError, ValueError, TypeError])
def test_imports_and_then_fails(monkeypatch: pytest.MonkeyPatch, unprobed: None, error: type[Exception]) -> None:
    """A runtime that imports and fails when an interpreter is built is refused, with what it said."""

    def broken(**_: object) -> None:
        raise error("_ARRAY_API not found\nand a page more")

    pretend(monkeypatch, broken)
    report = probe("tflite-runtime")
    assert not report.works
    assert f"{error.__name__}: _ARRAY_API not found" in report.reason
    assert "a page more" not in report.reason
    if np.__version__ >= "2":
        assert "needs numpy<2" in report.reason


def test_answers_at_chance(monkeypatch: pytest.MonkeyPatch, unprobed: None) -> None:
    """A runtime that runs the probe and computes something else is refused."""

    class Wrong:
        def __init__(self, **_: object) -> None: ...
        def allocate_tensors(self) -> None: ...
        def invoke(self) -> None: ...
        def set_tensor(self, index: int, value: object) -> None: ...
        def get_input_details(self) -> list[dict[str, int]]:
            return [{"index": 0}]

        get_output_details = get_input_details

        def get_tensor(self, index: int) -> np.ndarray:
            return np.array([[773.0, 90.0]])

    pretend(monkeypatch, Wrong)
    report = probe("ai-edge-litert")
    assert not report.works
    assert "computes [[773.0, 90.0]] where [773.0, 64.0] is right" in report.reason


def test_probe_model_is_computed_by_hand() -> None:
    """Every working runtime gives the halves' sums, in steps of 8, also for a batch and at the ends of the range."""
    content = (ROOT / "edge" / "classify" / "probe.tflite").read_bytes()
    patches = np.random.default_rng(1).integers(0, 256, (50, 4, 4), np.uint8)
    patches[0], patches[1] = 0, 255
    sums = np.stack([patches[:, :, :2].sum((1, 2)), patches[:, :, 2:].sum((1, 2))], axis=1)
    for report in available_runtimes():
        if not report.works:
            continue
        interpreter = build_interpreter(content, report.name)
        index = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(index, list(patches.shape))
        interpreter.allocate_tensors()
        interpreter.set_tensor(index, (patches ^ 0x80).view(np.int8))
        interpreter.invoke()
        answers = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        assert np.abs(answers - sums).max() <= 8
        assert (answers % 8 == 0).all()


def test_refused_model() -> None:
    """Bytes that are no model are refused by the runtime with one line."""
    with pytest.raises(ModelError, match="refuses the model") as caught:
        build_interpreter(b"nothing of the kind")
    assert "\n" not in str(caught.value)


def test_one_line_is_the_runtimes_own() -> None:
    """A process that builds interpreters has one line of its runtime's on stderr, and its own words whole."""
    code = (
        "from edge.classify.runtime import *; import sys; report = choose_runtime(); sys.stderr.write('mine\\n');"
        "[build_interpreter(open('edge/classify/probe.tflite', 'rb').read(), report.name) for _ in range(3)]"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, encoding="utf-8", cwd=ROOT)
    assert done.stdout == ""
    assert sorted(done.stderr.splitlines()) == ["INFO: Created TensorFlow Lite XNNPACK delegate for CPU.", "mine"]


def test_install_hints_name_extras_that_exist() -> None:
    """Every extra or package that a hint names stands in pyproject.toml."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = set(re.findall(r"^([a-z]+) = \[", project.split("[project.optional-dependencies]")[1], re.MULTILINE))
    for name, hint in runtime._INSTALL_HINTS.items():
        for extra in re.findall(r"ferrule\[(\w+)\]", hint):
            assert extra in extras
        assert f'"{name}' in project


def test_the_runtime_at_work_is_the_one_this_run_is_about() -> None:
    """Where the run names a runtime (scripts/test runs each in an environment of its own), that one is chosen."""
    expected = os.environ.get("FERRULE_EXPECT_RUNTIME")
    if expected is None:
        pytest.skip("FERRULE_EXPECT_RUNTIME is not set: any runtime will do")
    assert choose_runtime().name == expected
