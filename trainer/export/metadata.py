"""Standard TFLite metadata, so that the ecosystem's readers know the inputs and the labels.

The schema is TensorFlow's `metadata_schema.fbs` (version 1.1.0, file identifier "M001"); its fields are numbered
here as they stand there. Only what such readers use is written: kind and size of the picture, normalisation,
range, and the file of labels; the rest of what a model says about itself is in `ferrule.json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as tfl

from edge.classify import PatchSpec
from edge.classify.bundle import LABELS_FILE
from trainer.export.graph import parse, serialise

BUFFER_NAME = "TFLITE_METADATA"

_FEATURE, _IMAGE = 1, 2
_GRAYSCALE = 2
_NORMALISATION = 1
_AXIS_LABELS = 2
_ABOUT = {
    "logits": "divide by the temperature in ferrule.json, then softmax",
    "scores": "probabilities: softmax of the logits at the temperature in ferrule.json",
}


def with_metadata(graph: bytes, name: str, version: str, spec: PatchSpec) -> bytes:
    """The graph with standard metadata in its buffers.

    Args:
        graph: canonical: inputs named `patch` and `measures`, outputs `logits` and perhaps `scores`.
        name: of the model.
        version: of the model.
        spec: what the patch looks like, and which measures there are.
    """
    model = parse(graph)
    subgraph = model.subgraphs[0]
    inputs, outputs = (
        [_text(subgraph.tensors[index].name) for index in indices] for indices in (subgraph.inputs, subgraph.outputs)
    )
    buffer = tfl.BufferT()
    buffer.data = list(_Writer().model((name, version), inputs, outputs, spec))
    model.buffers.append(buffer)
    entry = tfl.MetadataT()
    entry.name, entry.buffer = BUFFER_NAME, len(model.buffers) - 1
    model.metadata = [entry]
    return serialise(model)


class _Writer:
    """Builds the tables from the leaves up, as flatbuffers ask for."""

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(512)

    def model(
        self, name_and_version: tuple[str, str], inputs: Sequence[str], outputs: Sequence[str], spec: PatchSpec
    ) -> bytes:
        """The whole metadata flatbuffer."""
        name, version = name_and_version
        tensors = [self._patch(spec) if tensor == "patch" else self._measures(spec) for tensor in inputs]
        subgraph = self._table(
            {2: self._vector(tensors), 3: self._vector([self._output(tensor) for tensor in outputs])}
        )
        fields = {0: self._string(name), 2: self._string(version), 3: self._vector([subgraph])}
        root = self._table({**fields, 7: self._string("1.0.0")})
        self._builder.Finish(root, file_identifier=b"M001")
        return bytes(self._builder.Output())

    def _patch(self, spec: PatchSpec) -> int:
        size = self._table({}, {0: spec.size, 1: spec.size}, "Uint32")
        image = self._table({1: size}, {0: _GRAYSCALE}, "Int8")
        content = self._table({1: image}, {0: _IMAGE}, "Uint8")
        about = f"square grey patch, 0..255, background: {spec.background}"
        return self._tensor("patch", about, content)

    def _measures(self, spec: PatchSpec) -> int:
        content = self._table({1: self._table({})}, {0: _FEATURE}, "Uint8")
        return self._tensor("measures", f"0 = not known, else 1..255: {', '.join(spec.measures)}", content)

    def _tensor(self, name: str, about: str, content: int) -> int:
        # Values reach the graph as they are: (x - 0) / 1. Quantised inputs then have scale 1 and zero point -128.
        as_they_are = self._table({0: self._floats([0.0]), 1: self._floats([1.0])})
        unit = self._table({1: as_they_are}, {0: _NORMALISATION}, "Uint8")
        stats = self._table({0: self._floats([255.0]), 1: self._floats([0.0])})
        fields = {0: self._string(name), 1: self._string(about), 3: content, 4: self._vector([unit]), 5: stats}
        return self._table(fields)

    def _output(self, name: str) -> int:
        labels = self._table({0: self._string(LABELS_FILE)}, {2: _AXIS_LABELS}, "Int8")
        content = self._table({1: self._table({})}, {0: _FEATURE}, "Uint8")
        about = self._string(_ABOUT[name])
        return self._table({0: self._string(name), 1: about, 3: content, 6: self._vector([labels])})

    def _string(self, text: str) -> int:
        return int(self._builder.CreateString(text))

    def _floats(self, values: Sequence[float]) -> int:
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependFloat32(value)
        return int(self._builder.EndVector())

    def _vector(self, tables: Sequence[int]) -> int:
        self._builder.StartVector(4, len(tables), 4)
        for table in reversed(tables):
            self._builder.PrependUOffsetTRelative(table)
        return int(self._builder.EndVector())

    def _table(self, offsets: dict[int, int], scalars: dict[int, int] | None = None, kind: str = "") -> int:
        """A table with these fields, by number; its scalars are all of one kind."""
        scalars = scalars or {}
        self._builder.StartObject(max([*offsets, *scalars], default=-1) + 1)
        for number, offset in offsets.items():
            self._builder.PrependUOffsetTRelativeSlot(number, offset, 0)
        for number, value in scalars.items():
            getattr(self._builder, f"Prepend{kind}Slot")(number, value, 0)
        return int(self._builder.EndObject())


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
