"""What a capture hands out is judged only where it arrived whole, and is now."""

from __future__ import annotations

import itertools
import os
import random
import signal
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from ferrule_runs import Stream, draw_face, finish, process, rows

from edge.cli import app
from edge.errors import SourceError
from edge.records import Frame
from edge.sources import LiveSettings, LostFrame, events
from edge.sources.arriving import frame_from
from edge.sources.live import READER_THREAD, live_events


def jpeg(n_marks: int = 0, seed: int = 1) -> bytes:
    """A drawn face as a camera sends it."""
    return cv2.imencode(".jpg", draw_face(n_marks, seed=seed), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def cut(data: bytes, share: float) -> bytes:
    """A JPEG that ends in the middle."""
    return data[: int(share * len(data))]


def film(path: Path, frames: Sequence[bytes]) -> Path:
    """A Motion JPEG film of these frames, as cameras write it: chunks, and an index of them."""
    chunks, index, at = b"", b"", 4
    for data in frames:
        padded = data + b"\0" * (len(data) % 2)
        chunks += b"00dc" + struct.pack("<I", len(data)) + padded
        index += b"00dc" + struct.pack("<III", 16, at, len(data))
        at += 8 + len(padded)
    movi = b"LIST" + struct.pack("<I", 4 + len(chunks)) + b"movi" + chunks
    idx1 = b"idx1" + struct.pack("<I", len(index)) + index
    avih = struct.pack("<14I", 100_000, 0, 0, 0x10, len(frames), 0, 1, 1 << 20, 800, 600, 0, 0, 0, 0)
    strh = b"vidsMJPG" + struct.pack("<IHHIIIIIIII4H", 0, 0, 0, 0, 1, 10, 0, len(frames), 1 << 20, 0, 0, 0, 0, 800, 600)
    strf = struct.pack("<IiiHH4sIiiII", 40, 800, 600, 1, 24, b"MJPG", 800 * 600 * 3, 0, 0, 0, 0)
    part = b"strh" + struct.pack("<I", len(strh)) + strh + b"strf" + struct.pack("<I", len(strf)) + strf
    strl = b"LIST" + struct.pack("<I", 4 + len(part)) + b"strl" + part
    hdrl = b"avih" + struct.pack("<I", len(avih)) + avih + strl
    head = b"LIST" + struct.pack("<I", 4 + len(hdrl)) + b"hdrl" + hdrl
    body = b"AVI " + head + movi + idx1
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_half_a_frame_in_a_film_is_lost(tmp_path: Path, share: float) -> None:
    """A dirty frame that ends in the middle is not completed by the clean one before it."""
    clean = [jpeg(seed=k) for k in range(9)]
    path = film(tmp_path / "cut.avi", [*clean, cut(jpeg(2), share), jpeg(seed=20)])
    told = list(events(path))
    assert [type(event) for event in told] == [Frame] * 9 + [LostFrame, Frame]
    assert "damaged" in told[9].problem or "truncated" in told[9].problem
    assert told[9].index == 9


def test_half_a_dirty_frame_over_http_never_passes() -> None:
    """A command that watches: whole clean frames pass, the cut dirty ones are UNREADABLE."""
    frames = [jpeg(seed=1), cut(jpeg(2), 0.3), jpeg(seed=2), cut(jpeg(2), 0.7)]
    with (
        Stream(lambda: itertools.cycle(frames), every_s=0.05) as url,
        process("watch", url, "--json", "--max-frames", "12") as started,
    ):
        code, out, err = finish(started)
    assert code == 3, err
    told = {
        (row["status"], "damaged" in str(row["reasons"]) or "truncated" in str(row["reasons"])) for row in rows(out)
    }
    assert told == {("PASS", False), ("UNREADABLE", True)}


def test_a_whole_film_of_jpegs_is_read_as_its_pictures(tmp_path: Path) -> None:
    """The same grey levels as the JPEGs as files, in order, with their index."""
    frames = [jpeg(seed=k) for k in range(4)]
    for k, (event, data) in enumerate(zip(events(film(tmp_path / "whole.avi", frames)), frames, strict=True)):
        assert isinstance(event, Frame)
        assert event.index == k
        grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert grey is not None
        assert np.array_equal(event.pixels, grey)


@pytest.mark.parametrize(
    "arrived",
    [
        np.zeros((1, 50_000), np.uint8),
        np.zeros((50_000, 1), np.uint8),
        np.zeros((4, 600, 3), np.uint8),
        np.zeros((600, 800), np.float32),
        np.frombuffer(b"\xff\xd8 no JPEG", np.uint8)[None],
    ],
)
def test_what_is_no_picture_is_lost(arrived: Any) -> None:
    """Bytes in a row, a sliver, another type, the beginning of a JPEG: said, and the next one may be whole."""
    with pytest.raises(SourceError):
        frame_from(arrived, "cam", 3)


class Pictures:
    """A capture that gives pictures, quickly."""

    def __init__(self, pictures: Iterator[np.ndarray[Any, Any]]) -> None:
        self._pictures = pictures

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's own name
        """It always is."""
        return True

    def read(self) -> tuple[bool, np.ndarray[Any, Any]]:
        """The next one, as fast as a camera at 200 frames a second."""
        time.sleep(0.005)
        return True, next(self._pictures)

    def release(self) -> None:
        """Nothing is held."""


@pytest.mark.parametrize("as_jpeg", [False, True])
def test_a_source_that_repeats_one_picture_is_frozen(as_jpeg: bool) -> None:
    """Said once, not given again until another picture comes; a camera's noise never repeats."""

    def made(k: int) -> np.ndarray[Any, Any]:
        return np.frombuffer(jpeg(seed=k), np.uint8)[None] if as_jpeg else draw_face(seed=k, shape=(120, 160))

    moving = [made(k) for k in range(8)]
    hangs = itertools.chain(moving, itertools.repeat(moving[-1], 120), itertools.cycle([made(30), made(31)]))
    settings = LiveSettings(frozen_s=0.2, n_frozen=20)
    told = []
    incoming = live_events("cam", lambda: Pictures(iter(hangs)), settings)
    for event in incoming:
        told.append(event)
        if len(told) > 3 and isinstance(event, Frame) and event.index > 140:
            break
    incoming.close()
    lost = [event for event in told if isinstance(event, LostFrame)]
    assert [event.problem[:16] for event in lost] == ["the same picture"]
    at = told.index(lost[0])
    assert told[at + 1].index > 127  # nothing of what repeats in between


def test_a_still_that_was_asked_for_may_be_a_film(tmp_path: Path) -> None:
    """In a file the same picture may come as often as it likes."""
    told = list(events(film(tmp_path / "still.avi", [jpeg()] * 60)))
    assert all(isinstance(event, Frame) for event in told)


@pytest.mark.parametrize("name", ["vfr.mkv", "vfr.webm"])
def test_a_film_of_variable_rate_is_whole(endfaces: Path, name: str) -> None:
    """20 frames over 20 s, which OpenCV takes for 510: its end was reached."""
    path = endfaces.parent / "faults" / name
    if not path.is_file():
        pytest.skip("the faulty inputs are not here")
    told = list(events(path))
    assert [type(event) for event in told] == [Frame] * 20


@pytest.mark.parametrize("name", ["vfr.mkv", "vfr.webm"])
def test_half_a_film_of_variable_rate_is_told(endfaces: Path, tmp_path: Path, name: str) -> None:
    """A file that was cut ends with a LostFrame."""
    path = endfaces.parent / "faults" / name
    if not path.is_file():
        pytest.skip("the faulty inputs are not here")
    half = tmp_path / name
    data = path.read_bytes()
    half.write_bytes(data[: len(data) // 2])
    told = list(events(half))
    assert isinstance(told[-1], LostFrame)
    assert "truncated?" in told[-1].problem


def test_the_name_of_the_thread_is_one() -> None:
    """The command line spells it out for speed."""
    assert app.READER_THREAD == READER_THREAD


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["http", "rtsp"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_command_ends_while_a_stream_hangs(scheme: str, how: signal.Signals) -> None:
    """A server that accepts and never answers: Ctrl-C and SIGTERM leave with a documented code, and do not abort."""
    rng = random.Random(f"{scheme} {how}")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"{scheme}://127.0.0.1:{server.getsockname()[1]}/live"
        for _ in range(4):
            with process("watch", url, "--json") as started:
                assert started.stderr is not None
                for line in started.stderr:
                    if "Ctrl-C ends" in line:
                        break
                time.sleep(rng.uniform(0.0, 1.5))
                os.kill(started.pid, how)
                code, _, err = finish(started)
            assert code in (0, 1, 3), err
