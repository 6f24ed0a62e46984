"""Whether a graph's inputs stay where they are in memory while it runs: read off its flatbuffer, before it runs.

A TFLite interpreter plans its memory when tensors are allocated. It plans again inside `invoke`, behind an operator
whose output's shape depends on values (a RESHAPE to a computed shape, as converters make of a Flatten), and what was
planned before may move then, inputs included. Seeing that nothing moved in one run proves nothing about the next; that
no operator can cause it does. So operators are named here that cannot; of a graph with any other nothing is certain.

Read by hand, because the edge has no flatbuffers library. The offsets of a hostile file may point anywhere: what does
not hold together is not proven.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_SHAPED_BY_SHAPES = frozenset(
    {
        0,  # ADD
        1,  # AVERAGE_POOL_2D
        2,  # CONCATENATION
        3,  # CONV_2D
        4,  # DEPTHWISE_CONV_2D
        6,  # DEQUANTIZE
        9,  # FULLY_CONNECTED
        14,  # LOGISTIC
        17,  # MAX_POOL_2D
        18,  # MUL
        19,  # RELU
        21,  # RELU6
        25,  # SOFTMAX
        114,  # QUANTIZE
    }
)
"""Builtin operators (TensorFlow's schema.fbs) whose output has a shape that follows from those of the inputs."""

_SHAPED_BY_CONSTANTS = frozenset({22, 40})
"""RESHAPE and MEAN: from the values of the second input, too; that one must be a constant of the file."""

_PLAIN_TYPES = frozenset({0, 2, 3, 4, 7, 9})
"""float32, int32, uint8, int64, int16, int8: planned ahead. Strings, resources and variants never are."""

# Far beyond what names a patch; bounds the time that a file with tables inside each other can take.
_MAX_OPERATORS, _MAX_TENSORS, _MAX_OPERANDS = 1000, 5000, 64


def inputs_stay(model: bytes) -> bool:
    """Whether it is certain that `invoke` never moves an input of the graph.

    Args:
        model: a .tflite, with or without an archive behind it.
    """
    try:
        return _is_planned_ahead(_Table.root(model))
    except (struct.error, _NotProvenError):
        return False


class _NotProvenError(Exception):
    """The file does not hold together, or is larger than a graph for patches is."""


def _is_planned_ahead(model: _Table) -> bool:
    graphs = list(model.tables(2, 2))
    if len(graphs) != 1:
        return False
    graph = graphs[0]
    kinds = [max(code.number(3, "<i"), code.number(0, "<b")) for code in model.tables(1, _MAX_OPERATORS)]
    has_data = [buffer.n_items(0) > 0 for buffer in model.tables(4, _MAX_TENSORS)]
    tensors = list(graph.tables(0, _MAX_TENSORS))
    if any(tensor.number(1, "<b") not in _PLAIN_TYPES for tensor in tensors):
        return False
    operators = [
        (kinds[operator.index(0, len(kinds))], operator.numbers(1, _MAX_OPERANDS), operator.numbers(2, _MAX_OPERANDS))
        for operator in graph.tables(3, _MAX_OPERATORS)
    ]
    computed = {tensor for _, _, written in operators for tensor in written} | set(graph.numbers(1, _MAX_OPERANDS))

    def is_constant(tensor: int) -> bool:
        known = 0 <= tensor < len(tensors) and tensor not in computed
        return known and has_data[tensors[tensor].index(2, len(has_data))]

    return all(
        kind in _SHAPED_BY_SHAPES or (kind in _SHAPED_BY_CONSTANTS and all(map(is_constant, read[1:])))
        for kind, read, _ in operators
    )


class _Table:
    """A table of a flatbuffer: fields by their number in the schema."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content, self._at = content, at
        self._fields = at - self._read("<i", at)
        self._end = self._fields + self._read("<H", self._fields)

    @classmethod
    def root(cls, content: bytes) -> _Table:
        """The outermost table."""
        return cls(content, struct.unpack_from("<I", content, 0)[0])

    def number(self, field: int, layout: str) -> int:
        """A number; 0, the schema's default for all that are read here, where there is none."""
        at = self._place(field)
        return 0 if at is None else self._read(layout, at)

    def index(self, field: int, n: int) -> int:
        """A number that counts among n."""
        value = self.number(field, "<I")
        if value >= n:
            raise _NotProvenError
        return value

    def n_items(self, field: int) -> int:
        """How many items a vector has; 0 where there is none."""
        return self._vector(field)[1]

    def numbers(self, field: int, most: int) -> tuple[int, ...]:
        """A vector of int32."""
        at, n = self._vector(field)
        if n > most or at < 0:
            raise _NotProvenError
        return struct.unpack_from(f"<{n}i", self._content, at)

    def tables(self, field: int, most: int) -> Iterator[_Table]:
        """A vector of tables."""
        at, n = self._vector(field)
        if n > most:
            raise _NotProvenError
        for place in range(at, at + 4 * n, 4):
            yield _Table(self._content, place + self._read("<I", place))

    def _vector(self, field: int) -> tuple[int, int]:
        """Where its items begin, and how many there are."""
        at = self._place(field)
        if at is None:
            return 0, 0
        start = at + self._read("<I", at)
        return start + 4, self._read("<I", start)

    def _place(self, field: int) -> int | None:
        entry = self._fields + 4 + 2 * field
        if entry + 2 > self._end:
            return None
        offset = self._read("<H", entry)
        return self._at + offset if offset else None

    def _read(self, layout: str, at: int) -> int:
        if at < 0:  # would count from the end
            raise _NotProvenError
        value: int = struct.unpack_from(layout, self._content, at)[0]
        return value
