"""What a model says about itself, in the file and in memory: labels, patch, temperature, golden answers, origin."""

from __future__ import annotations

import zlib
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.classify.patch_spec import PatchSpec
from edge.errors import UsageError
from edge.labels import UNKNOWN

SCHEMA = "ferrule/bundle/1"

_MAX_GOLDEN_PIXELS = 16 * 2**20
"""Room for a few golden patches of the largest size, as base64 and unpacked."""

_MAX_LOGIT = 1e30

_Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}\Z")]
_Label = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Golden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Patches with the logits that the model gave where it was made; repeated at every load.

    Attributes:
        n_patches: how many.
        patches: (n, size, size) uint8 in C order, deflated (zlib); base64 in the JSON.
        measures: (n, k) uint8 in C order; empty where the model takes none.
        logits: a row per patch.
    """

    n_patches: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    patches: bytes
    logits: tuple[tuple[float, ...], ...]
    measures: bytes = b""

    def patches_of(self, size: int) -> NDArray[np.uint8]:
        """The patches, (n, size, size) uint8, read-only.

        Raises:
            UsageError: they are not of that size.
        """
        n_bytes = self.n_patches * size * size
        if n_bytes > _MAX_GOLDEN_PIXELS:
            raise UsageError(f"{self.n_patches} golden patches of {size}x{size}: expected fewer")
        inflate = zlib.decompressobj()
        try:
            raw = inflate.decompress(self.patches, n_bytes)
        except zlib.error as error:
            raise UsageError(f"the golden patches cannot be inflated: {error}") from error
        if len(raw) != n_bytes or not inflate.eof:
            raise UsageError(f"the golden patches are not {self.n_patches} of {size}x{size}")
        return np.frombuffer(raw, np.uint8).reshape(self.n_patches, size, size)


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a model says about itself: `ferrule.json`.

    Attributes:
        name: lower case, digits, `.`, `_` and `-`.
        version: of the model, as its maker counts.
        labels: in the order of the logits.
        patch: what the model wants to see.
        threshold: below this probability the label is `unknown`.
        temperature: the logits are divided by it before the softmax.
        recipe: how it was converted.
        graph_sha256: of the flatbuffer, without the archive behind it.
        golden: patches with their logits.
        metrics: figures measured when it was made, by name.
        data: where the training data came from: names, counts, hashes.
        code: what made it: versions, seeds, options.
        licence: of the weights.
        notes: for people: what it is for, and its limits.
    """

    schema: Literal["ferrule/bundle/1"] = "ferrule/bundle/1"
    name: _Name
    version: str = "0"
    labels: Annotated[tuple[_Label, ...], msgspec.Meta(min_length=2, max_length=10_000)]
    patch: PatchSpec
    threshold: _Share = 0.0
    temperature: Annotated[float, msgspec.Meta(ge=0.001, le=1000.0)] = 1.0
    recipe: str
    graph_sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    golden: Golden
    metrics: dict[str, float] = {}
    data: dict[str, str | int | float] = {}
    code: dict[str, str | int | float] = {}
    licence: str = ""
    notes: str = ""

    def __post_init__(self) -> None:
        check_labels(self.labels)
        golden = self.golden
        golden.patches_of(self.patch.size)
        if len(golden.measures) != golden.n_patches * len(self.patch.measures):
            raise UsageError("the golden measures are not of the number that `patch` says")
        if [len(row) for row in golden.logits] != [len(self.labels)] * golden.n_patches:
            raise UsageError("the golden logits are not one row per patch and one figure per label")
        if any(not abs(logit) <= _MAX_LOGIT for row in golden.logits for logit in row):
            raise UsageError(f"a golden logit is beyond {_MAX_LOGIT:g}")


def check_labels(labels: tuple[str, ...]) -> None:
    """Raises UsageError unless these are two or more different labels that a bundle can carry, a line each."""
    if len(labels) < 2:
        raise UsageError(f"labels {', '.join(labels)[:64] or '(none)'}: expected at least 2 to tell apart")
    if len(set(labels)) != len(labels):
        raise UsageError(f"labels {', '.join(labels)[:640]}: each may be named once")
    for label in labels:
        if not label or len(label) > 64 or label != label.strip() or not label.isprintable():
            raise UsageError(f"label {label[:65]!r}: expected 1 to 64 printable characters without space around them")
        if label == UNKNOWN:
            raise UsageError(f"label {label!r} is what an answer below the threshold is called; rename it")
