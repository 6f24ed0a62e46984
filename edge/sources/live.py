"""Cameras and streams: the newest frame and nothing older, and a plain word when one is lost.

A thread reads as fast as the source delivers and keeps only the newest frame, because a capture's own buffer
otherwise hands out what the microscope saw seconds ago. A frame that failed to arrive is reported as lost; it
is never replaced by another picture. One that arrived damaged is lost, too, and a source that repeats one picture is
frozen: no sensor sees the same twice.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arguments import check_number
from edge.errors import SourceError
from edge.records import Frame
from edge.sources.arriving import frame_from


class Capture(Protocol):
    """The part of cv2.VideoCapture that is used."""

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's own name
        """Whether there is something to read from."""

    def read(self) -> tuple[bool, NDArray[Any] | None]:
        """Waits for the next frame; False and nothing when it did not come."""

    def release(self) -> None:
        """Lets go of the device."""


@dataclass(frozen=True, slots=True)
class LostFrame:
    """A frame or picture that was expected and could not be had: to be said, never to be judged.

    Attributes:
        problem: one sentence for people.
    """

    source: str
    index: int
    problem: str
    time: datetime = field(default_factory=lambda: datetime.now(timezone.utc))


# A week: longer than that nobody watches, and the system's clocks wait no longer than some.
_LONGEST_WAIT_S = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """How long a camera or stream may keep us waiting, in seconds; chosen for a USB microscope or an IP camera.

    Attributes:
        open_s: until its first frame.
        stall_s: between frames, before the camera is called lost.
        give_up_s: without any frame, while trying to reconnect, before it is an error.
        frozen_s: for how long, at least, the same picture must come to be called frozen.
        n_frozen: how many times in a row, at least.
        first_pause_s: before the first try to reconnect; each further pause is twice as long, up to
            `longest_pause_s`.
    """

    open_s: float = 10.0
    stall_s: float = 5.0
    give_up_s: float = 60.0
    frozen_s: float = 2.0
    n_frozen: int = 20
    first_pause_s: float = 0.5
    longest_pause_s: float = 8.0

    def __post_init__(self) -> None:
        for item in fields(self):
            check_number(getattr(self, item.name), item.name, 0, _LONGEST_WAIT_S)


PATIENCE = LiveSettings()
READER_THREAD = "ferrule-live"
_LONGEST_GOODBYE_S = 0.5
"""How long a capture that hangs is waited for at the end."""


def live_events(
    source: str, open_capture: Callable[[], Capture], settings: LiveSettings = PATIENCE
) -> Generator[Frame | LostFrame]:
    """The newest frame each time one is asked for, and one LostFrame for each outage.

    `index` counts the frames that arrived, so gaps in it are the frames that were skipped because a newer one
    was there. Ends only by closing the iterator, or by an error.

    Raises:
        SourceError: no first frame within `open_s`, or none for `give_up_s` later on.
        UsageError: the source delivers frames that are no pictures.
    """
    reader = _Reader(open_capture, settings)
    reader.start()
    n_seen, index, lost_since, frozen = 0, 0, None, False
    started = time.monotonic()
    try:
        while True:
            event = reader.newest(settings.stall_s if n_seen else settings.open_s)
            if isinstance(event, _Arrived):
                n_seen, index, lost_since = n_seen + 1, event.index, None
                if event.is_frozen:
                    if not frozen:
                        problem = f"the same picture for {settings.frozen_s:g} s; the camera hangs, or shows a still"
                        yield LostFrame(source, index, problem, event.time)
                    frozen = True
                    continue
                frozen = False
                yield _seen(event, source)
                continue
            problem = event or "no frame arrived"
            now = time.monotonic()
            if not n_seen and (event or now - started >= settings.open_s):
                raise SourceError(f"{source}: {problem}; check that it is connected, and that nothing else uses it")
            if lost_since is None:
                lost_since = now
                yield LostFrame(source, index + 1, f"{problem}; trying to reconnect")
            elif now - lost_since >= settings.give_up_s:
                raise SourceError(f"{source}: lost for {settings.give_up_s:g} s ({problem}); check it and start again")
    finally:
        reader.stop()


def _seen(event: _Arrived, source: str) -> Frame | LostFrame:
    """What arrived as a frame, if it is whole."""
    try:
        return frame_from(event.pixels, source, event.index, event.time)
    except SourceError as error:
        return LostFrame(source, event.index, str(error).removeprefix(f"{source}: "), event.time)


@dataclass(frozen=True, slots=True)
class _Arrived:
    pixels: NDArray[Any]
    index: int
    time: datetime
    is_frozen: bool = False


class _Repeats:
    """Counts how often, and since when, a capture gives the same picture."""

    def __init__(self, settings: LiveSettings) -> None:
        self._settings = settings
        self._last: NDArray[Any] | None = None
        self._n = 0
        self._since = 0.0

    def is_frozen(self, pixels: NDArray[Any]) -> bool:
        """Whether the source is, now that this has come, too."""
        if self._last is not None and np.array_equal(self._last, pixels):
            self._n += 1
        else:
            self._last, self._n, self._since = pixels, 0, time.monotonic()
        long = time.monotonic() - self._since >= self._settings.frozen_s
        return long and self._n >= self._settings.n_frozen


class _Reader(threading.Thread):
    """Owns the capture: opens, reads, releases and reopens it, all in this one thread."""

    def __init__(self, open_capture: Callable[[], Capture], settings: LiveSettings) -> None:
        super().__init__(name=READER_THREAD, daemon=True)
        self._open_capture = open_capture
        self._settings = settings
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._events: deque[_Arrived | str] = deque()
        self._n_arrived = 0

    def newest(self, timeout_s: float) -> _Arrived | str | None:
        """The oldest unread problem, else the newest frame, else None after the timeout."""
        with self._changed:
            self._changed.wait_for(lambda: self._events, timeout_s)
            return self._events.popleft() if self._events else None

    def stop(self) -> None:
        """Stops reading; a capture that hangs in its driver is left behind."""
        self._stopping.set()
        self.join(timeout=_LONGEST_GOODBYE_S)

    def run(self) -> None:
        pause_s = self._settings.first_pause_s
        while not self._stopping.is_set():
            n_before = self._n_arrived
            problem = self._read_until_lost()
            if self._n_arrived > n_before:
                pause_s = self._settings.first_pause_s
            self._tell(problem)
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, self._settings.longest_pause_s)

    def _read_until_lost(self) -> str:
        capture = self._open_capture()
        repeats = _Repeats(self._settings)
        try:
            if not capture.isOpened():
                return "could not be opened"
            while not self._stopping.is_set():
                arrived, pixels = capture.read()
                if not arrived or pixels is None or not np.size(pixels):
                    return "a frame was lost"
                now = datetime.now(timezone.utc)
                self._tell(_Arrived(pixels, self._n_arrived, now, repeats.is_frozen(pixels)))
                self._n_arrived += 1
            return "stopped"
        except cv2.error:  # its text tells of OpenCV's sources, not of the camera
            return "failed in OpenCV"
        finally:
            capture.release()

    def _tell(self, event: _Arrived | str) -> None:
        with self._changed:
            # The last entry makes way for its like, so that at most one frame stands between two problems
            # and the queue cannot grow: problems come at most once a pause.
            if self._events and type(self._events[-1]) is type(event):
                self._events.pop()
            self._events.append(event)
            self._changed.notify_all()
