"""Picture files made for tests: real encoders' output, damaged in known ways, and files written byte by byte."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

EXAMPLES = Path(__file__).parents[1] / "examples"


def smooth(height: int, width: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """A soft random picture, so that JPEG keeps it nearly as it is."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    return np.squeeze(cv2.GaussianBlur(noise, (9, 9), 4).reshape(height, width, channels))


def encoded(picture: np.ndarray, suffix: str, *options: int) -> bytes:
    """A file of the picture, as bytes; options in OpenCV's way."""
    return cv2.imencode(suffix, picture, list(options))[1].tobytes()


def example_jpegs() -> Iterator[tuple[str, bytes]]:
    """The shipped examples as JPEGs of every kind that cameras write, each with its name."""
    for path in sorted(EXAMPLES.glob("*.png")):
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        colour = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)  # type: ignore[arg-type]  # the file is there
        for name, picture, options in (
            ("grey", grey, []),
            ("444", colour, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]),
            ("422", colour, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x211111, cv2.IMWRITE_JPEG_QUALITY, 80]),
            ("restarts", colour, [cv2.IMWRITE_JPEG_RST_INTERVAL, 7]),
            ("progressive", colour, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        ):
            yield f"{path.stem}-{name}", encoded(picture, ".jpg", *options)  # type: ignore[arg-type]  # the file is there


def scan_begin(jpeg: bytes) -> int:
    """Where the coded pixels of a JPEG without a thumbnail begin."""
    at = jpeg.index(b"\xff\xda")
    return at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """The JPEG with one segment more at its beginning."""
    return jpeg[:2] + b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def with_stray_byte(jpeg: bytes) -> bytes:
    """The JPEG with one byte too many before its scan, as some microscope cameras write it."""
    at = jpeg.index(b"\xff\xda")
    return jpeg[:at] + b"\0" + jpeg[at:]


def cut(data: bytes, share: float) -> bytes:
    """The first part of a file."""
    return data[: max(1, int(len(data) * share))]


def zeroed(data: bytes, share: float, n_bytes: int = 512) -> bytes:
    """The file with some of its bytes lost, as a bad block leaves them."""
    at = min(int(len(data) * share), len(data) - n_bytes)
    return data[:at] + bytes(n_bytes) + data[at + n_bytes :]


def flipped(data: bytes, seed: int, n_bits: int = 8, begin: int = 0) -> bytes:
    """The file with some bits flipped, anywhere from a place on."""
    chance, damaged = random.Random(seed), bytearray(data)
    for _ in range(n_bits):
        damaged[chance.randrange(begin, len(data))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_file(
    width: int, height: int, bits: int, colour: int, pixels: bytes, *others: bytes, interlace: int = 0
) -> bytes:
    """A PNG of filtered rows as given; other chunks come before the pixels."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace))
    data = png_chunk(b"IDAT", zlib.compress(pixels))
    return b"".join((b"\x89PNG\r\n\x1a\n", header, *others, data, png_chunk(b"IEND", b"")))


def tiff_file(tags: dict[int, tuple[int, Sequence[int]]], strips: Sequence[bytes], order: str = "<") -> bytes:
    """A TIFF of one page: tags as type (3 or 4) and values; strip offsets (273) and lengths (279) are filled in."""
    codes, sizes = {3: "H", 4: "I"}, {3: 2, 4: 4}
    offsets, at = [], 8
    for strip in strips:
        offsets.append(at)
        at += len(strip) + len(strip) % 2
    tags = {273: (4, offsets), 279: (4, [len(strip) for strip in strips]), **tags}
    directory, beyond = at, b""
    far = directory + 2 + 12 * len(tags) + 4
    entries = b""
    for number in sorted(tags):
        kind, values = tags[number]
        body = struct.pack(f"{order}{len(values)}{codes[kind]}", *values)
        if len(values) * sizes[kind] > 4:
            place = struct.pack(order + "I", far + len(beyond))
            beyond += body
        else:
            place = body.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", number, kind, len(values)) + place
    content = b"".join(strip + bytes(len(strip) % 2) for strip in strips)
    magic = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", directory)
    return magic + content + struct.pack(order + "H", len(tags)) + entries + bytes(4) + beyond


def grey_tiff_tags(width: int, height: int, **more: Sequence[int]) -> dict[int, tuple[int, Sequence[int]]]:
    """The tags of an uncompressed grey TIFF of 8 bit in one strip; `t258=[16]` replaces or adds one."""
    tags = {256: [width], 257: [height], 258: [8], 259: [1], 262: [1], 277: [1], 278: [height]}
    tags |= {int(name[1:]): list(values) for name, values in more.items()}
    return {number: (3 if max(values) < 2**16 else 4, values) for number, values in tags.items()}
