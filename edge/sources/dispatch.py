"""Where pictures come from: a camera, a stream, a video, a folder or a file, each as grey frames.

`events` tells of every frame that came and of every one that did not; `frames` is for callers that want
frames only, and fails at the first that did not come.
"""

from __future__ import annotations

import functools
import math
import os
import re
import stat
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path

import cv2

from edge.arguments import check_kind, items_of
from edge.errors import SourceError, UsageError, reason_of
from edge.records import Frame
from edge.sources.arriving import frame_from, open_device, open_ffmpeg
from edge.sources.live import PATIENCE, LiveSettings, LostFrame, live_events
from edge.sources.pictures import MAX_MEGAPIXELS, list_folder, natural_order, read_frame, search_folder
from edge.system.files import mode_of

STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https")

# FFmpeg makes "video" of nearly any file (a text becomes a film of a terminal), so the name has to say it is one.
VIDEO_SUFFIXES = frozenset(
    {".avi", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".mjpg", ".mjpeg"}
)

# A container states its number of frames from an index or from duration times rate; the latter is off by one or two.
_FRAME_COUNT_SLACK = 2

_CAMERA = re.compile(r"-?\d{1,4}")
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)


def frames(
    source: str | int | os.PathLike[str], settings: LiveSettings = PATIENCE, max_megapixels: float = MAX_MEGAPIXELS
) -> Iterator[Frame]:
    """The frames of a source, as `events` gives them.

    Raises:
        SourceError: as `events`, and for the first frame that was lost.
        UsageError: as `events`.
    """
    for event in events(source, settings, max_megapixels):
        if isinstance(event, LostFrame):
            raise SourceError(f"{event.source}: frame {event.index}: {event.problem}")
        yield event


def events(
    source: str | int | os.PathLike[str], settings: LiveSettings = PATIENCE, max_megapixels: float = MAX_MEGAPIXELS
) -> Generator[Frame | LostFrame]:
    """Every frame of a source, and a LostFrame for each that was expected and did not come.

    A source is a camera's index (0 or "0"), a device such as /dev/v4l/by-id/..., a stream's URL, a video file,
    a folder of pictures (natural order), or one picture. Live sources give the newest frame and skip what
    they must; files give every frame in order. A password in a URL is not repeated in `Frame.source`.
    `max_megapixels` limits pictures as in `read_picture`, and a video's frames.

    What FFmpeg and OpenCV say of a source goes to the process's stderr, unless the program chose their log levels.

    Raises:
        SourceError: the source does not exist, cannot be opened, or is lost for good.
        UsageError: a negative index, or a URL of another kind.
    """
    check_kind(source, (str, int, os.PathLike), "source")
    check_kind(settings, LiveSettings, "settings")
    text = os.fspath(source) if not isinstance(source, int) else str(source)
    if _CAMERA.fullmatch(text):
        return _camera_events(int(text), settings)
    if url := _URL.match(text):
        return _stream_events(text, url["scheme"], settings)
    path = Path(text)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        why = "no such file, folder or device" if isinstance(error, FileNotFoundError) else reason_of(error)
        raise SourceError(f"{path}: {why}") from error
    if stat.S_ISDIR(mode):
        return picture_events(list_folder(path), max_megapixels)
    if stat.S_ISCHR(mode):
        return live_events(str(path), functools.partial(open_device, str(path)), settings)
    # What is no file is refused as a picture: FFmpeg would wait for it.
    if stat.S_ISREG(mode) and path.suffix.lower() in VIDEO_SUFFIXES:
        return _video_events(path, max_megapixels)
    return picture_events([path], max_megapixels)


def is_live(source: str | int | os.PathLike[str]) -> bool:
    """Whether a source gives frames without end, and skips some."""
    text = str(source)
    return bool(_CAMERA.fullmatch(text) or _URL.match(text)) or stat.S_ISCHR(mode_of(text))


def has_pictures(source: str | int | os.PathLike[str]) -> bool:
    """Whether a source is a picture or a folder of them, each with a name of its own."""
    return not is_live(source) and Path(str(source)).suffix.lower() not in VIDEO_SUFFIXES


def picture_events(
    pictures: Iterable[Path | LostFrame], max_megapixels: float = MAX_MEGAPIXELS
) -> Generator[Frame | LostFrame]:
    """Each picture as a Frame, or as a LostFrame that says why it could not be read."""
    for picture in pictures:
        if isinstance(picture, LostFrame):
            yield picture
            continue
        try:
            frame = read_frame(picture, max_megapixels)
        except SourceError as error:
            yield LostFrame(str(picture), 0, str(error))
        else:
            yield frame


def list_pictures(paths: Iterable[str | os.PathLike[str]], recursive: bool = False) -> list[Path | LostFrame]:
    """The pictures that paths of files and folders name, in the order given, folders in natural order.

    A folder that cannot be read or holds no picture stays in the list as a LostFrame, folders below included, so
    that one of many does not stop the others.
    """
    listed = items_of(paths, "paths")
    for path in listed:
        check_kind(path, (str, os.PathLike), "a path")
    return [picture for path in listed for picture in _pictures_at(Path(path), recursive)]


def _pictures_at(path: Path, recursive: bool) -> Sequence[Path | LostFrame]:
    if not stat.S_ISDIR(mode_of(path)):
        return [path]
    found, problems = search_folder(path, recursive)
    lost = {folder: LostFrame(str(folder), 0, problem) for folder, problem in problems.items()}
    return [lost.get(at, at) for at in sorted([*found, *lost], key=natural_order)]


def shown_name(url: str) -> str:
    """A URL without the password in it."""
    return re.sub(r"(://[^/@:]*):[^/]*@", r"\1:***@", url)


def _camera_events(index: int, settings: LiveSettings) -> Generator[Frame | LostFrame]:
    if index < 0:
        raise UsageError(f"camera {index}: expected an index from 0; `ferrule doctor` lists the cameras")
    return live_events(str(index), functools.partial(open_device, index), settings)


def _stream_events(url: str, scheme: str, settings: LiveSettings) -> Generator[Frame | LostFrame]:
    if scheme.lower() not in STREAM_SCHEMES:
        raise UsageError(f"{shown_name(url)}: expected a URL with one of {', '.join(STREAM_SCHEMES)}")
    # Without these OpenCV waits 30 s for a host that does not answer, and again for each frame.
    limits = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(settings.open_s * 1000)),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(settings.stall_s * 1000)),
    ]
    return live_events(shown_name(url), functools.partial(open_ffmpeg, url, limits), settings)


def _video_events(path: Path, max_megapixels: float) -> Generator[Frame | LostFrame]:
    no_video = SourceError(f"{path}: not a video that OpenCV reads; copy or save it again")
    if path.stat().st_size == 0:  # nothing in it, or one of the system's files, which may never end
        raise no_video
    capture = open_ffmpeg(str(path))
    try:
        if not capture.isOpened():
            raise no_video
        megapixels = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT) / 1e6
        if megapixels > max_megapixels:
            raise SourceError(
                f"{path}: frames of {megapixels:.0f} megapixels, at most {max_megapixels:g} are read; "
                f"scale them down, or allow more with --max-megapixels {math.ceil(megapixels)}"
            )
        length = _Length(capture)
        index = 0
        while True:
            arrived, pixels = capture.read()
            if not arrived or pixels is None:
                break
            length.passed(capture)
            try:
                yield frame_from(pixels, str(path), index)
            except SourceError as error:
                yield LostFrame(str(path), index, str(error))
            index += 1
        if index == 0 or not length.is_reached(index):
            yield LostFrame(
                str(path), index, f"the video ends after {index} of {max(length.n_frames, 1)} frames; truncated?"
            )
    finally:
        capture.release()


class _Length:
    """How long a film says it is, and how far it was read.

    A container states a number of frames, or a duration from which OpenCV makes one by the rate. In a film of variable
    rate only the times tell whether the end was reached.
    """

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self.n_frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        rate = capture.get(cv2.CAP_PROP_FPS)
        self._expected_ms = 1000 * self.n_frames / rate if rate > 0 else 0.0
        self._frame_ms = 1000 / rate if rate > 0 else 0.0
        self._at_ms = 0.0

    def passed(self, capture: cv2.VideoCapture) -> None:
        """Remembers the time of the frame that was just read."""
        self._at_ms = max(self._at_ms, capture.get(cv2.CAP_PROP_POS_MSEC))

    def is_reached(self, n_read: int) -> bool:
        """Whether the end was: by the number of frames, or by the time of the last one."""
        if self.n_frames - n_read <= _FRAME_COUNT_SLACK:
            return True
        return 0 < self._expected_ms <= self._at_ms + (1 + _FRAME_COUNT_SLACK) * self._frame_ms
