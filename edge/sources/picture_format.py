"""What the bytes of a picture file promise, and the words for what does not keep it.

Damage is told from the bytes of a file, before OpenCV sees them: its decoders say what they met only by printing to
the process's stderr, and fill in what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PictureFormat = Literal["PNG", "JPEG", "BMP", "TIFF"]


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What the first bytes of a picture promise.

    Attributes:
        format: one of the four that are read.
        width_px: columns.
        height_px: rows.
        n_channels: of the decoded picture, 1, 3 or 4.
        n_bits: of a decoded sample, 8 or 16.
        n_extra_bytes: what its decoder needs beside the file and twice the decoded picture, from above; below 0
            where it needs less than those.
        is_negative: whether 0 is white in what is decoded (TIFF's WhiteIsZero).
    """

    format: PictureFormat
    width_px: int
    height_px: int
    n_channels: int = 1
    n_bits: int = 8
    n_extra_bytes: int = 0
    is_negative: bool = False

    @property
    def n_decoded_bytes(self) -> int:
        """Width x height x channels x bytes of a sample."""
        return self.width_px * self.height_px * self.n_channels * (self.n_bits // 8)


def picture_format(data: bytes) -> PictureFormat | None:
    """The format that the first bytes (eight are enough) name, or None when they name none of the four."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"BM"):
        return "BMP"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "TIFF"
    return None


def damaged(kind: PictureFormat, what: str) -> ValueError:
    """The error for a file whose bytes do not keep what they promise."""
    return ValueError(f"a truncated or damaged {kind} ({what}); copy or save it again")


def unsupported(kind: PictureFormat, what: str, expected: str) -> ValueError:
    """The error for a file that may well be whole, and is of a kind that is not read."""
    return ValueError(f"{kind} with {what} is not supported; expected {expected}: save it as such")
