"""One file per model: the .tflite and what travels inside it.

A bundle is a TFLite model to every TFLite reader, and a ZIP archive to every ZIP reader:

    flatbuffer      the graph, with the standard TFLite metadata (normalisation, labels) in its buffers
    ZIP, stored     labels.txt      one label a line, where the metadata's readers look for it
                    ferrule.json    the `Description`
    ZIP comment     "sha256:" and 64 hexadecimal digits: the SHA-256 of every byte before the comment

So the last 71 bytes of the file vouch for all the others, and no bit can change, no byte be cut off or added,
without the file being refused. Nothing is handed to an interpreter or parsed before that is checked: damaged
graphs crash some runtimes. The seal shows damage, not malice: whoever can rewrite the file can seal it again. So
whatever a sealed file says is read with bounds on size, and the archive only as it is written here (`archive.py`).

Reading and packing need neither TensorFlow nor a runtime.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.classify.archive import archive_start, read_member
from edge.classify.patch_spec import PatchSpec
from edge.errors import ModelError, UsageError, reason_of
from edge.labels import UNKNOWN
from edge.system.files import mode_of, read_regular, shipped, write_whole

SCHEMA = "ferrule/bundle/1"
DEFAULT_MODEL = "fibre-defects"

LABELS_FILE = "labels.txt"
DESCRIPTION_FILE = "ferrule.json"

_SEAL = b"sha256:"
_SEAL_BYTES = len(_SEAL) + 64
_TFLITE_MAGIC = b"TFL3"
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)

MAX_MODEL_BYTES = 64 * 2**20
"""A larger file is not read: nets for patches take kilobytes, the largest for phones 20 MB; a Pi's memory is 1 GB."""

_MAX_DESCRIPTION_BYTES = 8 * 2**20
_MAX_GOLDEN_PIXELS = 16 * 2**20
"""Room for a few golden patches of the largest size, as base64 and unpacked."""

_MAX_LOGIT = 1e30
_MAX_SAID = 300

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


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified model file, read once and held in memory.

    Attributes:
        content: the whole file; what an interpreter is given.
        description: what it says about itself.
        sha256: of the whole file, as `sha256sum` prints it.
        source: where it was read from, for messages.
    """

    content: bytes
    description: Description
    sha256: str
    source: str = ""


def shipped_models_dir() -> Path:
    """The folder of the models that ship: inside the package when installed, `models/` in a checkout."""
    return shipped("models")


def list_models() -> dict[str, Path]:
    """The models that ship, by name, in alphabetical order."""
    return {path.stem: path for path in sorted(shipped_models_dir().glob("*.tflite"), key=lambda p: p.stem)}


def load_bundle(path_or_name: str | os.PathLike[str] = DEFAULT_MODEL) -> Bundle:
    """A model's bundle, its seal and description verified.

    What only shows when the graph runs (inputs, outputs, golden patches) is verified by `Classifier`.

    Args:
        path_or_name: a file, or the name of a model that ships; a name wins over a file without suffix.

    Raises:
        UsageError: neither a file that can be read nor the name of a model that ships.
        ModelError: the file is damaged, is no bundle, is too large for one, or describes itself wrongly.
    """
    path = find_model(path_or_name)
    try:
        content = read_regular(path, MAX_MODEL_BYTES)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.EFBIG:
            raise ModelError(f"{path}: {reason_of(error)}; give a model for patches") from error
        raise UsageError(f"model {path} cannot be read: {reason_of(error)}; give a readable .tflite file") from error
    return read_bundle(content, str(path))


def read_bundle(content: bytes, source: str = "model") -> Bundle:
    """The bundle in these bytes, its seal and description verified.

    Args:
        content: the whole file.
        source: what to call it in messages.

    Raises:
        ModelError: the bytes are damaged, are no bundle, or describe themselves wrongly.
    """
    sealed, seal = content[:-_SEAL_BYTES], content[-_SEAL_BYTES:]
    digest = hashlib.sha256(sealed)
    if seal != _SEAL + digest.hexdigest().encode():
        raise ModelError(f"{source}: {_why_not_sealed(content)}")
    digest.update(seal)
    try:
        text = read_member(content, DESCRIPTION_FILE, _SEAL_BYTES)
        if len(text) > _MAX_DESCRIPTION_BYTES:
            raise ModelError(f"it has {len(text)} bytes, expected at most {_MAX_DESCRIPTION_BYTES}")
        description = msgspec.json.decode(text, type=Description)
    except (ModelError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ModelError(
            f"{source}: its {DESCRIPTION_FILE} cannot be used: {_printable(error)}; "
            "convert the model with this version of Ferrule"
        ) from error
    return Bundle(content, description, digest.hexdigest(), source)


def pack(graph: bytes, description: Description) -> bytes:
    """A bundle's bytes, the same for the same input.

    Args:
        graph: the flatbuffer alone, with whatever metadata it has in its buffers.
        description: its `graph_sha256` is set here.

    Raises:
        UsageError: `graph` is no TFLite model, or the description does not hold together.
    """
    if graph[4:8] != _TFLITE_MAGIC:
        raise UsageError(f"a graph of {len(graph)} bytes is no TFLite model: expected {_TFLITE_MAGIC!r} at byte 4")
    described = msgspec.structs.replace(description, graph_sha256=hashlib.sha256(graph).hexdigest())
    text = msgspec.json.encode(described)
    try:
        msgspec.json.decode(text, type=Description)
    except msgspec.MsgspecError as error:
        raise UsageError(f"the model's description does not hold together: {error}") from error
    buffer = io.BytesIO(graph)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name, data in ((LABELS_FILE, "\n".join(described.labels).encode()), (DESCRIPTION_FILE, text)):
            member = zipfile.ZipInfo(name, _ZIP_TIME)
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, data)
        archive.comment = b" " * _SEAL_BYTES
    unsealed = buffer.getvalue()[:-_SEAL_BYTES]
    return unsealed + _SEAL + hashlib.sha256(unsealed).hexdigest().encode()


def write_bundle(path: Path, content: bytes) -> None:
    """Writes a bundle beside its place and renames it there: the file is whole, or it is the old one.

    Raises:
        ModelError: `content` is not a valid bundle; nothing is written.
        UsageError: there is no such place.
        OutputError: it cannot be written to.
    """
    read_bundle(content, str(path))
    write_whole(path, content)


def graph_of(bundle: Bundle) -> bytes:
    """The flatbuffer of a bundle, without the archive behind it.

    Raises:
        ModelError: it is not the graph that the description names.
    """
    graph = bundle.content[: archive_start(bundle.content, _SEAL_BYTES)]
    if hashlib.sha256(graph).hexdigest() != bundle.description.graph_sha256:
        raise ModelError(f"{bundle.source}: its graph is not the one it describes; convert the model again")
    return graph


def find_model(path_or_name: str | os.PathLike[str]) -> Path:
    """The file of a model given by path, or by name if it ships.

    Raises:
        UsageError: neither.
    """
    try:
        text = os.fsdecode(path_or_name)
    except TypeError as error:
        raise UsageError(f"a {type(path_or_name).__name__} is no model: expected a name or a file") from error
    shipped = list_models()
    if text in shipped:
        return shipped[text]
    path = Path(text)
    mode = mode_of(path)
    if stat.S_ISREG(mode):
        return path
    if mode:
        raise UsageError(f"model {text!r} is no plain file; give a .tflite file")
    raise UsageError(f"no model {text!r}: neither a file nor one that ships ({_listed(shipped)})")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none ship here"


def _printable(error: Exception) -> str:
    """What it says, without what a file could have slipped into a terminal, and not all of a file."""
    said = str(error)[:_MAX_SAID]
    return "".join(letter if letter.isprintable() else "?" for letter in said)


def _why_not_sealed(content: bytes) -> str:
    if not content:
        return "the file is empty; get it again"
    if SCHEMA.encode() in content or re.search(rb"sha256:[0-9a-f]{0,64}$", content):
        return "the file is damaged: its SHA-256 is not the one written at its end; get it again"
    if content[4:8] == _TFLITE_MAGIC:
        return (
            "a TFLite model without Ferrule's bundle, or one cut short; "
            "convert it with `ferrule-train convert`, or bundle it with trainer.export.bundle_foreign"
        )
    return "no TFLite model: expected 'TFL3' at byte 4; give a .tflite file made by `ferrule-train convert`"
