"""A trained model on disk: Keras' own `.keras` file with a description inside.

A `.keras` file is a ZIP archive in which Keras reads the members it knows; the description is one more,
`ferrule.json`, so that labels and weights cannot be parted by a careless copy. Models that Keras wrote by itself,
`.keras` or the old `.h5`, have none: for them a file of the same name ending in `.json` stands beside.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import keras
import msgspec

from edge.classify import PatchSpec
from edge.classify.bundle import shipped_models_dir
from edge.classify.description import check_labels
from edge.errors import ModelError, OutputError, UsageError
from trainer.learning.best_epoch import History

DESCRIPTION_FILE = "ferrule.json"
SUFFIXES = (".keras", ".h5", ".hdf5")

_ENCRYPTED = 0x1 | 0x40
_MAX_DESCRIPTION_BYTES = 8 * 2**20
_MAX_UNPACKED_BYTES = 2**30
"""Room for a net a thousand times as large as ours; a file that says more is not unpacked."""

# RuntimeError: for encryption, and for what Python cannot unpack; the last three: for sizes and offsets that lie.
_ZIP_ERRORS = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError,
    ArithmeticError, MemoryError, struct.error,
)  # fmt: skip

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_Label = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Facts = dict[str, str | int | float]


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`ferrule.json` inside the file, or `<name>.json` beside it; there only `labels` must stand."""

    schema: Literal["ferrule/keras-model/1"] = "ferrule/keras-model/1"
    labels: Annotated[tuple[_Label, ...], msgspec.Meta(min_length=2)]
    patch: PatchSpec | None = None
    data: Facts = {}
    code: Facts = {}
    history: History = {}


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A Keras model and what has to be known to use it.

    Attributes:
        model: consumes pixels (and measures) scaled to 0..1, gives probabilities.
        labels: in the order of its outputs.
        spec: what it wants to see.
        data: what it was trained on: names, counts, hashes, how it was split.
        code: what trained it: versions, seed, options.
        history: a figure per epoch, see `best_epoch.History`.

    Raises:
        UsageError: labels that are no labels, or that do not fit the model's outputs; a spec that does not fit its
            inputs.
    """

    model: keras.Model
    labels: tuple[str, ...]
    spec: PatchSpec
    data: Facts = field(default_factory=dict)
    code: Facts = field(default_factory=dict)
    history: History = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_labels(self.labels)
        outputs = self.model.output_shape
        if outputs != (None, len(self.labels)):
            raise UsageError(f"{len(self.labels)} labels ({', '.join(self.labels)}) for a model that gives {outputs}")
        shapes = [tuple(i.shape) for i in self.model.inputs]
        expected: list[tuple[int | None, ...]] = [(None, self.spec.size, self.spec.size)]
        if self.spec.measures:
            expected.append((None, len(self.spec.measures)))
        if shapes != expected:
            raise UsageError(f"the model takes {shapes}: its patch size and measures say {expected}")


def save(trained: TrainedModel, path: str | os.PathLike[str]) -> None:
    """Writes the model beside its place and renames it there: the file is whole, or it is the old one.

    Raises:
        UsageError: another suffix than `.keras`, or a place that is none.
        OutputError: it cannot be written after all.
    """
    path = Path(path)
    check_writable(path)
    description = Description(
        labels=trained.labels, patch=trained.spec, data=trained.data, code=trained.code, history=trained.history
    )
    bare = keras.models.clone_model(trained.model)
    bare.set_weights(trained.model.get_weights())
    # Without the optimizer, whose two more numbers a weight nobody reads again.
    bare.optimizer, bare.compiled = None, False
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            aside = Path(folder) / "model.keras"
            bare.save(aside)
            with zipfile.ZipFile(aside, "a", zipfile.ZIP_STORED) as archive:
                member = zipfile.ZipInfo(DESCRIPTION_FILE, _ZIP_TIME)
                archive.writestr(member, msgspec.json.format(msgspec.json.encode(description), indent=1))
            aside.replace(path)
    except OSError as error:
        raise OutputError(f"model {path} cannot be written: {error.strerror or error}; free some room there") from error


def check_writable(path: Path) -> None:
    """Raises UsageError where a model could not be written to `path`; asked before hours of training."""
    if path.suffix != ".keras":
        raise UsageError(f"model {path}: expected a name that ends in .keras")
    if path.is_dir():
        raise UsageError(f"model {path} is a folder: expected a file name")
    if not path.parent.is_dir():
        raise UsageError(f"model {path}: there is no folder {path.parent}; make it first")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"model {path}: the folder {path.parent} cannot be written to")


def find(path_or_name: str | os.PathLike[str]) -> Path:
    """The file, or the trainable model of that name that ships.

    Raises:
        UsageError: neither.
    """
    try:
        path = Path(path_or_name)
        is_file = path.is_file()
    except OSError as error:
        raise UsageError(f"model {path} cannot be read: {error.strerror}; give a readable file") from error
    shipped = {p.stem: p for p in sorted(shipped_models_dir().glob("*.keras"))}
    if str(path_or_name) in shipped:
        return shipped[str(path_or_name)]
    if not is_file:
        names = ", ".join(shipped) or "none ship here"
        raise UsageError(f"no model {path}: neither a file nor a trainable model that ships ({names})")
    return path


def load(path_or_name: str | os.PathLike[str]) -> TrainedModel:
    """The model in a `.keras` or old `.h5` file, with its labels.

    Raises:
        UsageError: no such file, another suffix, or a file without labels inside or beside it.
        ModelError: damaged, or not a model that can be used here.
    """
    path = find(path_or_name)
    if path.suffix not in SUFFIXES:
        raise UsageError(f"model {path}: expected a file that ends in {', '.join(SUFFIXES)}")
    description = _description_of(path)
    model = _keras_model(path)
    try:
        return TrainedModel(
            model,
            description.labels,
            description.patch or _spec_of(model, path),
            description.data,
            description.code,
            description.history,
        )
    except UsageError as error:
        raise ModelError(f"model {path}: {error}") from error


def weights_sha256(model: keras.Model) -> str:
    """SHA-256 over the weights: their shapes, types and values, in the model's order."""
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(f"{array.shape} {array.dtype}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _description_of(path: Path) -> Description:
    beside = path.with_suffix(".json")
    text = _member(path)
    source = f"{path}'s {DESCRIPTION_FILE}"
    if text is None:
        source = str(beside)
        if not beside.is_file():
            raise UsageError(
                f'model {path} does not say its labels: put {{"labels": ["...", "..."]}}, in the order of its outputs, '
                f"into {beside}"
            )
        try:
            with beside.open("rb") as file:
                text = file.read(_MAX_DESCRIPTION_BYTES)
        except OSError as error:
            raise UsageError(f"{beside} cannot be read: {error.strerror}; give a readable file") from error
    try:
        return msgspec.json.decode(text, type=Description)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ModelError(f"{source} cannot be used: {error}") from error


def _member(path: Path) -> bytes | None:
    """The description inside; None where the file has none. Every member's checksum is verified."""
    if path.suffix != ".keras":
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path)
            damaged = archive.testzip()
            if damaged is not None:
                raise ModelError(f"model {path} is damaged: {damaged} does not match its checksum; get it again")
            return archive.read(DESCRIPTION_FILE) if DESCRIPTION_FILE in archive.namelist() else None
    except _ZIP_ERRORS as error:
        raise ModelError(f"model {path} is damaged, or no .keras file: {error}; get it again") from error


def _check_members(archive: zipfile.ZipFile, path: Path) -> None:
    """Raises ModelError for what Keras does not write: encryption, other packing, and more than fits in memory."""
    total = 0
    for member in archive.infolist():
        total += member.file_size
        if member.flag_bits & _ENCRYPTED or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ModelError(
                f"model {path}: {member.filename!r} inside is encrypted or packed: expected what Keras saves"
            )
        if member.compress_type == zipfile.ZIP_STORED and member.compress_size != member.file_size:
            raise ModelError(f"model {path} is damaged: {member.filename!r} inside has two sizes; get it again")
        if member.filename == DESCRIPTION_FILE and member.file_size > _MAX_DESCRIPTION_BYTES:
            raise ModelError(f"model {path}: {DESCRIPTION_FILE} has {member.file_size} bytes: expected a description")
    if total > _MAX_UNPACKED_BYTES:
        raise ModelError(f"model {path}: {total} bytes when unpacked: expected at most {_MAX_UNPACKED_BYTES}")


# What Keras and h5py raise for a file that is damaged or asks for layers that are not there.
_LOAD_ERRORS = (
    ValueError, TypeError, LookupError, OSError, AttributeError, RuntimeError, ImportError, EOFError, ArithmeticError,
    MemoryError, AssertionError, zlib.error, zipfile.BadZipFile,
)  # fmt: skip


def _keras_model(path: Path) -> keras.Model:
    try:
        model = keras.models.load_model(path, compile=False)
    except _LOAD_ERRORS as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"model {path} cannot be loaded: {first_line}") from error
    with contextlib.suppress(AttributeError):
        if len(model.output_shape) == 2:
            return model
    raise ModelError(f"model {path} is no classifier of pictures: expected one output, (None, n)")


def _spec_of(model: keras.Model, path: Path) -> PatchSpec:
    """The plain patch that the model's one input takes."""
    shapes = [tuple(i.shape) for i in model.inputs]
    if len(shapes) == 1 and len(shapes[0]) == 3 and shapes[0][1] == shapes[0][2] and shapes[0][1] is not None:
        return PatchSpec(size=shapes[0][1])
    raise ModelError(f"model {path} takes {shapes}: expected one square grey picture, (None, size, size)")
