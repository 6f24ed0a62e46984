"""What a picture may take: said before it is decoded, and kept while it is read and inspected."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from ferrule_runs import REPO, TINY
from picture_files import EXAMPLES, encoded, grey_tiff_tags, png_chunk, png_file, smooth, tiff_file

from edge.errors import SourceError
from edge.records import Frame
from edge.sources import LostFrame, picture_events, pictures
from edge.sources.pictures import decode_picture

PEAK_MB = 600
"""What reading and inspecting may take beside the interpreter, its libraries and the model; a Pi has 1 GB."""

# The bare imports and the model take some 80 MB, and address space by the number of processors, for OpenBLAS' threads;
# so what is limited is what comes on top.
INSPECT = """
import resource, sys
from edge.errors import SourceError
from edge.inspection import load_inspector
from edge.sources import frames
inspector = load_inspector(sys.argv[2])
now = int(next(l for l in open("/proc/self/status") if l.startswith("VmSize")).split()[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (now + int(sys.argv[3]) * 10**6,) * 2)
try:
    for frame in frames(sys.argv[1]):
        print(frame.pixels.shape, [look.verdict.status.value for look in inspector.inspect(frame)])
except SourceError as error:
    print("refused:", error)
"""


def inspected(path: Path, n_mb: int = PEAK_MB) -> str:
    """What a process of its own says of a picture with so much room."""
    command = [sys.executable, "-c", INSPECT, str(path), str(TINY), str(n_mb)]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(REPO)}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=env, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def streamed_png(path: Path, width: int, height: int, bits: int, colour: int, n_channels: int) -> None:
    """A PNG written row by row, all of one level."""
    deflate, row = zlib.compressobj(1), bytes(1 + width * n_channels * bits // 8)
    with path.open("wb") as file:
        header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
        file.write(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header))
        for _ in range(height):
            if some := deflate.compress(row):
                file.write(png_chunk(b"IDAT", some))
        file.write(png_chunk(b"IDAT", deflate.flush()) + png_chunk(b"IEND", b""))


def largest(path: Path) -> None:
    """Writes a picture of about the largest size that is accepted, by the path's name."""
    level = np.full((8000, 8000), 90, np.uint8)
    if path.stem == "rgba16":
        streamed_png(path, 5600, 5650, 16, 6, 4)
    elif path.stem == "rgb16":
        cv2.imwrite(str(path), np.full((4100, 6800, 3), 9000, np.uint16), [cv2.IMWRITE_TIFF_COMPRESSION, 1])
    elif path.stem == "rgb":
        cv2.imwrite(str(path), np.full((7000, 8000, 3), 90, np.uint8))
    elif path.stem == "face":  # one that goes through all stages
        face = cv2.imread(str(EXAMPLES / "dirty.png"), cv2.IMREAD_GRAYSCALE)
        scale = (63.5e6 / face.size) ** 0.5
        path.write_bytes(encoded(cv2.resize(face, None, fx=scale, fy=scale), ".jpg"))  # type: ignore[arg-type]  # the file is there
    elif path.stem in ("grey", "lzw"):
        cv2.imwrite(str(path), level)
    else:
        progressive = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1] if path.stem == "progressive" else []
        options = [*progressive, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
        path.write_bytes(encoded(np.repeat(level[..., None], 3, axis=2), ".jpg", *options))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "rgba16.png",
        "grey.png",
        "rgb16.tif",
        "lzw.tif",
        "rgb.bmp",
        "grey.bmp",
        "baseline.jpg",
        "progressive.jpg",
        "face.jpg",
    ],
)
def test_the_largest_picture_takes_less_than_600_mb(tmp_path: Path, name: str) -> None:
    """Of every format, read and inspected."""
    path = tmp_path / name
    largest(path)
    told = inspected(path)
    status = "FAIL" if "face" in name else "UNREADABLE"
    assert re.fullmatch(rf"\(\d{{4}}, \d{{4}}\) \['{status}'\]\n", told)


@pytest.mark.slow
@pytest.mark.parametrize("n_mb", [5, 60, 200, 300])
def test_too_little_memory_is_a_sentence(tmp_path: Path, n_mb: int) -> None:
    """Wherever memory runs out while a picture is read, that picture is refused, in one line."""
    path = tmp_path / "rgb.bmp"
    cv2.imwrite(str(path), np.full((5000, 8000, 3), 90, np.uint8))
    assert re.fullmatch(
        r"refused: .*rgb.bmp: there is not enough memory to (read|decode) it; .*\n", inspected(path, n_mb)
    )


def test_no_memory_for_one_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture for which there is no room is lost, and the next one is read."""
    for k in range(3):
        (tmp_path / f"{k}.png").write_bytes(encoded(smooth(20, 30), ".png"))
    real, n_calls = cv2.imdecode, 0

    def sometimes(*given: object) -> object:
        nonlocal n_calls
        n_calls += 1
        if n_calls == 1:
            raise MemoryError
        if n_calls == 2:
            error = cv2.error("no room")
            error.code = cv2.Error.StsNoMem
            raise error
        return real(*given)  # type: ignore[call-overload]  # passed on as it came

    monkeypatch.setattr(pictures.cv2, "imdecode", sometimes)  # type: ignore[attr-defined]  # the test looks inside
    first, second, third = picture_events(sorted(tmp_path.iterdir()))
    assert isinstance(first, LostFrame)
    assert isinstance(second, LostFrame)
    assert "not enough memory" in first.problem
    assert "not enough memory" in second.problem
    assert isinstance(third, Frame)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (png_file(9950, 9950, 16, 6, b""), r"9950 pixels are 99 megapixels, at most 64 .*--max-megapixels 199$"),
        (
            png_file(7000, 7000, 16, 6, b""),
            r"with 4 channels of 16 bit take 392 MB, at most 256 .*--max-megapixels 99$",
        ),
        (
            tiff_file(grey_tiff_tags(9000, 7000, t258=[16] * 3, t262=[2], t277=[3]), [b""]),
            r"with 3 channels of 16 bit take 378 MB, at most 256 .*--max-megapixels \d+$",
        ),
        (
            tiff_file(grey_tiff_tags(7900, 8000, t278=[8000], t258=[8] * 3, t262=[2], t277=[3]), [b""]),
            r"7900 x 8000 pixels take \d+ MB to decode, at most 512 are used; .*--max-megapixels \d+$",
        ),
        (b"BM" + bytes(12) + struct.pack("<IiiHHIIIIII", 40, 8100, 8100, 1, 24, 0, 0, 0, 0, 0, 0), "are 66 megapixels"),
    ],
)
def test_what_would_take_too_much_is_refused_by_its_header(data: bytes, said: str) -> None:
    """The figure, the limit, and the option with the number that would do."""
    with pytest.raises(SourceError, match=said) as caught:
        decode_picture(data, "it")
    assert "crop or scale it down" in str(caught.value)
    enough = float(str(caught.value).rsplit(" ", 1)[1])
    with pytest.raises(SourceError, match=r"truncated|damaged"):  # no longer too large, and no pixels in it
        decode_picture(data, "it", max_megapixels=enough)
