"""Proposes marks: whatever differs from an undamaged end face by more than the picture's own noise.

What it takes from DO2MR (Mei et al., Sensors 2018, 18(5):1408) for regions: a mark is what stands out of a
locally uniform background by a number of sigma. Where it departs: DO2MR's residual is the difference of a
dilation and an erosion over a few pixels, which answers to every edge, the rim first, gives up the sign and
makes marks larger by its window; here the residual is the picture less a background that knows the face is
round. DO2MR's sigma is that of a whole zone and grows with dirt, so that a clean face always has pixels above
it; here the noise is a median deviation at each radius and direction, with a floor in grey levels, and where
the background is steep it also holds how far an edge may wander. A mark must exceed the limit somewhere and is
followed down to half of it (hysteresis), in place of one threshold and an opening.

What it takes from LEI of the same paper for scratches: a scratch is what adds up along a line. Where it departs:
LEI sums along 12 orientations at every pixel and thresholds each of the sums; here the line is followed from
piece to piece (`edge.grouping`), and what is too weak for that is summed in blocks first (`edge.faint`).

What it cannot see: what is the same all around. A blot centred on the core that is paler than about 40 grey levels
passes for the core's own light, a ring of dirt around the glass for its rim.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge import background, faint, grouping, measuring
from edge.errors import UsageError
from edge.records import Candidate, EndFace

Grey = NDArray[np.uint8]
Ints = NDArray[np.intp]

LEAST_RADIUS_PX = 16
MULTIMODE_CORE_R_UM = 20.0
DIP_R_UM = 2.0


@dataclass(frozen=True, slots=True)
class DetectSettings:
    """How far and how finely to look. Chosen on real end faces; nothing here depends on the standard.

    Attributes:
        reach: how far to look, in cladding radii.
        smooth_px: one sigma of the blur before marks are looked for, about the size of the smallest mark
            that is told from noise and from the 8x8 blocks of JPEG.
        limit_sigma: deviation in sigma of the noise that makes a mark.
        limit_grey: the same in grey levels, whatever the noise.
        follow: share of the limit down to which a mark is followed.
        share: share of the strongest deviation nearby that a pixel needs to belong to a mark, so that
            a strong mark does not run into its neighbours.
        least_noise_grey: noise assumed where the picture shows none.
        edge_wander_px: one sigma of how far an edge may lie off its circle.
        sharp: radius, in cladding radii, within which the background is laid out pixel by pixel.
        hub: radius, in cladding radii, within which circles are short against marks.
        least_piece_px: smallest piece below the limit that is followed, in pixels.
        gap: largest gap within a scratch, in cladding radii.
        faint: shortest line that is a scratch though no pixel of it exceeds the limit, in cladding radii.
        faint_sigma: what 16 pixels of such a line must exceed in the mean, in sigma of the noise of one.
        faint_grey: the same in grey levels; about what JPEG leaves between its blocks.
    """

    reach: float = 2.0
    smooth_px: float = 1.4
    limit_sigma: float = 5.0
    limit_grey: float = 8.0
    follow: float = 0.5
    share: float = 0.2
    least_noise_grey: float = 0.8
    edge_wander_px: float = 0.1
    sharp: float = 1.2
    hub: float = 0.22
    least_piece_px: int = 4
    gap: float = 0.08
    faint: float = 0.4
    faint_sigma: float = 1.25
    faint_grey: float = 1.25

    def __post_init__(self) -> None:
        for name, low, high in (
            ("reach", 0.1, 10.0),
            ("smooth_px", 0.5, 5.0),
            ("limit_sigma", 1.0, 50.0),
            ("limit_grey", 1.0, 255.0),
            ("follow", 0.1, 1.0),
            ("share", 0.0, 1.0),
            ("least_noise_grey", 0.1, 50.0),
            ("edge_wander_px", 0.0, 5.0),
            ("sharp", 0.0, 10.0),
            ("hub", 0.05, 1.0),
            ("least_piece_px", 1, 1000),
            ("gap", 0.0, 1.0),
            ("faint", 0.0, 10.0),
            ("faint_sigma", 0.1, 50.0),
            ("faint_grey", 0.25, 50.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"{name} is {value}, expected {low} to {high}; leave it out for the default")


def detect(pixels: NDArray[np.uint8], face: EndFace, settings: DetectSettings | None = None) -> tuple[Candidate, ...]:
    """The marks on an end face, top to bottom, then left to right; empty when there is none.

    Args:
        pixels: (h, w) uint8 grey, not changed. It may be cropped anywhere and have a black frame border.
        face: where the cladding is; its scale gives the sizes in um.
        settings: `DetectSettings()` if left out.

    Raises:
        UsageError: `pixels` is no (h, w) uint8 array, or the cladding's radius is less than 16 pixels.
    """
    settings = settings or DetectSettings()
    if pixels.ndim != 2 or pixels.dtype != np.uint8:
        raise UsageError(
            f"pixels are {pixels.shape} {pixels.dtype}, expected (h, w) uint8; convert with edge.sources.to_grey"
        )
    smallest_px = min(face.cladding_rx_px, face.cladding_ry_px)
    if smallest_px < LEAST_RADIUS_PX:
        raise UsageError(
            f"the cladding's radius is {smallest_px:.1f} px, expected at least {LEAST_RADIUS_PX} px; magnify more"
        )
    field = background.inspected_field(pixels, face, settings.reach)
    if field is None:
        return ()
    # glibc hands freed memory back, and takes it again page by page, until a block of up to 32 MB was freed once:
    # never touched, it costs nothing and spares every following frame the page faults
    np.empty(30 << 20, np.uint8)
    look = _compared(pixels, field, face, settings)
    pixel, mark, n_marks = _marks(look, settings)
    found = measuring.measure(look.sheet, face, pixel, mark, n_marks)
    gap_px, least_px = settings.gap * field.radius, settings.faint * field.radius
    found += faint.lines(look.weak, pixel, look.sheet, face, gap_px, least_px)
    return tuple(sorted(found, key=lambda c: (c.y_px, c.x_px, c.h_px, c.w_px)))


@dataclass(frozen=True, slots=True)
class _Look:
    """The inspected field beside its background.

    Attributes:
        field: where it is.
        sheet: region, background and limit.
        away: (h, w) uint8, how far the smoothed region is off its background in grey levels, 0 beyond the reach.
        weak: the same for what is too faint for that.
    """

    field: background.Field
    sheet: measuring.Sheet
    away: Grey
    weak: faint.Weak


def _dip_px(face: EndFace) -> int:
    """Radius of the dip at the centre of a multimode core, 0 for other fibres.

    Graded-index glass is often short of dopant along its axis, which shows as a dark point of about 2 um.
    """
    um_per_px = math.sqrt(face.um_per_px_x * face.um_per_px_y)
    if face.core_r_px is None or face.core_r_px * um_per_px < MULTIMODE_CORE_R_UM:
        return 0
    return math.ceil(DIP_R_UM / um_per_px)


def _compared(pixels: Grey, field: background.Field, face: EndFace, settings: DetectSettings) -> _Look:
    """The region with its background and limits."""
    region = field.region(pixels)
    taps = 2 * round(2 * settings.smooth_px) + 1
    smooth: Grey = cv2.GaussianBlur(region, (taps, taps), settings.smooth_px)  # type: ignore[assignment]
    samples = background.unroll(smooth, field)
    hub = max(6, round(settings.hub * field.radius))
    core_px = face.core_r_px if face.core_r_px is not None and face.core_r_px > 1.5 * hub else field.radius
    profile = background.expected_profile(samples, hub)
    noise = np.maximum(background.noise_profile(samples, profile, hub), np.float32(settings.least_noise_grey))
    wander = np.float32(settings.edge_wander_px) * background.slope_profile(profile)
    # not cv2.magnitude: where OpenCV has IPP, its last bit depends on where the arrays lie in memory
    spread = np.sqrt(noise * noise + wander * wander)
    limit = np.maximum(settings.limit_sigma * spread, settings.limit_grey)
    limit[:, : _dip_px(face)] *= 2
    weak = np.maximum(settings.faint_sigma * spread, settings.faint_grey)
    blocks = np.minimum(faint.STEPS_PER_GREY * weak, 255).astype(np.uint8)
    (faint_limit,) = background.lay_out_coarsely((blocks,), field)
    planes = (background.bound_centre(profile, hub, 0.9 * core_px), np.minimum(limit, 255).astype(np.uint8))
    expected, limit_px = background.lay_out(planes, field, settings.sharp * field.radius)
    disc = _disc(field)
    steps = faint.STEPS_PER_GREY
    difference = cv2.addWeighted(smooth, steps, expected, -steps, faint.LEVEL)
    away = cv2.absdiff(smooth, expected, dst=smooth)
    away = cv2.bitwise_and(away, disc, dst=away)
    # sizes are read where noise no longer frays the edges, and little else is lost: [1 2 1]/4 adds half a px squared
    fine: Grey = cv2.GaussianBlur(region, (3, 3), 0)  # type: ignore[assignment]
    blur_px = float(np.hypot(background.edge_blur_px(profile, field, settings.smooth_px), np.sqrt(0.5)))
    sheet = measuring.Sheet(fine, expected, limit_px, field.x_px, field.y_px, settings.limit_sigma, blur_px)
    return _Look(field, sheet, away, faint.Weak(difference, disc, faint_limit))  # type: ignore[arg-type]


def _disc(field: background.Field) -> Grey:
    """(h, w) uint8: 255 within the field's reach, 0 beyond."""
    disc = np.zeros((field.h_px, field.w_px), np.uint8)
    sixteenth = 16
    cv2.ellipse(
        disc,
        (round(field.centre_x_px * sixteenth), round(field.centre_y_px * sixteenth)),
        (round(field.reach * field.unit_x_px * sixteenth), round(field.reach * field.unit_y_px * sixteenth)),
        0,
        0,
        360,
        255,
        cv2.FILLED,
        cv2.LINE_8,
        4,
    )
    return disc


def _marks(look: _Look, settings: DetectSettings) -> tuple[Ints, Ints, int]:
    """Flat indices of the pixels that belong to marks, the number of each one's mark, and how many marks."""
    sheet, away = look.sheet, look.away
    # two buffers serve five steps
    strongest = cv2.dilate(away, np.ones((13, 13), np.uint8))
    strongest = cv2.convertScaleAbs(strongest, dst=strongest, alpha=settings.share)
    follow = cv2.convertScaleAbs(sheet.limit, alpha=settings.follow)
    follow = cv2.max(follow, strongest, dst=follow)
    low = cv2.compare(away, follow, cv2.CMP_GT, dst=strongest)
    low = cv2.morphologyEx(low, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8), dst=follow)
    pixel = np.flatnonzero(low.reshape(-1).view(np.bool_))
    # no more parts than pixels: the smaller type where it suffices
    n_parts, parts = cv2.connectedComponents(low, ltype=cv2.CV_16U if pixel.size < 2**16 else cv2.CV_32S)
    part = parts.reshape(-1)[pixel].astype(np.intp)
    above = away.reshape(-1)[pixel] > sheet.limit.reshape(-1)[pixel]
    strong = np.bincount(part[above], minlength=n_parts) > 0
    # weaker pieces serve to follow a scratch, unless they are specks
    held = strong | (np.bincount(part, minlength=n_parts) >= settings.least_piece_px)
    held[0] = False
    number = np.cumsum(held) - 1
    inside = held[part]
    pixel, part = pixel[inside], number[part[inside]]
    if pixel.size == 0:
        return pixel, part, 0
    y, x = np.divmod(pixel, away.shape[1])
    found = grouping.pieces(x, y, part, strong[held])
    mark, n_marks = grouping.join(found, settings.gap * look.field.radius, settings.faint * look.field.radius)
    mark = mark[part]
    return pixel[mark >= 0], mark[mark >= 0], n_marks
