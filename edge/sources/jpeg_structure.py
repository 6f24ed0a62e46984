"""What a JPEG file promises, whether its parts are all there, and those of them that a decoder needs.

Sections and tables are those of ITU-T T.81. A decoder tells of damage inside the coded pixels; here it is the
segments, the scans, the restart markers and the end marker.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from edge.sources.picture_format import PictureHeader, damaged, unsupported

# Markers of table B.1.
_SOI, _EOI, _SOS, _DQT, _DRI, _COM = 0xD8, 0xD9, 0xDA, 0xDB, 0xDD, 0xFE
_APP0, _APP14, _APP15 = 0xE0, 0xEE, 0xEF
_RST0 = 0xD0
_WITHOUT_LENGTH = frozenset({0x00, 0x01, *range(_RST0, _RST0 + 8)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Baseline, extended and progressive, by Huffman's code; the same two arithmetic: what libjpeg-turbo decodes.
_DECODED_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_PROGRESSIVE = frozenset({0xC2, 0xCA})
_END_OF_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_MAX_SCANS = 100
"""A progressive picture has about ten; each is a walk over all of its blocks."""

_N_COPIES = 4
"""How many of the file's coded pixels are held at once, beside the file."""

_ADOBE_YCC = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\1"
"""Says that the first component is the luma, whatever the components are called."""

# A DC coefficient is eight times a block's mean, and a mean of 8 bit samples lies in -128..127 (section A.3.3);
# rounding to a step adds half a step, and one step more is left to encoders that round in their own way.
_DC_RANGE = 1024
_DC_SLACK_STEPS = 1.5


@dataclass(frozen=True, slots=True)
class _Component:
    number: int
    across: int
    down: int
    table: int


@dataclass(frozen=True, slots=True)
class _Frame:
    kind: int
    width: int
    height: int
    components: tuple[_Component, ...]

    def n_units(self, numbers: bytes) -> int:
        """The units (MCU) of a scan of these components (section A.2)."""
        across = max(c.across for c in self.components)
        down = max(c.down for c in self.components)
        if len(numbers) > 1:
            return _ceil(self.width, 8 * across) * _ceil(self.height, 8 * down)
        for own in self.components:
            if own.number == numbers[0]:
                columns, rows = _ceil(self.width * own.across, across), _ceil(self.height * own.down, down)
                return _ceil(columns, 8) * _ceil(rows, 8)
        raise damaged("JPEG", "a scan of a component that is not in the picture")


@dataclass(frozen=True, slots=True)
class SoundJpeg:
    """A JPEG whose parts are all there.

    Attributes:
        data: the file without what a decoder of grey levels does not need: comments, profiles, thumbnails, bytes
            between segments and behind the end.
        n_extraneous_bytes: how many bytes stood between segments.
        range_data: the same picture with other quantisation: decoded at an eighth of its size, a sample is 128 and
            the block's DC coefficient in steps, and lies within `range_limit` of 128 unless the file is damaged.
        range_limit: None where the steps are too small to tell.
    """

    data: bytes
    n_extraneous_bytes: int
    range_data: bytes
    range_limit: float | None


@dataclass(frozen=True, slots=True)
class _Segment:
    """A marker and what belongs to it; `begin` is where its parameters begin, `scan` where coded pixels end."""

    marker: int
    begin: int
    end: int
    scan_end: int
    n_stray: int


def jpeg_header(data: bytes) -> PictureHeader:
    """Size and components.

    Raises:
        ValueError: no frame header, or a frame of a kind that is not supported.
        IndexError, struct.error: the data ends before.
    """
    for segment in _segments(data, scans=False):
        if segment.marker in _FRAMES:
            frame = _frame(segment.marker, data[segment.begin : segment.end])
            n_samples = frame.width * frame.height * len(frame.components)
            # Of a progressive picture the coefficients are kept, two bytes each. One luma is made, and no copy of it.
            n_kept = 2 * n_samples if frame.kind in _PROGRESSIVE else 0
            n_extra = _N_COPIES * len(data) + n_kept + frame.width * frame.height - 2 * n_samples
            return PictureHeader("JPEG", frame.width, frame.height, len(frame.components), 8, n_extra)
        if segment.marker in (_EOI, _SOS):
            break
    raise ValueError("a JPEG without a frame header; copy or save it again")


def sound_jpeg(data: bytes) -> SoundJpeg:
    """The JPEG's parts, once all were found to be there.

    Raises:
        ValueError: no end marker, a segment that is cut off, restart markers out of their order or number, a
            quantisation step of 0.
    """
    frame: _Frame | None = None
    steps: dict[int, int] = {}
    parts, range_parts = [b"\xff\xd8"], [b"\xff\xd8" + _ADOBE_YCC]
    n_stray = n_scans = interval = 0
    try:
        for segment in _segments(data, scans=True):
            marker, body = segment.marker, data[segment.begin : segment.end]
            n_stray += segment.n_stray
            whole = b"\xff" + bytes([marker]) + data[segment.begin - 2 : segment.end]
            if marker == _EOI:
                break
            if marker == _SOI:
                raise damaged("JPEG", "it begins a second time")
            if _APP0 <= marker <= _APP15 or marker == _COM:
                parts.append(_colour_hint(marker, body))
                continue
            if marker in _FRAMES:
                if frame is not None:
                    raise damaged("JPEG", "two frame headers")
                frame = _frame(marker, body)
            elif marker == _DRI:
                (interval,) = struct.unpack(">H", body)
            elif marker == _DQT:
                range_parts.append(_range_table(body, steps))
                parts.append(whole)
                continue
            elif marker == _SOS:
                n_scans += 1
                if frame is None or n_scans > _MAX_SCANS:
                    raise damaged("JPEG", "a scan without a frame" if frame is None else "too many scans")
                scan = data[segment.end : segment.scan_end]
                _check_restarts(scan, interval, frame.n_units(body[1 : 1 + 2 * body[0] : 2]))
                whole += scan
            parts.append(whole)
            range_parts.append(whole)
    except (IndexError, struct.error) as error:
        raise damaged("JPEG", "it ends before its end marker") from error
    if frame is None or not n_scans:
        raise damaged("JPEG", "no scan")
    step = steps.get(frame.components[0].table)
    return SoundJpeg(
        b"".join((*parts, b"\xff\xd9")), n_stray, b"".join((*range_parts, b"\xff\xd9")), step and _range_limit(step)
    )


def _segments(data: bytes, scans: bool) -> Iterator[_Segment]:
    """The markers up to the end marker, with what belongs to them.

    Raises:
        IndexError, struct.error: there is no further marker, or a segment is cut off.
    """
    at = 2
    while True:
        begin = data.find(b"\xff", at)
        if begin < 0:
            raise IndexError("no further marker")
        n_stray, at = begin - at, begin
        while data[at] == 0xFF:  # a marker may be padded with any number of 0xFF
            at += 1
        marker = data[at]
        at += 1
        if marker in _WITHOUT_LENGTH:  # means nothing outside a scan
            continue
        if marker in (_SOI, _EOI):
            yield _Segment(marker, at, at, at, n_stray)
            continue
        (length,) = struct.unpack_from(">H", data, at)
        end = at + max(2, length)
        if scans and end > len(data):
            raise IndexError("a segment is cut off")
        scan_end = end
        if scans and marker == _SOS:
            found = _END_OF_SCAN.search(data, end)
            if found is None:
                raise IndexError("a scan without an end")
            scan_end = found.start()
        yield _Segment(marker, at + 2, end, scan_end, n_stray)
        at = scan_end


def _frame(kind: int, body: bytes) -> _Frame:
    precision, height, width, n_components = struct.unpack_from(">BHHB", body)
    if kind not in _DECODED_FRAMES:
        raise unsupported("JPEG", f"lossless or hierarchical coding (frame {kind:02x})", "baseline or progressive")
    if precision != 8:
        raise unsupported("JPEG", f"{precision} bits per sample", "8")
    if n_components not in (1, 3):
        raise unsupported("JPEG", f"{n_components} components (CMYK has 4)", "grey or three colours")
    components = []
    for k in range(n_components):
        number, sampling, table = struct.unpack_from(">BBB", body, 6 + 3 * k)
        if not (1 <= sampling >> 4 <= 4 and 1 <= sampling & 15 <= 4):
            raise damaged("JPEG", f"a sampling of {sampling >> 4} x {sampling & 15}")
        components.append(_Component(number, sampling >> 4, sampling & 15, table))
    return _Frame(kind, width, height, tuple(components))


def _colour_hint(marker: int, body: bytes) -> bytes:
    """The segment if it tells a decoder what the components mean, else nothing.

    The version of JFIF is set to 1.1: decoders complain of one that they do not know, and use nothing of it.
    """
    if marker == _APP0 and body.startswith(b"JFIF\0") and len(body) >= 14:
        body = b"JFIF\0\1\1" + body[7:14]
        body = body[:12] + b"\0\0"  # without its thumbnail
    elif not (marker == _APP14 and body.startswith(b"Adobe")):
        return b""
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def _range_table(body: bytes, steps: dict[int, int]) -> bytes:
    """The tables of a DQT segment with the DC's step halved and all others 0; notes the DC's steps as they were."""
    at, tables = 0, b""
    while at < len(body):
        precision, number = body[at] >> 4, body[at] & 15
        n_bytes = 1 + (precision > 0)
        values = struct.unpack_from(">64H" if precision else ">64B", body, at + 1)
        if 0 in values:
            raise damaged("JPEG", "a quantisation step of 0")
        steps[number] = values[0]
        halved = max(1, values[0] // 2)
        tables += body[at : at + 1] + halved.to_bytes(n_bytes, "big") + bytes(63 * n_bytes)
        at += 1 + 64 * n_bytes
    return b"\xff\xdb" + struct.pack(">H", len(tables) + 2) + tables


def _ceil(amount: int, size: int) -> int:
    return -(-amount // size)


def _range_limit(step: int) -> float | None:
    limit = (_DC_RANGE / step + _DC_SLACK_STEPS) * max(1, step // 2) / 8 + 0.5
    return limit if limit < 127 else None


def _check_restarts(scan: bytes, interval: int, n_units: int) -> None:
    """Restart markers come after each interval but the last, counted from 0 to 7 over and over (section E.1)."""
    found = b"".join(_RESTART.findall(scan))
    n_expected = _ceil(n_units, interval) - 1 if interval else 0
    in_order = bytes(range(_RST0, _RST0 + 8)) * (len(found) // 8 + 1)
    # Some cameras write one more, after the last interval.
    if len(found) not in (n_expected, n_expected + bool(interval)) or not in_order.startswith(found):
        raise damaged("JPEG", f"{len(found)} restart markers, {n_expected} expected in their order")
