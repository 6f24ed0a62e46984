"""Which TFLite interpreter runs here: the only file that imports LiteRT or tflite-runtime.

Both runtimes announce their XNNPACK delegate on the process's stderr, one line once per process, and have no switch
for it that other programs may use; the line is left alone, because stderr belongs to whoever runs us.

A runtime counts as working when it has built an interpreter and computed the right answer, in this process:
tflite-runtime imports with NumPy 2 and fails only afterwards, and a model that loads may still answer at
chance. TensorFlow is never used in their place.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from edge.arguments import described
from edge.errors import ModelError, RuntimeUnavailableError, UsageError
from edge.system.environment import NEEDS_64_BIT, USERLAND_BITS

_SOURCE_PLACE = re.compile(r"\S+\.(?:cc|cpp|c|h)(?::\d+)?:?\s+")
_MODULES = {"ai-edge-litert": "ai_edge_litert.interpreter", "tflite-runtime": "tflite_runtime.interpreter"}

RUNTIMES = tuple(_MODULES)
"""Names of the runtimes that are tried, in this order."""

_INSTALL_HINTS = {
    "ai-edge-litert": "pip install ai-edge-litert",
    "tflite-runtime": "pip install 'ferrule[tflite]'",
}

_FAILURES = (ImportError, RuntimeError, ValueError, AttributeError, SystemError, TypeError, OSError)
"""What a runtime that does not fit the machine, the Python or the NumPy was seen or is documented to raise."""

REFUSALS = (RuntimeError, ValueError, TypeError, SystemError, ArithmeticError, LookupError, MemoryError)
"""What is raised when a graph cannot be built or run: the runtimes' C++ throws RuntimeError and ValueError, the rest
comes of sizes and types in a file that nobody foresaw."""

_PROBE = Path(__file__).with_name("probe.tflite")
_PROBE_PATCH = np.array([[255, 255, 0, 0], [255, 0, 0, 64], [0, 0, 0, 0], [8, 0, 0, 0]], np.uint8)
_PROBE_SUMS = (773.0, 64.0)
"""Grey levels in the left and in the right half of the probe's patch: by hand, what the probe model answers."""

_PROBE_STEP = 8.0
"""The probe model answers in steps of 8 grey levels, and runtimes round differently by up to one."""


class Interpreter(Protocol):
    """What both runtimes' interpreters have in common, as far as it is used."""

    def allocate_tensors(self) -> None:
        """Makes room for the tensors; needed before the first `invoke` and after a resize."""

    def get_input_details(self) -> list[dict[str, Any]]:
        """Index, name, shape, dtype and quantization of each input."""

    def get_output_details(self) -> list[dict[str, Any]]:
        """The same of each output."""

    def resize_tensor_input(self, input_index: int, tensor_size: list[int], strict: bool = False) -> None:
        """Sets an input's shape."""

    def tensor(self, tensor_index: int) -> Callable[[], NDArray[Any]]:
        """A call that gives a view of a tensor's memory; while that view is held, the interpreter does not run."""

    def set_tensor(self, tensor_index: int, value: NDArray[Any]) -> None:
        """Copies an input in."""

    def get_tensor(self, tensor_index: int) -> NDArray[Any]:
        """Copies an output out."""

    def invoke(self) -> None:
        """Runs the graph."""


@dataclass(frozen=True, slots=True)
class RuntimeReport:
    """What was found out about one runtime.

    Attributes:
        name: one of `RUNTIMES`.
        version: of the installed package; "" when it is not installed.
        works: whether it built an interpreter and computed the probe model's answer.
        reason: why it does not work, and what to do; "" when it works.
    """

    name: str
    version: str
    works: bool
    reason: str = ""

    @property
    def identity(self) -> str:
        """Name and version, as an `Inspection` says what ran the model."""
        return f"{self.name} {self.version}"


def available_runtimes() -> tuple[RuntimeReport, ...]:
    """What every known runtime is worth here, in the order they are tried; each is probed once per process."""
    return tuple(probe(name) for name in RUNTIMES)


def choose_runtime(name: str | None = None) -> RuntimeReport:
    """The runtime asked for, or the first that works.

    Raises:
        UsageError: `name` is none of `RUNTIMES`.
        RuntimeUnavailableError: it does not work here, or none does; the message says why for each.
    """
    if name is not None and (not isinstance(name, str) or name not in RUNTIMES):
        raise UsageError(f"unknown runtime {described(name)}: expected one of {', '.join(RUNTIMES)}")
    reports = []
    for candidate in RUNTIMES if name is None else (name,):
        report = probe(candidate)
        if report.works:
            return report
        reports.append(report)
    raise RuntimeUnavailableError(
        "no TFLite runtime works here: " + "; ".join(f"{r.name}: {r.reason}" for r in reports)
    )


def build_interpreter(model_content: bytes, runtime: str | None = None, n_threads: int = 1) -> Interpreter:
    """An interpreter of the model with its tensors allocated.

    The model is handed over as bytes, so that a file replaced meanwhile changes nothing. Only pass bytes whose
    hash was checked: of damaged models, older runtimes crash the process on about one in seven.

    Args:
        model_content: the whole .tflite.
        runtime: one of `RUNTIMES`; None: the first that works.
        n_threads: threads of one call; more than one is slower for nets of this size.

    Raises:
        UsageError: an unknown runtime.
        RuntimeUnavailableError: no such runtime works here.
        ModelError: the runtime refuses the model.
    """
    report = choose_runtime(runtime)
    try:
        return _build(report.name, model_content, n_threads)
    except REFUSALS as error:
        raise ModelError(
            f"{report.identity} refuses the model: {one_line(error)}; convert it again for operators that it has"
        ) from error


@cache
def probe(name: str) -> RuntimeReport:
    """Builds and runs the hand-computable probe model with one runtime, once per process.

    Args:
        name: one of `RUNTIMES`.
    """
    hint = _INSTALL_HINTS[name] if USERLAND_BITS == 64 else NEEDS_64_BIT
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return RuntimeReport(name, "", False, f"not installed ({hint})")
    try:
        answer = _answer_of_probe(name)
    except _FAILURES as error:
        reason = f"{version} is installed and fails: {one_line(error)}"
        if name == "tflite-runtime" and int(np.__version__.split(".")[0]) >= 2:
            reason += f" (it needs numpy<2, {np.__version__} is installed; {hint})"
        return RuntimeReport(name, version, False, reason)
    if answer.shape != (1, 2) or np.abs(answer[0] - _PROBE_SUMS).max() > _PROBE_STEP:
        reason = f"{version} computes {answer.tolist()} where {list(_PROBE_SUMS)} is right; install another ({hint})"
        return RuntimeReport(name, version, False, reason)
    return RuntimeReport(name, version, True)


def _build(name: str, model_content: bytes, n_threads: int) -> Interpreter:
    module = importlib.import_module(_MODULES[name])
    interpreter = cast(Interpreter, module.Interpreter(model_content=model_content, num_threads=n_threads))
    interpreter.allocate_tensors()
    return interpreter


def _answer_of_probe(name: str) -> NDArray[np.float64]:
    interpreter = _build(name, _PROBE.read_bytes(), 1)
    quantised = (_PROBE_PATCH ^ 0x80).view(np.int8)[None]
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], quantised)
    interpreter.invoke()
    return np.array(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), np.float64)


def one_line(error: BaseException) -> str:
    """Type and first line of an error, without places in a runtime's sources; numpy's errors go on for a page."""
    lines = _SOURCE_PLACE.sub("", str(error)).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
