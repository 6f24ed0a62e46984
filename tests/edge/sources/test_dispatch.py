"""Frames from cameras, streams, videos, folders and files; what is lost is said."""

from __future__ import annotations

import itertools
import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from ferrule_runs import Stream

from edge.errors import SourceError, UsageError
from edge.records import Frame
from edge.sources import (
    LiveSettings,
    LostFrame,
    events,
    frames,
    has_pictures,
    is_live,
    list_pictures,
    picture_events,
    shown_name,
)
from edge.sources.live import live_events

PATIENT = LiveSettings(open_s=120, stall_s=120, give_up_s=120, first_pause_s=0.01, longest_pause_s=0.05)
"""For what is to arrive: however busy the machine is, it does."""


def grey(level: int, shape: tuple[int, int] = (12, 16)) -> np.ndarray:
    """A flat picture."""
    return np.full(shape, level, np.uint8)


def write_video(path: Path, n_frames: int) -> None:
    """A Motion JPEG film whose frame k is grey 8 k."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 120))
    for k in range(n_frames):
        writer.write(np.full((120, 160, 3), 8 * k, np.uint8))
    writer.release()


class FakeCapture:
    """A camera that delivers what a script says: a grey level, None for a lost frame, or "hang" until let go on."""

    def __init__(self, script: Iterator[int | str | None], opens: bool = True) -> None:
        self.script, self.opens, self.released, self.n_read = script, opens, False, 0
        self.go_on = threading.Event()

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's own name
        """Whether the camera is there."""
        return self.opens

    def read(self) -> tuple[bool, np.ndarray | None]:
        """The next step of the script."""
        time.sleep(0.002)
        step = next(self.script, None)
        self.n_read += 1
        if step == "hang":
            self.go_on.wait(120)
            return False, None
        return (False, None) if step is None else (True, grey(int(step)))

    def release(self) -> None:
        """Notes that it was let go."""
        self.released = True


class TestPictures:
    """Files and folders."""

    def test_one_picture_is_one_frame(self, tmp_path: Path) -> None:
        """A file gives a single frame, named as the user gave it, read-only."""
        path = tmp_path / "face.png"
        cv2.imwrite(str(path), grey(7))
        (frame,) = frames(str(path))
        assert (frame.source, frame.index) == (str(path), 0)
        assert np.array_equal(frame.pixels, grey(7))
        assert not frame.pixels.flags.writeable

    def test_a_folder_gives_every_picture_in_natural_order(self, tmp_path: Path) -> None:
        """Each file is its own source; none is skipped."""
        for k in (10, 2, 1):
            cv2.imwrite(str(tmp_path / f"face{k}.png"), grey(k))
        assert [(Path(f.source).name, int(f.pixels[0, 0])) for f in frames(tmp_path)] == [
            ("face1.png", 1),
            ("face2.png", 2),
            ("face10.png", 10),
        ]

    def test_a_bad_picture_is_lost_and_the_others_are_not(self, tmp_path: Path) -> None:
        """In a folder, an unreadable file is a LostFrame between frames; frames() alone fails at it."""
        for k in (1, 3):
            cv2.imwrite(str(tmp_path / f"{k}.png"), grey(k))
        (tmp_path / "2.png").write_bytes(b"no picture")
        first, lost, last = events(tmp_path)
        assert isinstance(first, Frame)
        assert isinstance(last, Frame)
        assert isinstance(lost, LostFrame)
        assert "not a picture" in lost.problem
        with pytest.raises(SourceError, match="not a picture"):
            list(frames(tmp_path))

    def test_what_is_not_there_is_said(self, tmp_path: Path) -> None:
        """Missing paths and folders without pictures are errors."""
        with pytest.raises(SourceError, match="no such file, folder or device"):
            events(tmp_path / "missing.png")
        with pytest.raises(SourceError, match="without pictures"):
            events(tmp_path)

    def test_listing_keeps_the_given_order_and_what_failed(self, tmp_path: Path) -> None:
        """Files stay in the order given, and an empty folder does not stop the others."""
        (tmp_path / "empty").mkdir()
        for name in ("b.png", "a.png"):
            cv2.imwrite(str(tmp_path / name), grey(1))
        listed = list_pictures([tmp_path / "b.png", tmp_path / "empty", tmp_path / "a.png", tmp_path / "none.png"])
        told = list(picture_events(listed))
        assert [type(event).__name__ for event in told] == ["Frame", "LostFrame", "Frame", "LostFrame"]
        assert [Path(event.source).name for event in told] == ["b.png", "empty", "a.png", "none.png"]


class TestVideo:
    """Films."""

    def test_every_frame_in_order(self, tmp_path: Path) -> None:
        """A film gives each of its frames once."""
        path = tmp_path / "film.avi"
        write_video(path, 12)
        told = list(frames(path))
        assert [f.index for f in told] == list(range(12))
        assert all(abs(int(f.pixels[0, 0]) - 8 * f.index) <= 2 for f in told)

    def test_a_truncated_film_ends_with_a_lost_frame(self, tmp_path: Path) -> None:
        """Frames that the file promises and does not hold are said to be lost."""
        path = tmp_path / "cut.avi"
        write_video(path, 30)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        *_, last = events(path)
        assert isinstance(last, LostFrame)
        assert "of 30 frames" in last.problem

    @pytest.mark.parametrize("content", [b"", b"hello world\n" * 99])
    def test_a_file_that_is_no_film_is_refused(self, tmp_path: Path, content: bytes) -> None:
        """The name alone does not make a film."""
        path = tmp_path / "film.avi"
        path.write_bytes(content)
        with pytest.raises(SourceError, match="not a video"):
            list(events(path))

    @pytest.mark.parametrize("name", ["film.avi", "face.png"])
    def test_what_is_no_file_is_not_waited_for(self, tmp_path: Path, name: str) -> None:
        """A pipe that nobody writes to and a system's file without an end are refused under any name."""
        pipe, endless = tmp_path / name, tmp_path / f"endless-{name}"
        os.mkfifo(pipe)
        endless.symlink_to("/proc/self/status")
        for path, said in ((pipe, "not a regular file"), (endless, "not a video|without a size")):
            try:
                told = [event.problem for event in events(path) if isinstance(event, LostFrame)]
            except SourceError as error:
                told = [str(error)]
            assert re.search(said, told[0])

    def test_large_frames_are_refused_by_the_same_limit(self, tmp_path: Path) -> None:
        """The option's name and the number that would do stand in the error."""
        path = tmp_path / "film.avi"
        write_video(path, 3)
        with pytest.raises(SourceError, match=r"at most 0\.01 are read; .*--max-megapixels 1$"):
            list(events(path, max_megapixels=0.01))

    def test_a_text_is_not_played_as_a_film(self, tmp_path: Path) -> None:
        """FFmpeg would show a terminal; here it is no picture."""
        path = tmp_path / "notes.txt"
        path.write_text("hello\n" * 99)
        (lost,) = events(path)
        assert isinstance(lost, LostFrame)
        assert "not a picture" in lost.problem


class TestLive:
    """Cameras."""

    def test_the_newest_frame_is_given_and_older_ones_are_skipped(self) -> None:
        """A slow consumer sees fresh frames, in order, none twice; the index shows the gaps."""
        camera = FakeCapture(k % 200 for k in itertools.count())
        incoming = live_events("cam", lambda: camera, PATIENT)
        told = []
        for event in itertools.islice(incoming, 4):
            assert isinstance(event, Frame)
            assert event.pixels[0, 0] == event.index % 200
            told.append(event.index)
            while camera.n_read < event.index + 5:
                time.sleep(0.002)
        incoming.close()
        assert told == sorted(set(told))
        assert told[-1] - told[0] >= 9

    def test_a_lost_frame_is_said_once_and_the_camera_is_opened_again(self) -> None:
        """An outage is one LostFrame; frames go on after it with the same count, and every capture is released."""
        captures = [FakeCapture(iter([1, None])), FakeCapture(iter([]), opens=False), FakeCapture(itertools.cycle([2]))]
        left = iter(captures)
        incoming = live_events("cam", lambda: next(left), PATIENT)
        kinds = []
        for event in incoming:
            kinds.append("lost" if isinstance(event, LostFrame) else int(event.pixels[0, 0]))
            if kinds[-1] not in (1, "lost"):
                break
        incoming.close()
        assert kinds[:2] == [1, "lost"]
        assert kinds.count("lost") == 1
        assert all(capture.released for capture in captures)

    def test_a_camera_that_cannot_be_opened_is_an_error(self) -> None:
        """Without a first frame there is nothing to wait for."""
        with pytest.raises(SourceError, match="cam: could not be opened"):
            next(live_events("cam", lambda: FakeCapture(iter([]), opens=False), PATIENT))

    def test_opencvs_errors_are_told_without_its_sources(self) -> None:
        """What OpenCV throws names files of its build; what is told does not."""

        class Broken(FakeCapture):
            def read(self) -> tuple[bool, np.ndarray | None]:
                cv2.resize(np.zeros((0, 0), np.uint8), (3, 3))
                raise AssertionError

        with pytest.raises(SourceError, match="failed in OpenCV") as caught:
            next(live_events("cam", lambda: Broken(iter([])), PATIENT))
        assert not re.search(r"\.cpp|Assertion|\(-\d+", str(caught.value))

    def test_a_camera_that_stays_away_is_an_error(self) -> None:
        """After give_up_s without a frame the source is lost for good."""
        left = itertools.chain([FakeCapture(iter([5, None]))], itertools.repeat(FakeCapture(iter([]), opens=False)))
        told: list[str] = []
        brief = replace(PATIENT, give_up_s=1)
        with pytest.raises(SourceError, match="lost for 1 s"):
            told.extend(type(event).__name__ for event in live_events("cam", lambda: next(left), brief))

    def test_a_camera_that_hangs_is_lost_not_waited_for(self) -> None:
        """A driver that blocks gives a LostFrame after stall_s, and never an old picture."""
        script: Iterator[int | str | None] = iter([9, "hang"])
        camera = FakeCapture(script)
        incoming = live_events("cam", lambda: camera, replace(PATIENT, stall_s=0.1))
        first, second = itertools.islice(incoming, 2)
        camera.go_on.set()
        incoming.close()
        assert isinstance(first, Frame)
        assert isinstance(second, LostFrame)
        assert "no frame arrived" in second.problem

    def test_opening_is_bounded(self) -> None:
        """A first frame that never comes is an error after open_s."""
        camera = FakeCapture(iter(["hang"]))
        with pytest.raises(SourceError, match="no frame arrived"):
            next(live_events("cam", lambda: camera, replace(PATIENT, open_s=0.1)))
        camera.go_on.set()

    def test_closing_ends_the_reader(self) -> None:
        """No thread and no open camera is left behind."""
        capture = FakeCapture(itertools.cycle([1]))
        others = set(threading.enumerate())
        incoming = live_events("cam", lambda: capture, PATIENT)
        next(incoming)
        incoming.close()
        assert capture.released
        assert not [t for t in threading.enumerate() if t.name == "ferrule-live" and t not in others]

    @pytest.mark.parametrize("source", [0, "0", "/dev/null"])
    def test_an_absent_camera_is_an_error(self, source: str | int, capfd: pytest.CaptureFixture[str]) -> None:
        """Index and device alike, with the next step in the message."""
        if source != "/dev/null" and Path("/dev/video0").exists():
            pytest.skip("this machine has a camera")
        with pytest.raises(SourceError, match="check that it is connected"):
            next(events(source, PATIENT))
        capfd.readouterr()  # OpenCV says why on stderr; the command line silences it


class TestStream:
    """Streams."""

    @pytest.fixture
    def stream(self) -> Iterator[str]:
        """A Motion JPEG stream on this machine whose pictures brighten and which drops now and then."""

        def brightening() -> Iterator[bytes]:
            for k in range(15):
                yield cv2.imencode(".jpg", grey(10 * k, (120, 160)))[1].tobytes()

        with Stream(brightening) as url:
            yield url

    def test_a_stream_gives_frames_and_comes_back_after_a_drop(
        self, stream: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Frames, one LostFrame when the server hangs up, frames again; and the password is not repeated."""
        incoming = events(stream, PATIENT)
        kinds = []
        for event in incoming:
            assert "password" not in event.source
            kinds.append(type(event).__name__)
            if kinds[-2:] == ["LostFrame", "Frame"]:
                break
        incoming.close()
        assert kinds[0] == "Frame"
        assert kinds.count("LostFrame") == 1
        capfd.readouterr()  # FFmpeg says on stderr that the stream ended; the command line silences it

    def test_nobody_listening_is_an_error(self, capfd: pytest.CaptureFixture[str]) -> None:
        """A refused connection is told at once, without the password."""
        with pytest.raises(SourceError, match=r"rtsp://user:\*\*\*@127.0.0.1:9/live: could not be opened"):
            next(events("rtsp://user:secret@127.0.0.1:9/live", PATIENT))
        capfd.readouterr()

    @pytest.mark.parametrize("url", ["ftp://host/x", "file:///etc/passwd", "concat://a|b", "HTTPX://h"])
    def test_other_urls_are_refused(self, url: str) -> None:
        """Only camera protocols are opened."""
        with pytest.raises(UsageError, match="expected a URL with one of rtsp"):
            events(url)


def test_a_negative_camera_is_refused() -> None:
    """Indices count from 0."""
    with pytest.raises(UsageError, match="camera -1"):
        events(-1)
    with pytest.raises(UsageError, match="camera -2"):
        events("-2")


@pytest.mark.parametrize(
    ("source", "live", "pictures"),
    [
        (0, True, False),
        ("3", True, False),
        ("rtsp://h/x", True, False),
        ("/dev/null", True, False),
        ("film.MP4", False, False),
        ("face.png", False, True),
        (Path("faces"), False, True),
    ],
)
def test_sources_are_told_apart(source: str | int | Path, live: bool, pictures: bool) -> None:
    """What has no end, and what has names of its own, is known before anything is opened."""
    assert is_live(source) is live
    assert has_pictures(source) is pictures


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://u:p@h/x", "rtsp://u:***@h/x"),
        ("rtsp://u:p@ss@h:554/x?y=a@b", "rtsp://u:***@h:554/x?y=a@b"),
        ("http://h/x", "http://h/x"),
        ("0", "0"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    """A URL is shown without its password, even one with an @ in it."""
    assert shown_name(url) == shown
