"""One file per model: the .tflite and what travels inside it.

A bundle is a TFLite model to every TFLite reader, and a ZIP archive to every ZIP reader:

    flatbuffer      the graph, with the standard TFLite metadata (normalisation, labels) in its buffers
    ZIP, stored     labels.txt      one label a line, where the metadata's readers look for it
                    ferrule.json    the `Description` (description.py)
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
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.classify.archive import archive_start, read_member
from edge.classify.description import SCHEMA, Description
from edge.errors import ModelError, UsageError, reason_of
from edge.system.files import mode_of, read_regular, shipped, write_whole

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
_MAX_SAID = 300


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
    models = list_models()
    if text in models:
        return models[text]
    path = Path(text)
    mode = mode_of(path)
    if stat.S_ISREG(mode):
        return path
    if mode:
        raise UsageError(f"model {text!r} is no plain file; give a .tflite file")
    raise UsageError(f"no model {text!r}: neither a file nor one that ships ({_listed(models)})")


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
