"""Damage is told from the bytes of a file, whatever its format; what is whole is read as OpenCV reads it."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from picture_files import (
    cut,
    encoded,
    example_jpegs,
    flipped,
    grey_tiff_tags,
    png_chunk,
    png_file,
    scan_begin,
    smooth,
    tiff_file,
    with_segment,
    with_stray_byte,
    zeroed,
)

from edge.errors import SourceError
from edge.sources import list_folder, read_picture, to_grey
from edge.sources.pictures import decode_picture

JPEGS = dict(example_jpegs())
SHARES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95)
LUMA = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION


def problem(data: bytes) -> str:
    """Why a file is refused; "" when it is read."""
    try:
        decode_picture(data, "it")
    except SourceError as error:
        told = str(error)
    else:
        return ""
    assert "\n" not in told
    assert "opencv/" not in told.lower()
    return told


def by_opencv(data: bytes, flags: int = cv2.IMREAD_UNCHANGED) -> np.ndarray:
    """What OpenCV makes of a file."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    assert pixels is not None
    return pixels


class TestJpeg:
    """JPEGs, by a decoder that tells, and by their structure."""

    @pytest.mark.parametrize("name", JPEGS)
    def test_grey_levels_are_those_of_opencv(self, name: str) -> None:
        """The luma as it stands in the file, to the last level."""
        assert np.array_equal(decode_picture(JPEGS[name], name), by_opencv(JPEGS[name], LUMA))

    @pytest.mark.parametrize("quality", [1, 30, 75, 100])
    @pytest.mark.parametrize("level", [0, 255, None])
    def test_black_white_and_noise_are_no_damage(self, quality: int, level: int | None) -> None:
        """No block of a whole file is taken for one beyond black or white, however coarse its steps."""
        chance = np.random.default_rng(quality)
        picture = chance.choice(np.array([0, 255], np.uint8), (67, 93, 3))
        if level is not None:
            picture = np.full_like(picture, level)
        data = encoded(picture, ".jpg", cv2.IMWRITE_JPEG_QUALITY, quality)
        assert np.array_equal(decode_picture(data, "it"), by_opencv(data, LUMA))

    @pytest.mark.parametrize("name", JPEGS)
    def test_every_cut_and_every_lost_block_is_told(self, name: str) -> None:
        """A file cut anywhere, one whose end marker was put back, and one with 512 zeros in its coded pixels.

        A progressive picture's last scans are plain bits, of which zeros are as good as any.
        """
        data = JPEGS[name]
        begin, damaged = scan_begin(data) / len(data), {}
        for share in SHARES:
            damaged[f"cut {share}"] = cut(data, share)
            damaged[f"closed {share}"] = cut(data, share) + b"\xff\xd9"
            if "progressive" not in name:
                damaged[f"zeroed {share}"] = zeroed(data, max(share, begin))
        assert [what for what, bytes_ in damaged.items() if not problem(bytes_)] == []

    def test_most_flipped_bits_are_told(self) -> None:
        """Of files with eight bits flipped in their coded pixels at least four in five are refused.

        The others decode by valid codes to the right number of blocks of possible levels.
        """
        baseline = [data for name, data in JPEGS.items() if "progressive" not in name]
        told = [bool(problem(flipped(data, seed, begin=scan_begin(data)))) for data in baseline for seed in range(8)]
        assert np.mean(told) >= 0.8

    def test_a_drifting_level_is_told_though_every_code_is_valid(self) -> None:
        """A block beyond white cannot be: the decoder says nothing of it, and shows it as white."""
        tables = {0: bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] + [0] * 5 + [11]), 16: bytes([1] + [0] * 15 + [0])}
        header = struct.pack(">BHHB", 8, 8, 80, 1) + bytes([1, 0x11, 0])
        parts = [
            b"\xff\xd8",
            *(
                b"\xff" + bytes([m]) + struct.pack(">H", len(b) + 2) + b
                for m, b in (
                    (0xDB, bytes([0] + [8] * 64)),
                    (0xC0, header),
                    (0xC4, bytes([0]) + tables[0]),
                    (0xC4, bytes([16]) + tables[16]),
                    (0xDA, bytes([1, 1, 0, 0, 63, 0])),
                )
            ),
        ]

        def blocks(step: int) -> bytes:
            # Each block: the code of an 11 bit difference (eleven zeros), the difference, the end of the block.
            bits = "".join("0" * 11 + f"{step:011b}" + "0" for _ in range(10))
            bits += "1" * (-len(bits) % 8)
            return bytes(int(bits[k : k + 8], 2) for k in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")

        assert "beyond black or white" in problem(b"".join((*parts, blocks(1100), b"\xff\xd9")))

    @pytest.mark.parametrize("interval", [1, 7, 1000])
    def test_restart_markers_are_counted(self, interval: int) -> None:
        """A marker that is missing, doubled or out of its order is damage; as many as there must be are not."""
        data = encoded(smooth(64, 96), ".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, interval)
        assert problem(data) == ""
        places = [k for k in range(scan_begin(data), len(data) - 2) if data[k] == 0xFF and 0xD0 <= data[k + 1] <= 0xD7]
        assert len(places) == -(-96 // interval) - 1
        for at in places[:3]:
            assert "restart" in problem(data[:at] + data[at + 2 :])
            assert "restart" in problem(data[:at] + b"\xff" + bytes([data[at + 1] ^ 1]) + data[at + 2 :])

    @pytest.mark.parametrize("marker", [0xE0, 0xE1, 0xE2, 0xEE, 0xFE])
    def test_what_is_not_the_picture_is_no_damage(self, marker: int, capfd: pytest.CaptureFixture[str]) -> None:
        """Odd profiles, versions, comments, padding, strays and rubbish behind the end change nothing."""
        data = JPEGS["clean-444"]
        want = decode_picture(data, "it")
        odd = [
            with_segment(data, marker, b"JFIF\0\7\7 of a later version"),
            with_segment(data, marker, b"ICC_PROFILE\0\xff\xff"),
            with_segment(data, marker, b""),
            data.replace(b"\xff\xda", b"\xff\xff\xff\xff\xda", 1),
            with_stray_byte(data),
            data + b"\xff\xd8\xff\xd9 rubbish \xff",
        ]
        for file in odd:
            assert np.array_equal(decode_picture(file, "it"), want)
        assert capfd.readouterr().err == ""

    @pytest.mark.parametrize(
        ("at", "value", "said"),
        [
            (0, 12, "12 bits per sample"),
            (5, 4, "4 components"),
            (5, 2, "2 components"),
            (-1, 0xC3, "lossless or hierarchical"),
            (-1, 0xC6, "lossless or hierarchical"),
        ],
    )
    def test_kinds_that_are_not_read_are_named(self, at: int, value: int, said: str) -> None:
        """12 bit, CMYK and lossless files are refused by their header, as not supported rather than damaged."""
        data = bytearray(encoded(np.full((40, 50, 3), 9, np.uint8), ".jpg"))
        frame = data.index(b"\xff\xc0\0")
        data[frame + (4 + at if at >= 0 else 1)] = value
        if value == 4:  # a component more, and the length with it
            data[frame + 3] += 3
            data[frame + 19 : frame + 19] = b"\4\x11\0"
        assert said in problem(bytes(data))
        assert "not supported" in problem(bytes(data))


class TestPng:
    """PNGs, by their chunks, their checksums and their stream of pixels."""

    def test_every_flipped_bit_is_told(self) -> None:
        """Each byte of the file is under a checksum or part of the structure."""
        data = encoded(smooth(30, 40, 3), ".png")
        for at in range(len(data)):
            assert problem(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]), at

    @pytest.mark.parametrize("interlace", [0, 1])
    @pytest.mark.parametrize(("colour", "bits"), [(0, 1), (0, 4), (0, 16), (2, 8), (3, 2), (4, 8), (6, 16)])
    def test_every_kind_is_read_as_opencv_reads_it(self, colour: int, bits: int, interlace: int) -> None:
        """Grey, colour, palette and alpha, of 1 to 16 bit, interlaced or not."""
        width, height = 13, 9
        passes = [(0, 0, 1, 1)]
        if interlace:
            passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
        chance = np.random.default_rng(bits)
        rows = b""
        for x, y, dx, dy in passes:
            n_columns, n_rows = len(range(x, width, dx)), len(range(y, height, dy))
            if n_columns:
                row_bytes = -(-n_columns * bits * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour] // 8)
                rows += b"".join(b"\2" + chance.integers(0, 256, row_bytes, np.uint8).tobytes() for _ in range(n_rows))
        palette = [png_chunk(b"PLTE", bytes(range(12)))] if colour == 3 else []
        data = png_file(width, height, bits, colour, rows, *palette, interlace=interlace)
        assert np.array_equal(decode_picture(data, "it"), to_grey(by_opencv(data)))
        for wrong, said in ((rows[:-1], "missing"), (rows + b"\0", "more than"), (b"\5" + rows[1:], "filter")):
            assert said in problem(png_file(width, height, bits, colour, wrong, *palette, interlace=interlace))

    def test_a_stream_that_swells_is_not_inflated(self) -> None:
        """A gigabyte of zeros behind a small header is refused after the header's own size."""
        assert "more than 110 bytes" in problem(png_file(10, 10, 8, 0, bytes(2**24)))

    def test_what_is_not_the_picture_is_no_damage(self, capfd: pytest.CaptureFixture[str]) -> None:
        """A profile that libpng complains of, texts and transparency change nothing, and nothing is printed."""
        rows = b"".join(b"\0" + bytes(range(0, 240, 8)) for _ in range(20))
        profile = png_chunk(b"iCCP", b"odd\0\0" + zlib.compress(b"no profile at all"))
        others = [profile, png_chunk(b"gAMA", b"\0\0\0\1"), png_chunk(b"tEXt", b"x"), png_chunk(b"tRNS", b"\0\1")]
        data = png_file(30, 20, 8, 0, rows, *others)
        assert np.array_equal(decode_picture(data, "it"), decode_picture(png_file(30, 20, 8, 0, rows), "it"))
        assert capfd.readouterr().err == ""

    def test_a_chunk_in_no_standard_is_named(self) -> None:
        """A chunk without which the picture cannot be shown, as phones write them, is not skipped."""
        assert "CgBI" in problem(png_file(4, 4, 8, 0, bytes(20), png_chunk(b"CgBI", b"")))


class TestTiff:
    """TIFFs, by their tags and by what their strips hold."""

    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("bits", [8, 16])
    @pytest.mark.parametrize("samples", [1, 3, 4])
    def test_every_kind_is_read_as_opencv_reads_it(self, samples: int, bits: int, order: str) -> None:
        """Grey, colour and alpha, 8 and 16 bit, either byte order, in strips, with tags of the writer's own."""
        width, height, rows = 21, 10, 4
        line = width * samples * bits // 8
        raw = np.random.default_rng(samples).integers(0, 256, line * height, np.uint8).tobytes()
        strips = [raw[k : k + line * rows] for k in range(0, len(raw), line * rows)]
        more = {"t258": [bits] * samples, "t262": [1 if samples == 1 else 2], "t277": [samples], "t278": [rows]}
        if samples == 4:
            more["t338"] = [0]
        data = tiff_file(grey_tiff_tags(width, height, **more), strips, order)
        want = to_grey(by_opencv(data))
        assert np.array_equal(decode_picture(data, "it"), want)
        own = tiff_file(grey_tiff_tags(width, height, **more, t50838=[1, 2, 3], t65000=[7]), strips, order)
        assert np.array_equal(decode_picture(own, "it"), want)

    @pytest.mark.parametrize("compression", [5, 8, 32773])
    @pytest.mark.parametrize("picture", ["soft", "noise", "flat", "colour", "deep"])
    def test_compressed_strips_are_counted(
        self, compression: int, picture: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """What encoders write is read without a word; a strip that lacks a part, or ends in zeros, is refused."""
        pixels = {
            "soft": smooth(150, 200),
            "noise": np.random.default_rng(0).integers(0, 256, (150, 200), np.uint8),
            "flat": np.zeros((150, 200), np.uint8),
            "colour": smooth(150, 200, 3),
            "deep": smooth(150, 200).astype(np.uint16) * 257,
        }[picture]
        data = encoded(pixels, ".tif", cv2.IMWRITE_TIFF_COMPRESSION, compression)
        assert np.array_equal(decode_picture(data, "it"), to_grey(pixels))
        assert capfd.readouterr().err == ""
        for share in (0.1, 0.4):
            assert problem(zeroed(data, share, 40)) or np.array_equal(decode_picture(data, "it"), to_grey(pixels))
        tags = grey_tiff_tags(50, 40, t259=[compression])
        strip = {5: lzw, 8: zlib.compress, 32773: packed}[compression]
        raw = smooth(40, 50).tobytes()
        assert np.array_equal(decode_picture(tiff_file(tags, [strip(raw)]), "it"), smooth(40, 50))  # type: ignore[operator]  # a table of makers
        for wrong in (strip(raw[:-3]), strip(raw)[: len(strip(raw)) // 2], bytes(300)):  # type: ignore[operator]  # a table of makers
            assert "truncated or damaged TIFF" in problem(tiff_file(tags, [wrong]))

    def test_most_flipped_bits_in_compressed_strips_are_told(self) -> None:
        """OpenCV shows black or rubbish for nearly all of them, and gives no error."""
        data = encoded(smooth(200, 300), ".tif", cv2.IMWRITE_TIFF_COMPRESSION, 5)
        told = [bool(problem(flipped(data, seed))) for seed in range(60)]
        assert np.mean(told) >= 0.9

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({"t258": [32], "t339": [1]}, "uint32 samples"),
            ({"t258": [32], "t339": [3]}, "float32 samples"),
            ({"t258": [16], "t339": [2]}, "int16 samples"),
            ({"t258": [1]}, "uint1 samples"),
            ({"t258": [12]}, "uint12 samples"),
            ({"t258": [8, 16, 8], "t277": [3], "t262": [2]}, "uint8 and 16 samples"),
            ({"t259": [7]}, "compression 7"),
            ({"t259": [4]}, "compression 4"),
            ({"t259": [5], "t266": [2]}, "compression 5"),
            ({"t259": [5], "t317": [3]}, "predictor 3"),
            ({"t262": [6], "t277": [3], "t258": [8, 8, 8]}, "colours of kind 6"),
            ({"t262": [5], "t277": [4], "t258": [8, 8, 8, 8]}, "colours of kind 5"),
            ({"t277": [2]}, "2 samples per pixel"),
            ({"t262": [8], "t277": [3], "t258": [8, 8, 8]}, "colours of kind 8"),
        ],
    )
    def test_kinds_that_are_not_read_are_named(
        self, more: dict[str, list[int]], said: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """One line says what is not supported, before OpenCV sees the file."""
        data = tiff_file(grey_tiff_tags(4, 4, **more), [bytes(64)])
        assert said in problem(data)
        assert "not supported" in problem(data)
        assert capfd.readouterr().err == ""

    @pytest.mark.parametrize(
        ("more", "strips"),
        [
            ({"t278": [1]}, [bytes(16)]),
            ({}, [bytes(15)]),
            ({"t278": [0]}, [bytes(16)]),
            ({"t273": [8, 8], "t279": [2**31, 2**31]}, [bytes(16)]),
            ({"t273": [2**32 - 1]}, [bytes(16)]),
            ({"t322": [16], "t323": [15], "t324": [8], "t325": [240]}, [bytes(240)]),
            ({"t278": [4, 4]}, [bytes(16)]),
            ({"t322": [2**20], "t323": [2**20], "t324": [8], "t325": [16]}, [bytes(16)]),
        ],
    )
    def test_strips_and_tiles_that_do_not_add_up_are_refused(
        self, more: dict[str, list[int]], strips: list[bytes], capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Too few, too short, beyond the end, or of sizes that no file has."""
        assert problem(tiff_file(grey_tiff_tags(4, 4, **more), strips))
        assert capfd.readouterr().err == ""

    def test_of_several_pages_the_first_is_read(self, capfd: pytest.CaptureFixture[str]) -> None:
        """A link to a next page, good or broken, changes nothing."""
        first = tiff_file(grey_tiff_tags(6, 5), [bytes(range(30))])
        (directory,) = struct.unpack_from("<I", first, 4)
        (n_entries,) = struct.unpack_from("<H", first, directory)
        at = directory + 2 + 12 * n_entries
        for link in (directory, 7, 2**32 - 1):
            data = first[:at] + struct.pack("<I", link) + first[at + 4 :]
            assert decode_picture(data, "it").tobytes() == bytes(range(30))
        assert capfd.readouterr().err == ""

    def test_clear_codes_without_end_keep_nobody_busy(self) -> None:
        """A strip of LZW clear codes alone is refused soon."""
        tags = grey_tiff_tags(4000, 4000, t259=[5])
        clears = int("100000000" * 8000, 2).to_bytes(9000, "big")
        assert "clear codes" in problem(tiff_file(tags, [clears]))


class TestBmp:
    """BMPs, by their size."""

    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_every_missing_byte_is_told(self, channels: int) -> None:
        """A file without its last byte is refused, with bytes behind its end it is read."""
        data = encoded(smooth(7, 9, channels), ".bmp")
        want = to_grey(by_opencv(data))
        assert np.array_equal(decode_picture(data, "it"), want)
        assert np.array_equal(decode_picture(data + b"behind", "it"), want)
        assert "1 bytes of its pixels are missing" in problem(data[:-1])

    @pytest.mark.parametrize(
        ("at", "value", "said"),
        [
            (28, struct.pack("<H", 2), "2 bits per pixel is not supported"),
            (30, struct.pack("<I", 1), "compression 1 is not supported"),
            (46, struct.pack("<I", 999), "a palette of 999 colours"),
            (10, struct.pack("<I", 3), "begin inside its header"),
            (10, struct.pack("<I", 2**32 - 1), "missing"),
            (18, struct.pack("<i", -9), "-9 x 7 pixels"),
            (22, struct.pack("<i", -(2**31)), "sides of at most"),
        ],
    )
    def test_headers_that_promise_what_is_not_there_are_refused(
        self, at: int, value: bytes, said: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Each in one line of ours, and nothing of OpenCV's."""
        data = encoded(smooth(7, 9), ".bmp")
        assert said in problem(data[:at] + value + data[at + len(value) :])
        assert capfd.readouterr().err == ""


def lzw(raw: bytes) -> bytes:
    """A TIFF's LZW strip, by OpenCV's encoder: the strip of a file of one row."""
    data = encoded(np.frombuffer(raw, np.uint8)[None], ".tif", *LZW_ROW)
    (offset,) = struct.unpack_from("<I", data, _tag_place(data, 273))
    (length,) = struct.unpack_from("<I", data, _tag_place(data, 279))
    return data[offset : offset + length]


LZW_ROW = (cv2.IMWRITE_TIFF_COMPRESSION, 5, cv2.IMWRITE_TIFF_PREDICTOR, 1)


def _tag_place(data: bytes, number: int) -> int:
    (directory,) = struct.unpack_from("<I", data, 4)
    (n_entries,) = struct.unpack_from("<H", data, directory)
    (entry,) = (e for k in range(n_entries) if struct.unpack_from("<H", data, e := directory + 2 + 12 * k)[0] == number)
    return entry + 8


def packed(raw: bytes) -> bytes:
    """PackBits without a repetition."""
    return b"".join(bytes([len(raw[k : k + 128]) - 1]) + raw[k : k + 128] for k in range(0, len(raw), 128))


@pytest.mark.real
def test_real_jpegs_are_all_read_and_their_damage_is_told(endfaces: Path) -> None:
    """No false alarm and OpenCV's grey levels; every cut and every lost block is told, and most flipped bits."""
    pictures = [path for path in list_folder(endfaces / "images") if path.suffix.lower() == ".jpg"]
    for path in pictures:
        assert np.array_equal(read_picture(path), by_opencv(path.read_bytes(), LUMA)), path.name
    n_told = n_flipped = 0
    for path in pictures[::7]:
        whole = path.read_bytes()
        begin = scan_begin(whole)
        whole = whole[: whole.index(b"\xff\xd9", begin) + 2]  # some cameras write rubbish behind the end
        for share in SHARES:
            assert problem(cut(whole, share)), (path.name, share)
            assert problem(cut(whole, share) + b"\xff\xd9"), (path.name, share)
            assert problem(zeroed(whole, max(share, begin / len(whole)))), (path.name, share)
        for seed in range(4):
            n_told, n_flipped = n_told + bool(problem(flipped(whole, seed))), n_flipped + 1
    assert n_told >= 0.85 * n_flipped
