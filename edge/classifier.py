"""Patches in, scores out: a verified model, run.

Whatever the recipe, a pixel reaches the graph through the input's own scale and zero point. For the default
recipe these are exactly 1 and -128, so that quantising is `pixel - 128`: the same bits as `pixel ^ 0x80`.
The graph ends in logits; the softmax with the fitted temperature runs here, in float.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.bundle import UNKNOWN, Bundle
from edge.errors import ModelError, UsageError
from edge.patch_spec import PatchSpec
from edge.records import Identity
from edge.runtime import Interpreter, build_interpreter, choose_runtime

GOLDEN_TOLERANCE = 0.03
"""How far logits may lie from the golden ones, as a share of the golden logits' span: runtimes and processors
round integers differently in a few rows, a damaged or misread graph is out by the whole span."""

_EXPONENT = 60.0
"""Of float32, exp overflows at 88 and vanishes at -103."""

_UINT8 = np.dtype(np.uint8)
_SIGN_BIT = np.array(0x80, np.uint8)
_INPUT_TYPES = (np.dtype(np.int8), np.dtype(np.int16), np.dtype(np.float32))
_OUTPUT_TYPES = (*_INPUT_TYPES, np.dtype(np.uint8))


class Classifier:
    """A model, ready to score patches; safe to call from several threads.

    Each thread that calls it gets interpreters of its own, made at its first call (one for single patches,
    one for batches), so that none waits for another and none reads another's answer.

    Args:
        bundle: a verified model.
        runtime: one of `edge.runtime.RUNTIMES`; None: the first that works.

    Attributes:
        labels: what the columns of the scores mean.
        spec: what the patches have to look like.
        threshold: below this probability a patch is `unknown`.
        identity: name and hash of the model, and what runs it.

    Raises:
        ModelError: the graph does not keep the model's contract or does not give its golden logits here.
        RuntimeUnavailableError: no such runtime works here.
    """

    def __init__(self, bundle: Bundle, runtime: str | None = None) -> None:
        description = bundle.description
        report = choose_runtime(runtime)
        self.labels: tuple[str, ...] = description.labels
        self.spec: PatchSpec = description.patch
        self.threshold: float = description.threshold
        self.identity = Identity(description.name, bundle.sha256, report.identity)
        self._bundle = bundle
        self._runtime = report.name
        # An array: NumPy multiplies by it three times faster than by a scalar.
        self._inverse_temperature = np.full((1, len(self.labels)), 1 / description.temperature, np.float32)
        self._patch_shape = (self.spec.size, self.spec.size)
        self._n_measures = len(self.spec.measures)
        self._own = threading.local()
        self._verify_golden()

    def __call__(self, patches: NDArray[np.uint8], measures: NDArray[np.uint8] | None = None) -> NDArray[np.float32]:
        """Scores of the patches: one invoke for all of them.

        Args:
            patches: (n, size, size) uint8, as `edge.patches.crop` gives them; not changed.
            measures: (n, k) uint8, as `edge.patches.measure` gives them; None: nothing is known (all zero).

        Returns:
            (n, number of labels) float32, rows sum to 1; (0, number of labels) for no patches.

        Raises:
            UsageError: another shape or dtype.
        """
        logits = self.logits(patches, measures)
        if len(logits) == 0:
            return logits
        return _softmax(np.multiply(logits, self._inverse_temperature, logits))

    def logits(self, patches: NDArray[np.uint8], measures: NDArray[np.uint8] | None = None) -> NDArray[np.float32]:
        """What the graph itself says of the patches, before temperature and softmax.

        Args:
            patches: as for a call.
            measures: as for a call.

        Returns:
            (n, number of labels) float32, a new array.

        Raises:
            UsageError: another shape or dtype.
        """
        shape = patches.shape
        if patches.dtype != _UINT8 or len(shape) != 3 or shape[1:] != self._patch_shape:
            raise self._unfit("patches", patches, f"(n, {self.spec.size}, {self.spec.size}) uint8")
        n = shape[0]
        if measures is None:
            if self._n_measures:
                measures = np.zeros((n, self._n_measures), np.uint8)
        elif measures.dtype != _UINT8 or measures.shape != (n, self._n_measures):
            raise self._unfit("measures", measures, f"({n}, {self._n_measures}) uint8")
        elif not self._n_measures:
            measures = None
        if n == 0:
            return np.empty((0, len(self.labels)), np.float32)
        try:
            engine = self._own.single if n == 1 else self._own.batch
        except AttributeError:
            engine = self._new_engine(n)
        return engine.run(patches, measures)  # type: ignore[no-any-return]  # threading.local is untyped

    def name(self, scores: NDArray[np.float32]) -> list[tuple[str, float]]:
        """The best label of each row and its probability; `unknown` where that is below the threshold.

        Args:
            scores: (n, number of labels), as a call returns them. Of equal scores the first label wins.
        """
        best = scores.argmax(axis=1)
        return [
            (self.labels[i] if score >= self.threshold else UNKNOWN, score)
            for i, score in zip(best.tolist(), scores[np.arange(len(scores)), best].tolist(), strict=True)
        ]

    def _new_engine(self, n: int) -> Engine:
        """This thread's interpreter for single patches, or for batches."""
        interpreter = build_interpreter(self._bundle.content, self._runtime)
        try:
            engine = Engine(interpreter, self.spec, len(self.labels))
        except ModelError as error:
            raise ModelError(f"{self._bundle.source}: {error}; convert the model again") from error
        if n == 1:
            self._own.single = engine
        else:
            self._own.batch = engine
        return engine

    def _verify_golden(self) -> None:
        """Refuses a graph that does not answer here as it did where it was made."""
        golden = self._bundle.description.golden
        patches = golden.patches_of(self.spec.size)
        measures = np.frombuffer(golden.measures, np.uint8).reshape(len(patches), -1) if self._n_measures else None
        expected = np.array(golden.logits, np.float32)
        try:
            together = self.logits(patches, measures)
            alone = self.logits(patches[:1], None if measures is None else measures[:1])
        except (RuntimeError, ValueError) as error:
            if isinstance(error, UsageError):
                raise
            raise ModelError(f"{self._bundle.source}: {self.identity.runtime} cannot run it: {error}") from error
        off = max(np.abs(together - expected).max(), np.abs(alone - expected[:1]).max())
        tolerance = GOLDEN_TOLERANCE * max(float(np.ptp(expected)), 1e-6)
        if not off <= tolerance:  # NaN is refused too
            raise ModelError(
                f"{self._bundle.source}: on {self.identity.runtime} the golden logits are off by {off:.3g}, "
                f"at most {tolerance:.3g} expected; use another runtime or convert the model again"
            )

    def _unfit(self, what: str, got: NDArray[Any], expected: str) -> UsageError:
        return UsageError(
            f"{what} {got.shape} {got.dtype}: the model {self.identity.name} expects {expected}; "
            "make them with edge.patches"
        )


class Engine:
    """One interpreter, for one thread at a time; knows the batch it is allocated for."""

    def __init__(self, interpreter: Interpreter, spec: PatchSpec, n_labels: int) -> None:
        self._interpreter = interpreter
        self._inputs = _inputs_of(interpreter, spec)
        self._output = _output_of(interpreter, n_labels)
        self._n = 0

    def run(self, patches: NDArray[np.uint8], measures: NDArray[np.uint8] | None) -> NDArray[np.float32]:
        """Logits of n >= 1 patches, (n, number of labels) float32, a new array."""
        n = len(patches)
        if n != self._n:
            self._resize(n)
        interpreter, inputs = self._interpreter, self._inputs
        inputs[0].set(interpreter, patches)
        if measures is not None:
            inputs[1].set(interpreter, measures)
        interpreter.invoke()
        return self._output.logits(interpreter)

    def _resize(self, n: int) -> None:
        self._n = 0  # stays so if the runtime refuses
        for tensor in self._inputs:
            tensor.resize(self._interpreter, n)
        self._interpreter.allocate_tensors()
        self._n = n


class _Input:
    """One input of the graph: how grey levels (or the codes of measures) 0..255 reach it."""

    def __init__(self, details: dict[str, Any], what: str) -> None:
        self._index: int = details["index"]
        self._shape = tuple(int(length) for length in details["shape"][1:])
        self._dtype = np.dtype(details["dtype"])
        scale, zero_point = details["quantization"]
        if self._dtype not in _INPUT_TYPES:
            raise ModelError(f"its {what} input is {self._dtype}: expected int8, int16 or float32")
        if self._dtype == np.int8 and (scale, zero_point) != (1.0, -128):
            raise ModelError(f"its {what} input has scale {scale} and zero point {zero_point}: expected 1 and -128")
        self._is_int8 = self._dtype == np.int8
        levels = np.arange(256)
        if self._dtype == np.int16:
            levels = np.clip(np.rint(levels / scale) + zero_point, -32768, 32767)
        self._codes = levels.astype(np.uint8 if self._is_int8 else self._dtype)
        self._codes_as_given = np.empty(0, self._codes.dtype)
        self._codes_as_wanted = np.empty(0, self._dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one patch, without the batch."""
        return self._shape

    def resize(self, interpreter: Interpreter, n: int) -> None:
        """Asks for a batch of n and makes the buffers that are reused for every call with it."""
        interpreter.resize_tensor_input(self._index, [n, *self._shape])
        given_shape = self._shape[:2] if len(self._shape) == 3 else self._shape
        self._codes_as_given = np.empty((n, *given_shape), self._codes.dtype)
        self._codes_as_wanted = self._codes_as_given.view(self._dtype).reshape(n, *self._shape)

    def set(self, interpreter: Interpreter, given: NDArray[np.uint8]) -> None:
        """Hands n patches (or rows of measures) over, quantised."""
        if self._is_int8:
            np.bitwise_xor(given, _SIGN_BIT, self._codes_as_given)
        else:
            np.take(self._codes, given, out=self._codes_as_given, mode="clip")
        interpreter.set_tensor(self._index, self._codes_as_wanted)


class _Output:
    """The graph's logits, made float."""

    def __init__(self, details: dict[str, Any], n_labels: int) -> None:
        self._index: int = details["index"]
        dtype, shape = np.dtype(details["dtype"]), tuple(details["shape"])
        scale, zero_point = details["quantization"]
        if dtype not in _OUTPUT_TYPES or (dtype != np.float32 and scale <= 0):
            raise ModelError(f"its output is {dtype} with scale {scale}: expected float32, or integer with a scale")
        if len(shape) != 2 or shape[1] != n_labels:
            raise ModelError(f"its output is {shape}: expected a logit for each of its {n_labels} labels")
        self._is_float = dtype == np.float32
        self._scale, self._zero_point = np.float32(scale), int(zero_point)

    def logits(self, interpreter: Interpreter) -> NDArray[np.float32]:
        """(n, number of labels) float32, a new array."""
        raw: NDArray[Any] = interpreter.get_tensor(self._index)
        if self._is_float:
            return raw
        # Widened first: subtracting a zero point of -128 overflows int8, and NumPy 2 says so only for scalars.
        widened = raw.astype(np.int32) - self._zero_point
        logits: NDArray[np.float32] = widened.astype(np.float32) * self._scale
        return logits


def _inputs_of(interpreter: Interpreter, spec: PatchSpec) -> tuple[_Input, ...]:
    """The patch's input, and the measures' if the model takes any."""
    details = interpreter.get_input_details()
    n_expected = 2 if spec.measures else 1
    if len(details) != n_expected:
        raise ModelError(f"it has {len(details)} inputs: expected {n_expected}")
    # By rank, not by name or order: converters rename and reorder.
    details = sorted(details, key=lambda d: len(d["shape"]), reverse=True)
    patch = _Input(details[0], "patch")
    if patch.shape not in ((spec.size, spec.size), (spec.size, spec.size, 1)):
        raise ModelError(f"its patch input is {patch.shape}: expected {(spec.size, spec.size)}")
    if not spec.measures:
        return (patch,)
    measures = _Input(details[1], "measures")
    if measures.shape != (len(spec.measures),):
        raise ModelError(f"its measures input is {measures.shape}: expected {(len(spec.measures),)}")
    return patch, measures


def _output_of(interpreter: Interpreter, n_labels: int) -> _Output:
    details = interpreter.get_output_details()
    if len(details) != 1:
        raise ModelError(f"it has {len(details)} outputs: expected 1")
    return _Output(details[0], n_labels)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities, rows sum to 1; works in place.

    A row is shifted to a maximum of zero only where the exponential would leave float32 otherwise. Whether it is
    depends on the row alone, so a patch gets the same bits alone and among others.
    """
    if len(logits) == 1:
        top = max(logits.tolist()[0])
        if not -_EXPONENT < top < _EXPONENT:
            logits -= top
    elif not (np.maximum.reduce(logits, None) < _EXPONENT and np.minimum.reduce(logits, None) > -_EXPONENT):
        tops = logits.max(axis=1, keepdims=True)
        logits -= np.where(np.abs(tops) < _EXPONENT, np.float32(0), tops)
    np.exp(logits, logits)
    return np.divide(logits, np.add.reduce(logits, axis=1, keepdims=True), logits)
