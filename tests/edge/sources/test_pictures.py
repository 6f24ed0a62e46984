"""Pictures of every kind become grey, or are refused with one clear sentence."""

from __future__ import annotations

import logging
import os
import socket
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_files import encoded, grey_tiff_tags, png_file, smooth, tiff_file, with_stray_byte

from edge.errors import SourceError, UsageError
from edge.sources import list_folder, read_picture, to_grey
from edge.sources.picture_header import picture_format, picture_header
from edge.sources.pictures import EXTRANEOUS_BYTES, decode_picture

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".bmp": "BMP", ".tif": "TIFF"}


def with_exif_rotation(jpeg: bytes) -> bytes:
    """The JPEG with an EXIF segment that asks for a quarter turn."""
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def huge_png(side: int) -> bytes:
    """A PNG that promises a side x side picture in a few bytes."""
    return png_file(side, side, 8, 0, b"")


def opencv_log() -> Any:
    """Where this OpenCV keeps its log level: 4.12 moved it."""
    return getattr(cv2.utils, "logging", cv2)


class TestToGrey:
    """`to_grey`: arrays."""

    def test_grey_is_returned_as_it_is(self) -> None:
        """Grey uint8 costs no copy and keeps every level."""
        picture = np.arange(256, dtype=np.uint8).reshape(16, 16)
        assert np.shares_memory(to_grey(picture), picture)
        assert np.array_equal(to_grey(picture[:, :, None]), picture)

    @pytest.mark.parametrize("channels", [3, 4])
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_equal_channels_keep_their_level(self, channels: int, dtype: type) -> None:
        """A grey picture stored as colour comes out as the same grey, whatever its alpha."""
        levels: np.ndarray = np.arange(256, dtype=dtype) * (257 if dtype is np.uint16 else 1)
        picture = np.repeat(levels.reshape(16, 16, 1), channels, axis=2)
        picture[..., 3:] = 0
        assert np.array_equal(to_grey(picture), np.arange(256).reshape(16, 16))

    def test_colour_is_weighted_blue_green_red(self) -> None:
        """Channels are in OpenCV's order and weighted as in BT.601."""
        primaries = np.zeros((1, 3, 3), np.uint8)
        primaries[0, range(3), range(3)] = 255
        assert to_grey(primaries).tolist() == [[29, 150, 76]]

    @given(st.integers(0, 65535))
    @settings(deadline=None, max_examples=50)
    def test_16_bit_is_scaled_by_its_full_range(self, level: int) -> None:
        """65535 becomes 255 and 0 stays 0, to the nearest step, whatever else the picture holds."""
        assert to_grey(np.full((2, 2), level, np.uint16))[0, 0] == round(level / 257)

    def test_a_view_with_strides_is_read_right(self) -> None:
        """A mirrored, cropped view gives what its copy gives."""
        picture = smooth(20, 30, 3)[::-1, 2:-3:2]
        assert np.array_equal(to_grey(picture), to_grey(picture.copy()))

    @pytest.mark.parametrize(
        ("picture", "said"),
        [
            (None, "cv2.imread gives None"),
            ("face.png", "got str"),
            (np.full((4, 4), np.nan), "float64 with NaN"),
            (np.zeros((4, 4), np.float32), "got float32;"),
            (np.zeros((4, 4), bool), "got bool"),
            (np.zeros((4, 4), np.int16), "got int16"),
            (np.array([[None]]), "got object"),
            (np.zeros((0, 4), np.uint8), "not empty"),
            (np.zeros((4, 4, 0), np.uint8), "not empty"),
            (np.zeros(4, np.uint8), r"\(4,\)"),
            (np.zeros((2, 4, 4, 3), np.uint8), r"\(2, 4, 4, 3\)"),
            (np.zeros((4, 4, 2), np.uint8), "got 2"),
            (np.zeros((4, 4, 7), np.uint8), "got 7"),
        ],
    )
    def test_what_is_no_picture_is_refused(self, picture: object, said: str) -> None:
        """No range, order or number of channels is ever guessed."""
        with pytest.raises(UsageError, match=said):
            to_grey(picture)  # type: ignore[arg-type]


class TestReadPicture:
    """`read_picture`: files."""

    @pytest.mark.parametrize("suffix", FORMATS)
    @pytest.mark.parametrize("shape", [(1, 1), (1, 50), (37, 41)])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_every_format_is_read(self, tmp_path: Path, suffix: str, shape: tuple[int, int], channels: int) -> None:
        """What a format keeps exactly comes back exactly, JPEG within a few levels."""
        grey = np.full(shape, 77, np.uint8) if 1 in shape else smooth(*shape)
        picture = np.repeat(grey[..., None], channels, axis=2) if channels > 1 else grey
        path = tmp_path / f"gesicht ⌀ {channels}{suffix.upper()}"
        path.write_bytes(encoded(picture, suffix))
        read = read_picture(path)
        assert read.shape == shape
        assert read.dtype == np.uint8
        assert np.abs(read.astype(int) - grey).max() <= (6 if suffix == ".jpg" else 0)

    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    def test_16_bit_and_alpha_are_read(self, tmp_path: Path, suffix: str) -> None:
        """A 16 bit file and one with alpha come out as their grey."""
        grey = smooth(20, 30)
        deep, clear = tmp_path / f"deep{suffix}", tmp_path / f"clear{suffix}"
        deep.write_bytes(encoded(grey.astype(np.uint16) * 257, suffix))
        clear.write_bytes(encoded(np.dstack([grey, grey, grey, np.zeros_like(grey)]), suffix))
        assert np.array_equal(read_picture(deep), grey)
        assert np.array_equal(read_picture(clear), grey)

    @pytest.mark.parametrize("bits", [8, 16])
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_a_negative_tiff_is_turned_round(self, bits: int, order: str) -> None:
        """WhiteIsZero: 0 is white, in 8 and in 16 bit, in either byte order."""
        grey = (np.arange(48).reshape(6, 8) * 5 + 7).astype(np.uint8)
        stored = (255 - grey).astype(np.uint16) * (257 if bits == 16 else 1)
        strip = stored.astype(f"{order}u{bits // 8}").tobytes()
        for photometric, expected in ((0, grey), (1, 255 - grey)):
            file = tiff_file(grey_tiff_tags(8, 6, t258=[bits], t262=[photometric]), [strip], order)
            assert np.array_equal(decode_picture(file, "x.tif"), expected), photometric

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("photometric", [0, 1])
    def test_a_tiff_is_given_as_it_is_stored(self, orientation: int, photometric: int) -> None:
        """Whatever its orientation: boxes are pixels of the file, and the axes of a calibration stay what they are."""
        grey = (np.arange(48).reshape(6, 8) * 5 + 7).astype(np.uint8)
        tags = grey_tiff_tags(8, 6, t262=[photometric], t274=[orientation])
        read = decode_picture(tiff_file(tags, [grey.tobytes()]), "x.tif")
        assert np.array_equal(read, grey if photometric else 255 - grey)

    def test_the_orientation_tag_is_not_applied(self, tmp_path: Path) -> None:
        """Boxes mean the pixels of the file as stored."""
        path = tmp_path / "turned.jpg"
        path.write_bytes(with_exif_rotation(encoded(smooth(20, 30), ".jpg")))
        assert cv2.imread(str(path)).shape[:2] == (30, 20)
        assert read_picture(path).shape == (20, 30)

    def test_a_stray_byte_is_harmless_and_counted(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """The picture is the same, nothing appears on stderr, and the log knows."""
        jpeg = encoded(smooth(40, 60), ".jpg")
        plain, stray = tmp_path / "plain.jpg", tmp_path / "stray.jpg"
        plain.write_bytes(jpeg)
        stray.write_bytes(with_stray_byte(jpeg))
        with caplog.at_level(logging.INFO, logger="edge"):
            assert np.array_equal(read_picture(stray), read_picture(plain))
        assert [r.msg for r in caplog.records] == [EXTRANEOUS_BYTES]
        assert capfd.readouterr().err == ""

    @pytest.mark.parametrize("suffix", FORMATS)
    @pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.9, 0.999])
    def test_a_truncated_file_is_refused(
        self, tmp_path: Path, suffix: str, share: float, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """A file cut anywhere is an error of one line that names it, and the decoder stays silent."""
        data = encoded(smooth(60, 80), suffix)
        path = tmp_path / f"cut{suffix}"
        path.write_bytes(data[: max(1, int(len(data) * share))])
        with pytest.raises(SourceError, match=r"cut\.") as caught:
            read_picture(path)
        assert "\n" not in str(caught.value)
        assert capfd.readouterr().err == ""

    def test_damage_is_seen_with_opencv_silenced(self, tmp_path: Path) -> None:
        """What tells damage does not depend on the log level that a program chose, which stays as it was."""
        data = encoded(smooth(60, 80), ".tif")
        path = tmp_path / "cut.tif"
        path.write_bytes(data[:-5])
        before = opencv_log().setLogLevel(0)
        try:
            with pytest.raises(SourceError, match=r"ends inside its header|truncated"):
                read_picture(path)
            assert opencv_log().getLogLevel() == 0
        finally:
            opencv_log().setLogLevel(before)

    @pytest.mark.parametrize("where", [0.3, 0.5, 0.7])
    def test_a_damaged_jpeg_is_refused(self, tmp_path: Path, where: float) -> None:
        """A JPEG whose data lost its place decodes to nonsense, and is therefore refused."""
        data = encoded(smooth(200, 200), ".jpg")
        at = int(len(data) * where)
        path = tmp_path / "damaged.jpg"
        path.write_bytes(data[:at] + data[at + 40 :])
        with pytest.raises(SourceError, match=r"damaged\.jpg: a truncated or damaged JPEG"):
            read_picture(path)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "an empty file"),
            (b"\0", "not a picture"),
            (b"hello, world\n" * 100, "not a picture: expected PNG, JPEG, BMP or TIFF"),
            (b"%PDF-1.7", "not a picture"),
            (b"GIF89a\1\0\1\0", "not a picture"),
            (b"P5 2 2 255\n\0\0\0\0", "not a picture"),
            (b"\x89PNG\r\n\x1a\n", "ends inside its header"),
            (b"\xff\xd8\xff", "ends inside its header"),
            (b"\xff\xd8\xff\xd9", "without a frame header"),
            (b"\xff\xd8" + b"\xff\xe0\0\0" * 1000, "ends inside its header"),
            (b"BM" + b"\0" * 10, "ends inside its header"),
            (b"II*\0\xff\xff\xff\xff", "ends inside its header"),
            (b"II*\0\x08\0\0\0\0\0\0\0\0\0", "0 x 0 pixels"),
            (b"II*\0\x08\0\0\0\0\0", "ends inside its header"),
            (
                huge_png(20_000),
                "at most 64 are read; .* --max-megapixels 400",
            ),
            (huge_png(0), "0 x 0 pixels"),
            (huge_png(2**32 - 1), "sides of at most 1000000"),
        ],
    )
    def test_what_is_no_picture_is_refused(
        self, tmp_path: Path, content: bytes, said: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Empty files, other files and headers that lie are refused before anything is decoded."""
        path = tmp_path / "bad.png"
        path.write_bytes(content)
        with pytest.raises(SourceError, match=said):
            read_picture(path)
        assert capfd.readouterr().err == ""

    def test_the_size_limit_counts_pixels(self, tmp_path: Path) -> None:
        """A picture of exactly the limit is read, one row more is not."""
        path = tmp_path / "wide.bmp"
        path.write_bytes(encoded(np.zeros((10, 100), np.uint8), ".bmp"))
        assert read_picture(path, max_megapixels=1e-3).shape == (10, 100)
        with pytest.raises(SourceError, match="crop or scale it down"):
            read_picture(path, max_megapixels=0.99e-3)

    def test_a_file_too_large_for_any_picture_is_not_even_read(self, tmp_path: Path) -> None:
        """The file's size is looked at first; a sparse terabyte is refused at once."""
        path = tmp_path / "sparse.png"
        with path.open("wb") as file:
            file.truncate(2**40)
        with pytest.raises(SourceError, match=r"a file of 1099512 MB, at most 256 are read.*--max-megapixels 274878"):
            read_picture(path)

    def test_paths_that_are_no_files_are_refused(self, tmp_path: Path) -> None:
        """Missing files, folders, pipes and devices are told apart, and none is waited for."""
        fifo = tmp_path / "fifo.png"
        os.mkfifo(fifo)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "socket.png"))
        links = {}
        for name, target in (("device", "/dev/zero"), ("kernel", "/proc/kmsg"), ("proc", "/proc/self/status")):
            links[name] = tmp_path / f"{name}.png"
            links[name].symlink_to(target)
        for path, said in [
            (links["device"], "not a regular file"),
            (links["kernel"], "without a size" if Path("/proc/kmsg").exists() else "no such file"),
            (links["proc"], "without a size"),
            (tmp_path / "socket.png", "not a regular file"),
            (tmp_path / "missing.png", "no such file"),
            (tmp_path, "a folder, expected a picture"),
            (fifo, "not a regular file"),
            (Path("/dev/zero"), "not a regular file"),
            (Path("bad\0name.png"), "null"),
        ]:
            with pytest.raises(SourceError, match=said):
                read_picture(path)
        listener.close()

    @pytest.mark.parametrize("content", [bytes(20), b"hello, world" * 9])
    def test_what_is_no_picture_is_seen_in_its_first_bytes(self, tmp_path: Path, content: bytes) -> None:
        """A sparse file of the largest size that is read is refused without reading it: it takes no memory."""
        path = tmp_path / "sparse.png"
        with path.open("wb") as file:
            file.write(content)
            file.truncate(256_000_000)
        tracemalloc.start()
        with pytest.raises(SourceError, match="not a picture"):
            read_picture(path)
        assert tracemalloc.get_traced_memory()[1] < 1e6
        tracemalloc.stop()

    def test_a_file_that_changes_meanwhile_is_read_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that shrinks is truncated, one that grows is read up to the size it had, and neither is waited for."""
        path, data = tmp_path / "face.png", encoded(smooth(30, 40), ".png")
        real = os.fstat
        for change in (-20, 20):
            path.write_bytes(data + bytes(max(0, change)))
            size = len(data) - min(0, change) if change > 0 else len(data) + 20
            monkeypatch.setattr(os, "fstat", lambda fd, size=size: os.stat_result((*real(fd)[:6], size, *real(fd)[7:])))
            assert np.array_equal(read_picture(path), smooth(30, 40))
        path.write_bytes(data[:-20])
        with pytest.raises(SourceError, match="truncated"):
            read_picture(path)

    @pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf")])
    def test_a_limit_that_is_none_is_refused(self, limit: float) -> None:
        """The option is named, before anything is read."""
        with pytest.raises(UsageError, match="--max-megapixels"):
            read_picture("missing.png", max_megapixels=limit)

    @given(st.binary(max_size=200), st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*"]))
    @settings(deadline=None, max_examples=200)
    def test_no_header_crashes(self, data: bytes, magic: bytes) -> None:
        """Whatever follows a signature, the header is read or refused with a ValueError."""
        assert picture_format(magic + data) is not None
        try:
            header = picture_header(magic + data)
        except ValueError:
            return
        assert header.width_px >= 1
        assert header.height_px >= 1

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_headers_tell_the_decoded_size(self, suffix: str) -> None:
        """The header's promise is what the decoder delivers."""
        header = picture_header(encoded(smooth(37, 41, 3), suffix))
        assert (header.format, header.height_px, header.width_px) == (FORMATS[suffix], 37, 41)


class TestListFolder:
    """`list_folder`: folders."""

    def test_natural_order_any_case(self, tmp_path: Path) -> None:
        """face2 comes before face10, suffixes count in either case, the rest is left out."""
        for name in ["face10.PNG", "face2.jpg", "Face1.Tiff", "notes.txt", ".hidden.png", "face2b.bmp"]:
            (tmp_path / name).write_bytes(b"x")
        (tmp_path / "folder.png").mkdir()
        assert [p.name for p in list_folder(tmp_path)] == ["Face1.Tiff", "face2.jpg", "face2b.bmp", "face10.PNG"]

    def test_folders_below_only_when_asked(self, tmp_path: Path) -> None:
        """Recursion is a choice, and never follows a link in a circle."""
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a" / "b" / "deep.png").write_bytes(b"x")
        (tmp_path / "a" / "loop").symlink_to(tmp_path)
        with pytest.raises(SourceError, match="--recursive"):
            list_folder(tmp_path)
        assert [p.name for p in list_folder(tmp_path, recursive=True)] == ["deep.png"]

    def test_a_missing_folder_is_said(self, tmp_path: Path) -> None:
        """A folder that is not there is an error that names it."""
        with pytest.raises(SourceError, match="nowhere: no such"):
            list_folder(tmp_path / "nowhere")


@pytest.mark.real
def test_real_pictures_are_read_without_a_word(endfaces: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Every labelled real picture is read, and none of the cameras' stray bytes is shown."""
    pictures = list_folder(endfaces / "images")
    assert {read_picture(p).shape for p in pictures} == {(864, 1152), (576, 720)}
    assert capfd.readouterr().err == ""
