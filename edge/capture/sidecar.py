"""What is known of a captured patch: a line of `capture.jsonl`, found again by the patch's own pixels.

A patch may be moved and renamed as a person likes: its record is found by the SHA-256 of its pixels, whose first
digits are the file's name. Measures are kept as the detector measured them, so that any model's codes follow from
them by `edge.classify.encode_measures`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.errors import UsageError
from edge.records import Candidate, EndFace, Identity

SCHEMA: Final = "ferrule/capture/1"
RECORDS = "capture.jsonl"
UNLABELLED = "unlabelled"

Why = Literal["low score", "near tie", "random"]
_Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class CaptureRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One captured patch; keys may be added.

    Attributes:
        sha256: of the patch's shape and grey levels, see `pixels_sha256`.
        file: where it was put, relative to the folder; it may lie elsewhere by now.
        why: why it is worth labelling.
        time: when the picture was taken or read, ISO 8601.
        source: the picture's name as the inspection has it.
        index: of the frame in its source.
        fibre: of the picture's fibres.
        picture_sha256: of the whole picture's shape and grey levels; patches of one picture belong together.
        patch_px: the model's patch size, by which the patch was cut.
        label: the model's answer, `unknown` below its threshold.
        score: of the likeliest label.
        scores: of each label.
        zone: that the mark touches.
        candidate: the mark's box and measures.
        end_face: that it lies on.
        model: that answered.
        criteria: that it was inspected by.
    """

    schema: Literal["ferrule/capture/1"]
    sha256: _Sha256
    file: str
    why: Why
    time: str
    source: str
    index: int
    fibre: int
    picture_sha256: _Sha256
    patch_px: int
    label: str
    score: float
    scores: dict[str, float]
    zone: str
    candidate: Candidate
    end_face: EndFace | None
    model: Identity
    criteria: Identity

    def line(self) -> bytes:
        """The record as one line of ASCII."""
        # By json, as names of files may hold halves of characters, which stand for bytes that are no UTF-8.
        return json.dumps(msgspec.to_builtins(self)).encode() + b"\n"


def folder_name(label: str) -> str:
    """The label as a folder may be called: the same for labels of letters, digits, `_`, `.` and `-`."""
    return re.sub(r"[^\w.-]+", "_", label).lstrip(".") or "_"


def pixels_sha256(pixels: NDArray[np.uint8]) -> str:
    """SHA-256 over shape and grey levels: the same for the same picture, however it is stored."""
    return hashlib.sha256(f"{pixels.shape}\n".encode() + pixels.tobytes()).hexdigest()


def parse_records(lines: bytes) -> tuple[Sequence[CaptureRecord], int]:
    """The records in lines of `capture.jsonl`, and how many lines are damaged: cut short, or no record."""
    records, n_damaged = [], 0
    for line in lines.splitlines():
        if line.strip():
            try:
                records.append(msgspec.convert(json.loads(line), CaptureRecord))
            except (ValueError, RecursionError):  # msgspec's and json's errors are ValueErrors
                n_damaged += 1
    return records, n_damaged


def read_records(folder: Path) -> tuple[dict[str, CaptureRecord], int]:
    """The records of a folder by the SHA-256 of the patch's pixels, and how many lines are damaged.

    Of several records of one patch the first counts.

    Raises:
        UsageError: there are no records, or they cannot be read.
    """
    try:
        records, n_damaged = parse_records((folder / RECORDS).read_bytes())
    except OSError as error:
        raise UsageError(f"{folder / RECORDS} cannot be read: {error.strerror}; expected captured patches") from error
    return {record.sha256: record for record in reversed(records)}, n_damaged
