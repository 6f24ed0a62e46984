"""One interpreter at work: how grey levels reach its graph, and what comes out.

Quantised patches are written straight into the memory of the graph's inputs where these are known to stay in their
places until tensors are allocated anew (`still_inputs.py`); that happens in one place here, and their addresses are
taken again there. It spares a copy and a call for each input. The inputs of any other graph may move whenever it runs:
there patches are quantised into arrays of our own, which the runtime copies in. An engine belongs to one thread at a
time, and nobody else holds its interpreter.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.classify.patch_spec import PatchSpec
from edge.classify.runtime import Interpreter
from edge.errors import ModelError

LOGITS = "logits"
SCORES = "scores"
"""Names of the outputs: what the graph says, and its softmax at the fitted temperature if the graph has that, too."""

_SIGN_BIT = np.array(0x80, np.uint8)
_INPUT_TYPES = (np.dtype(np.int8), np.dtype(np.int16), np.dtype(np.float32))
_ZERO = np.array(0, np.uint8)
_OUTPUT_TYPES = (*_INPUT_TYPES, np.dtype(np.uint8))


class Engine:
    """An interpreter, for one thread at a time; knows the batch it is allocated for.

    Args:
        interpreter: of the model; nobody else may use it.
        spec: what the patches look like.
        n_labels: of the model.
        still: whether the graph's inputs are known to stay where they are while it runs; False is always right.

    Attributes:
        scores: reads the scores of what was run last, (n, number of labels) float32, a new array; None where the graph
            has logits only. Raises ModelError where the graph gave another shape.

    Raises:
        ModelError: the graph's inputs or outputs are not those of the contract.
    """

    def __init__(self, interpreter: Interpreter, spec: PatchSpec, n_labels: int, still: bool = False) -> None:
        self._interpreter = interpreter
        self._still, self._n_labels = still, n_labels
        self._invoke = interpreter.invoke
        self._patches, self._measures = _inputs_of(interpreter, spec)
        self._logits, scores_index = _outputs_of(interpreter, n_labels)
        self._outputs = [self._logits.index] if scores_index is None else [self._logits.index, scores_index]
        self.scores: Callable[[], NDArray[np.float32]] | None = None
        if scores_index is not None:
            get = partial(interpreter.get_tensor, scores_index)
            # the shapes of a graph with still inputs follow from the batch, and are looked at with it
            self.scores = get if still else lambda: self._checked(get())
        self._n = 0

    def run(self, patches: NDArray[np.uint8], measures: NDArray[np.uint8] | None) -> None:
        """Runs the graph on n >= 1 patches; `logits` and `scores` then read what it says.

        Args:
            patches: (n, size, size) uint8.
            measures: (n, k) uint8; None: nothing is known (all zero).
        """
        if len(patches) != self._n:
            self._resize(len(patches))
        seen, known = self._patches, self._measures
        seen.write(patches, seen.codes, seen.memory)
        if known is not None:
            known.write(_ZERO if measures is None else measures, known.codes, known.memory)
        if not self._still:
            for tensor in self._tensors:
                tensor.hand_over(self._interpreter)
        self._invoke()

    def logits(self) -> NDArray[np.float32]:
        """Logits of what was run last, (n, number of labels) float32, a new array.

        Raises:
            ModelError: the graph gave another shape.
        """
        return self._checked(self._logits.read(self._interpreter))

    @property
    def _tensors(self) -> list[_Input]:
        return [tensor for tensor in (self._patches, self._measures) if tensor is not None]

    def _checked(self, answer: NDArray[np.float32]) -> NDArray[np.float32]:
        self._check(answer.shape)
        return answer

    def _check(self, shape: tuple[int, ...]) -> None:
        expected = (self._n, self._n_labels)
        if shape != expected:
            raise ModelError(f"its output for {self._n} patches is {shape}: expected {expected}")

    def _resize(self, n: int) -> None:
        self._n = 0  # stays so if the runtime refuses
        for tensor in self._tensors:
            tensor.resize(self._interpreter, n)
        self._interpreter.allocate_tensors()
        for tensor in self._tensors:
            tensor.find(self._interpreter, n) if self._still else tensor.stage(n)
        self._n = n
        if self._still:
            for index in self._outputs:
                self._check(self._interpreter.tensor(index)().shape)


class _Input:
    """One input of the graph: how grey levels (or the codes of measures) 0..255 reach it.

    Attributes:
        write: called with grey levels, `codes` and `memory`, puts them there quantised.
        codes: what it needs for that.
        memory: of the input itself, or what is handed over to it; one value a pixel.
    """

    def __init__(self, details: dict[str, Any], what: str) -> None:
        self._index: int = details["index"]
        self._shape = tuple(int(length) for length in details["shape"][1:])
        dtype = np.dtype(details["dtype"])
        scale, zero_point = details["quantization"]
        if dtype not in _INPUT_TYPES:
            raise ModelError(f"its {what} input is {dtype}: expected int8, int16 or float32")
        if dtype == np.int16 and not scale > 0:
            raise ModelError(f"its {what} input has scale {scale}: expected more than 0")
        if dtype == np.int8 and (scale, zero_point) != (1.0, -128):
            raise ModelError(f"its {what} input has scale {scale} and zero point {zero_point}: expected 1 and -128")
        levels = np.arange(256)
        if dtype == np.int16:
            levels = np.clip(np.rint(levels / scale) + zero_point, -32768, 32767)
        is_int8 = dtype == np.int8
        self.write: Callable[..., object] = np.bitwise_xor if is_int8 else _look_up
        self.codes: NDArray[Any] = _SIGN_BIT if is_int8 else levels.astype(dtype)
        self.memory: NDArray[Any] = np.empty(0, self.codes.dtype)
        self._dtype, self._staged = dtype, np.empty(0, dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one patch, without the batch."""
        return self._shape

    def resize(self, interpreter: Interpreter, n: int) -> None:
        """Asks for a batch of n."""
        interpreter.resize_tensor_input(self._index, [n, *self._shape])

    def find(self, interpreter: Interpreter, n: int) -> None:
        """Takes the address of the input's memory; valid until tensors are allocated again, if the graph's inputs stay.

        As an address, not as the interpreter's own view: an interpreter refuses to run while a view of it is held.
        """
        view = interpreter.tensor(self._index)()
        expected = (n, *self._shape)
        if view.shape != expected or view.dtype.itemsize != self.codes.itemsize or not view.flags.c_contiguous:
            raise ModelError(f"an input is {view.shape} {view.dtype} in memory: expected {expected}")
        memory: Any = (ctypes.c_uint8 * view.nbytes).from_address(view.ctypes.data)
        self.memory = np.frombuffer(memory, self.codes.dtype).reshape(n, *self._given_shape)

    def stage(self, n: int) -> None:
        """Makes an array to quantise into, for an input whose memory may move."""
        self._staged = np.zeros((n, *self._shape), self._dtype)
        self.memory = self._staged.view(self.codes.dtype).reshape(n, *self._given_shape)

    def hand_over(self, interpreter: Interpreter) -> None:
        """Has the runtime copy in what was quantised into that array."""
        interpreter.set_tensor(self._index, self._staged)

    @property
    def _given_shape(self) -> tuple[int, ...]:
        return self._shape[:2] if len(self._shape) == 3 else self._shape


class _Logits:
    """The graph's logits, made float.

    Attributes:
        index: of the output.
    """

    def __init__(self, details: dict[str, Any]) -> None:
        self.index: int = details["index"]
        self._is_float = np.dtype(details["dtype"]) == np.float32
        scale, zero_point = details["quantization"]
        self._scale, self._zero_point = np.float32(scale), int(zero_point)

    def read(self, interpreter: Interpreter) -> NDArray[np.float32]:
        """(n, number of labels) float32, a new array."""
        raw: NDArray[Any] = interpreter.get_tensor(self.index)
        if self._is_float:
            return raw
        # Widened first: subtracting a zero point of -128 overflows int8, and NumPy 2 says so only for scalars.
        widened = raw.astype(np.int32) - self._zero_point
        logits: NDArray[np.float32] = widened.astype(np.float32) * self._scale
        return logits


def _look_up(given: NDArray[np.uint8], codes: NDArray[Any], memory: NDArray[Any]) -> None:
    memory[...] = codes[given]


def _inputs_of(interpreter: Interpreter, spec: PatchSpec) -> tuple[_Input, _Input | None]:
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
        return patch, None
    measures = _Input(details[1], "measures")
    if measures.shape != (len(spec.measures),):
        raise ModelError(f"its measures input is {measures.shape}: expected {(len(spec.measures),)}")
    return patch, measures


def _outputs_of(interpreter: Interpreter, n_labels: int) -> tuple[_Logits, int | None]:
    """The logits, and the index of the scores if the graph has them."""
    details = interpreter.get_output_details()
    names = [d["name"] for d in details]
    if len(details) > 1 and sorted(names) != [LOGITS, SCORES]:
        raise ModelError(f"its outputs are {', '.join(names)}: expected one, or {LOGITS} and {SCORES}")
    for d in details:
        dtype, shape = np.dtype(d["dtype"]), tuple(d["shape"])
        scale = d["quantization"][0]
        if dtype not in _OUTPUT_TYPES or (dtype != np.float32 and scale <= 0):
            raise ModelError(f"its output is {dtype} with scale {scale}: expected float32, or integer with a scale")
        if len(shape) != 2 or shape[1] != n_labels:
            raise ModelError(f"its output is {shape}: expected a logit for each of its {n_labels} labels")
    if len(details) == 1:
        return _Logits(details[0]), None
    by_name = {d["name"]: d for d in details}
    if np.dtype(by_name[SCORES]["dtype"]) != np.float32:
        raise ModelError(f"its scores are {np.dtype(by_name[SCORES]['dtype'])}: expected float32")
    return _Logits(by_name[LOGITS]), int(by_name[SCORES]["index"])
