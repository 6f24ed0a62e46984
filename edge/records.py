"""The nouns: frozen values that the stages hand to each other.

Coordinates are pixels of the picture as given, `x` to the right and `y` down, the centre of the top left
pixel at (0, 0). Lengths end in `_px` or `_um`. Pixels need not be square, so whatever is in um was
converted on each axis by itself.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge.arguments import check_grey, check_kind, check_number
from edge.errors import UsageError
from edge.inspection_json import as_dict


class Status(str, Enum):
    """What a verdict can be. What could not be read never passes."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNREADABLE = "UNREADABLE"


@dataclass(frozen=True, eq=False)
class Frame:
    """One grey picture and where it came from.

    Attributes:
        pixels: (h, w) uint8, read-only, also after pickling and copying. Not copied at birth: whoever makes a frame of
            an array of theirs leaves that array as it is from then on.
        source: file name, device or URL, as the user gave it.
        index: number of the frame in its source, from 0.
        time: when it was taken, or read; time zone aware.
        coloured: (h, w) bool, where the picture's colour is not its own tint, which grey levels do not tell; None
            where that is nowhere, or not known.

    Raises:
        UsageError: the pixels are no such array, or the rest is of another type.
    """

    pixels: NDArray[np.uint8]
    source: str
    index: int = 0
    time: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    coloured: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        check_grey(self.pixels)
        check_kind(self.source, str, "source")
        check_kind(self.index, (int, np.integer), "index")
        check_kind(self.time, datetime, "time")
        if self.time.utcoffset() is None:
            raise UsageError(f"time is {self.time}, expected one with a time zone, such as datetime.now(timezone.utc)")
        if self.coloured is not None and (
            not isinstance(self.coloured, np.ndarray)
            or self.coloured.dtype != np.bool_
            or self.coloured.shape != self.pixels.shape
        ):
            raise UsageError(f"coloured: expected None or a bool array of shape {self.pixels.shape}")
        view = self.pixels.view()
        view.flags.writeable = False
        object.__setattr__(self, "pixels", view)

    def __reduce__(self) -> tuple[type[Frame], tuple[Any, ...]]:
        """Born again by the constructor: NumPy forgets that an array is read-only when it is pickled or deep-copied."""
        return type(self), (self.pixels, self.source, self.index, self.time, self.coloured)


@dataclass(frozen=True, slots=True)
class EndFace:
    """Where the fibre is and how large a pixel is.

    Attributes:
        x_px: centre of the cladding.
        y_px: centre of the cladding.
        cladding_rx_px: horizontal half axis of the cladding's edge.
        cladding_ry_px: vertical half axis.
        core_r_px: mean radius of the core, sqrt(rx * ry); None when it cannot be seen.
        um_per_px_x: width of a pixel.
        um_per_px_y: height of a pixel.
        scale_from: whether um come from a calibration or from a cladding of known diameter.
        core_confidence: 0..1; how sure the core's edge is.

    Raises:
        UsageError: a place or a length that is no finite number, or a length that is not positive.
    """

    x_px: float
    y_px: float
    cladding_rx_px: float
    cladding_ry_px: float
    core_r_px: float | None
    um_per_px_x: float
    um_per_px_y: float
    scale_from: Literal["calibration", "cladding"] = "cladding"
    core_confidence: float = 0.0

    def __post_init__(self) -> None:
        for name in ("x_px", "y_px"):
            check_number(getattr(self, name), name)
        for name in ("cladding_rx_px", "cladding_ry_px", "um_per_px_x", "um_per_px_y"):
            check_number(getattr(self, name), name, sys.float_info.min)
        if self.core_r_px is not None:
            check_number(self.core_r_px, "core_r_px", 0)

    @property
    def um_per_px(self) -> float:
        """Side of the square as large as a pixel."""
        return math.sqrt(self.um_per_px_x * self.um_per_px_y)

    @property
    def cladding_r_um(self) -> float:
        """Radius of the circle as large as the cladding."""
        return math.sqrt(self.cladding_rx_px * self.um_per_px_x * self.cladding_ry_px * self.um_per_px_y)


@dataclass(frozen=True, slots=True)
class Unlocated:
    """A fibre that belongs to the picture and that was not located: nothing of it can be judged, so it cannot pass.

    Attributes:
        why: one sentence for people.
        x_px: centre of the place where it must be; None, as all the rest, where only the count of fibres tells of it.
        y_px: centre of that place.
        rx_px: horizontal half axis, that of the other fibres.
        ry_px: vertical half axis.
    """

    why: str
    x_px: float | None = None
    y_px: float | None = None
    rx_px: float | None = None
    ry_px: float | None = None


@dataclass(frozen=True, slots=True)
class JudgedRing:
    """A zone that marks can fail in, as a picture has to show it.

    Attributes:
        name: the zone's.
        inner_um: inner radius, from the centre of the cladding.
        outer_um: outer radius.
        defect_um: diameter of the smallest defect that matters there; None where none does.
        scratch_um: width of the narrowest scratch that matters there; None where none does.
    """

    name: str
    inner_um: float
    outer_um: float
    defect_um: float | None
    scratch_um: float | None


@dataclass(frozen=True, slots=True)
class Seeing:
    """How well a part of a zone is seen.

    Attributes:
        zone: its name.
        blur_px: one sigma of the optics' and the pixels' blur, in px.
        noise_grey: one sigma of a pixel's noise.
        step_grey: grey step at the cladding's edge in that direction: how strongly things stand out there.
    """

    zone: str
    blur_px: float
    noise_grey: float
    step_grey: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a picture can be judged: each figure 0..1, larger is better unless said.

    Attributes:
        focus: sharpness of the cladding's edge.
        brightness: mean grey of the ferrule and glass over 255.
        contrast: grey step at the cladding's edge over 255.
        saturation: share of pixels at 255 within the inspected field (smaller is better).
        problems: what stands against the picture, one sentence each; with any of them nothing passes.
        is_trusted: whether marks that are seen all the same may fail: False without an end face, where white hides what
            is there, or where the cladding's edge is too faint to be one for sure.
        unseen: zones that are not wholly in view, each with the share of its area that is not, 0..1.
        seeing: how well each part of each zone is seen.
        rough_grey: how rough the ferrule is, in grey levels; 0 where it is polished.
        smallest_um: for each zone the smallest defect (diameter) and scratch (width) that shows in all of it.
    """

    focus: float
    brightness: float
    contrast: float
    saturation: float = 0.0
    problems: tuple[str, ...] = ()
    is_trusted: bool = True
    unseen: Mapping[str, float] = field(default_factory=dict)
    seeing: tuple[Seeing, ...] = ()
    rough_grey: float = 0.0
    smallest_um: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mark that OpenCV proposes, before anyone named it.

    Attributes:
        x_px: left column of the box.
        y_px: top row of the box.
        w_px: columns of the box, at least 1.
        h_px: rows of the box, at least 1.
        area_px: pixels of the mark.
        diameter_um: smallest circle that holds the mark (IEC 61300-3-35 size of a defect).
        length_um: extent along the mark's main axis, along the path for a curved scratch.
        width_um: extent across it (IEC 61300-3-35 size of a scratch).
        area_um2: area of the mark.
        distance_um: from the centre of the cladding to the mark's centroid.
        nearest_um: from the centre of the cladding to the mark's nearest point.
        farthest_um: from the centre of the cladding to the mark's farthest point.
        contrast_grey: strongest deviation from the background, in grey levels, negative where darker.
        mean_grey: mean deviation of the mark's pixels from the background, in grey levels.
        noise_grey: the background's noise (one sigma) where the mark lies, in grey levels.
        uncertainty_um: one sigma of diameter and width.

    Raises:
        UsageError: the box is no box of whole pixels.
    """

    x_px: int
    y_px: int
    w_px: int
    h_px: int
    area_px: int
    diameter_um: float
    length_um: float
    width_um: float
    area_um2: float
    distance_um: float
    nearest_um: float
    farthest_um: float
    contrast_grey: float
    mean_grey: float = 0.0
    noise_grey: float = 1.0
    uncertainty_um: float = 0.0

    def __post_init__(self) -> None:
        try:
            box = [operator.index(value) for value in (self.x_px, self.y_px, self.w_px, self.h_px)]
        except TypeError as error:
            raise UsageError(f"a candidate's box is of whole pixels: {error}") from error
        if box[2] < 1 or box[3] < 1:
            raise UsageError(f"a candidate's box is {box[2]} x {box[3]} pixels, expected at least 1 x 1")

    @classmethod
    def at_box(cls, x_px: int, y_px: int, w_px: int, h_px: int) -> Candidate:
        """A place that somebody else found: a box of which nothing was measured; every size is 0."""
        return cls(x_px, y_px, w_px, h_px, w_px * h_px, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Finding:
    """A candidate that has a name.

    Attributes:
        candidate: what was found, and how large it is.
        label: one of the model's labels, or `unknown` below the model's threshold.
        score: the probability of the best label, 0..1.
        scores: every label's probability; they sum to 1.
        zone: the innermost zone that the mark touches, or "" outside all of them.
    """

    candidate: Candidate
    label: str
    score: float
    scores: Mapping[str, float]
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence of a verdict.

    Attributes:
        zone: the zone's name, or "" where the picture as a whole is meant.
        label: what was found there, or "picture".
        size_um: what was measured against the limit; None where nothing was.
        limit: the rule as the profile says it, such as "none" or "5 of 2 to 5 um".
        text: the whole for people.
        margin_um: limit minus size, negative when exceeded; None where the limit is no size.
        close_call: whether the measurement's uncertainty could turn it.
    """

    zone: str
    label: str
    size_um: float | None
    limit: str
    text: str
    margin_um: float | None = None
    close_call: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """PASS, FAIL or UNREADABLE, why, and what to do next."""

    status: Status
    reasons: tuple[Reason, ...] = ()
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which model or criteria were used: a name, the SHA-256 of its file, and what ran it."""

    name: str
    sha256: str
    runtime: str = ""


@dataclass(frozen=True)
class Inspection:
    """Everything one look at one fibre gave; what is printed, logged, drawn and served.

    Attributes:
        fibre: number of the fibre in the picture, from 0, left to right then top to bottom.
        n_fibres: how many fibres belong to the picture, those included that were not located.
        timings_ms: time per stage, and `total`.
        unlocated: where the fibre must be, if it is one that was not located beside others.
    """

    source: str
    index: int
    time: datetime
    verdict: Verdict
    criteria: Identity
    model: Identity
    end_face: EndFace | None
    quality: Quality | None
    findings: tuple[Finding, ...]
    timings_ms: Mapping[str, float]
    fibre: int = 0
    n_fibres: int = 1
    unlocated: Unlocated | None = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON contract `ferrule/inspection/1` as plain values: see `edge.inspection_json`."""
        return as_dict(self)
