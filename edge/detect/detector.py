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
piece to piece (`linking`), and what is too weak for that is summed in blocks first (`faint_lines`).

What it cannot see: what is the same all around. A blot centred on the core that is paler than about 40 grey levels
passes for the core's own light, a ring of dirt around the glass for its rim.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arguments import check_grey, check_kind, check_number
from edge.detect import background, core_background, faint_lines, hysteresis, linking, measurement, polar_to_pixels
from edge.errors import UsageError
from edge.records import Candidate, EndFace

Grey = NDArray[np.uint8]
Ints = NDArray[np.intp]

LEAST_RADIUS_PX = 16
MULTIMODE_CORE_R_UM = 20.0
DIP_R_UM = 2.0
SINGLE_MODE_CORE_R_UM = 6.0
OFF_CENTRE_UM = 1.0
"""How far a single-mode core is looked for off the cladding's centre; fibres are made to about half of that."""


@dataclass(frozen=True, slots=True)
class DetectSettings:
    """How far and how finely to look. Chosen on real end faces; nothing here depends on the standard.

    Attributes:
        reach: how far to look, in cladding radii.
        smooth_px: one sigma of the blur before marks are looked for, about the size of the smallest mark
            that is told from noise and from the 8x8 blocks of JPEG.
        limit_sigma: deviation in sigma of the noise that makes a mark; beyond 126 / 4 / `follow` grey levels
            (63) whatever the noise.
        limit_grey: the same in grey levels, whatever the noise.
        follow: share of the limit down to which a mark is followed.
        share: share of a mark's strongest deviation nearby that a pixel needs to belong to one, so that
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
            check_number(getattr(self, name), name, low, high)


def detect(pixels: NDArray[np.uint8], face: EndFace, settings: DetectSettings | None = None) -> tuple[Candidate, ...]:
    """The marks on an end face, top to bottom, then left to right; empty when there is none.

    Args:
        pixels: (h, w) uint8 grey, not changed. It may be cropped anywhere and have a black frame border.
        face: where the cladding is; its scale gives the sizes in um.
        settings: `DetectSettings()` if left out.

    Raises:
        UsageError: `pixels` is no (h, w) uint8 array, or the cladding's radius is less than 16 pixels.
    """
    check_grey(pixels)
    check_kind(face, EndFace, "face")
    check_kind(settings, (DetectSettings, type(None)), "settings")
    settings = settings or DetectSettings()
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
    sheet = replace(look.sheet, region=_hardly_smoothed(look.sheet.region, pixel))
    found = measurement.measure(sheet, face, pixel, mark, n_marks)
    gap_px, least_px = settings.gap * field.radius, settings.faint * field.radius
    found += faint_lines.lines(look.weak, pixel, sheet, face, gap_px, least_px)
    return tuple(sorted(found, key=lambda c: (c.y_px, c.x_px, c.h_px, c.w_px)))


@dataclass(frozen=True, slots=True)
class _Look:
    """The inspected field beside its background.

    Attributes:
        field: where it is.
        sheet: region, background and limit; the limit is what a mark is followed down to, in quarters of a grey level,
            and `blur_px` holds the slight smoothing that sizes are read with.
        smooth: (h, w) uint8, the region smoothed.
        weak: how far that is off its background, for what is too faint to show in whole grey levels.
    """

    field: background.Field
    sheet: measurement.Sheet
    smooth: Grey
    weak: faint_lines.Weak


def _dip_px(face: EndFace) -> int:
    """Radius of the dip at the centre of a multimode core, 0 for other fibres.

    Graded-index glass is often short of dopant along its axis, which shows as a dark point of about 2 um.
    """
    if face.core_r_px is None or face.core_r_px * face.um_per_px < MULTIMODE_CORE_R_UM:
        return 0
    return math.ceil(DIP_R_UM / face.um_per_px)


@lru_cache(maxsize=8)
def _kernel(smooth_px: float) -> NDArray[np.float32]:
    """A Gaussian of one sigma `smooth_px`, cut off at two, in 256ths: its sums are of whole numbers, and exact."""
    reach = round(2 * smooth_px)
    weights = [math.exp(-0.5 * (k / smooth_px) ** 2) for k in range(-reach, reach + 1)]
    parts = [round(256 * weight / sum(weights)) for weight in weights]
    parts[reach] += 256 - sum(parts)
    kernel: NDArray[np.float32] = np.array(parts, np.float32) / np.float32(256)
    kernel.flags.writeable = False
    return kernel


@lru_cache(maxsize=8)
def _limits(settings: DetectSettings) -> tuple[Grey, Grey]:
    """(256,) uint8 twice, for each spread: how far a mark is followed and what a block of a faint line must exceed.

    Both are in quarters of a grey level.
    """
    spread_grey = np.arange(256) / background.SPREAD_STEPS
    follow = settings.follow * np.maximum(settings.limit_sigma * spread_grey, settings.limit_grey)
    weak = np.maximum(settings.faint_sigma * spread_grey, settings.faint_grey)
    steps = faint_lines.STEPS_PER_GREY
    both = np.minimum(steps * follow, hysteresis.MOST).astype(np.uint8), np.minimum(steps * weak, 255).astype(np.uint8)
    for table in both:
        table.flags.writeable = False
    return both


def _compared(pixels: Grey, field: background.Field, face: EndFace, settings: DetectSettings) -> _Look:
    """The region with its background and limits."""
    region = field.region(pixels)
    kernel = _kernel(settings.smooth_px)
    smooth: Grey = cv2.sepFilter2D(region, cv2.CV_8U, kernel, kernel)  # type: ignore[assignment]
    samples = background.unroll(smooth, field)
    hub = max(6, round(settings.hub * field.radius))
    core_px = face.core_r_px if face.core_r_px is not None and face.core_r_px > 1.5 * hub else field.radius
    profile = ringed = background.expected_profile(samples, hub)
    if face.core_r_px is not None and face.core_r_px * face.um_per_px <= SINGLE_MODE_CORE_R_UM:
        off_centre = OFF_CENTRE_UM / face.um_per_px
        profile, ringed = core_background.put_in(profile, samples, face.core_r_px, off_centre)
    expected = background.bound_centre(profile, hub, 0.9 * core_px)
    spread = _spread(background.noise_profile(samples, profile, hub, ringed), expected, _dip_px(face), settings)
    follow_of, weak_of = _limits(settings)
    grid = polar_to_pixels.blocks(field)
    laid = polar_to_pixels.lay_out(expected, spread, follow_of, grid, settings.sharp * field.radius)
    steps = faint_lines.STEPS_PER_GREY
    difference = cv2.addWeighted(smooth, steps, laid.expected, -steps, faint_lines.LEVEL)
    # half a px squared is what the slight smoothing adds
    blur_px = math.sqrt(background.edge_blur_px(profile, field, settings.smooth_px) ** 2 + 0.5)
    per_noise = steps * settings.follow * settings.limit_sigma
    sheet = measurement.Sheet(region, laid.expected, laid.limit, field.x_px, field.y_px, per_noise, blur_px)
    looked_at = (grid.radius <= np.float32(field.reach)).view(np.uint8)
    faint_limit: Grey = cv2.LUT(laid.spread, weak_of)  # type: ignore[assignment]
    return _Look(field, sheet, smooth, faint_lines.Weak(difference, looked_at, faint_limit, settings.limit_sigma))  # type: ignore[arg-type]


def _hardly_smoothed(region: Grey, pixel: Ints) -> Grey:
    """(h, w) uint8: the region by [1 2 1] / 4, so that noise no longer frays edges and little else is lost.

    Only where the marks' pixels are, and as far around them as `measuring` looks; elsewhere it holds anything.
    """
    if pixel.size == 0:
        return region
    y, x = np.divmod(pixel, region.shape[1])
    box = measurement.around(x, y, measurement.NEARBY_PX + 1)
    smoothed: Grey = np.empty(region.shape, np.uint8)
    smoothed[box] = cv2.GaussianBlur(region[box], (3, 3), 0)
    return smoothed


def _spread(noise: background.Plane, expected: Grey, dip_px: int, settings: DetectSettings) -> Grey:
    """(48, n) uint8: one sigma of what is no mark, in 28ths of a grey level: noise and edges that wander."""
    noise = np.maximum(noise, np.float32(settings.least_noise_grey))
    # the step is taken over two units
    wander = np.float32(settings.edge_wander_px / 2) * background.step_profile(expected)
    spread = np.sqrt(noise * noise + wander * wander)
    dip = spread[:, :dip_px]
    dip[:] = 2 * np.maximum(dip, np.float32(settings.limit_grey / settings.limit_sigma))
    steps: Grey = np.rint(np.minimum(np.float32(background.SPREAD_STEPS) * spread, np.float32(255))).astype(np.uint8)
    return steps


def _within_reach(pixel: Ints, field: background.Field) -> NDArray[np.bool_]:
    y, x = np.divmod(pixel, field.w_px)
    across, down = (x - field.centre_x_px) / field.unit_x_px, (y - field.centre_y_px) / field.unit_y_px
    inside: NDArray[np.bool_] = across * across + down * down <= field.reach**2
    return inside


def _marks(look: _Look, settings: DetectSettings) -> tuple[Ints, Ints, int]:
    """Flat indices of the pixels that belong to marks, the number of each one's mark, and how many marks."""
    sheet, (height, width) = look.sheet, look.smooth.shape
    pixel = hysteresis.beyond(look.weak.difference, sheet.limit)
    pixel = pixel[_within_reach(pixel, look.field)]
    deviation = np.abs(look.smooth.reshape(-1)[pixel].astype(np.intp) - sheet.expected.reshape(-1)[pixel])
    free = ~hysteresis.beside_strong(pixel, deviation, width, settings.share)
    pixel, deviation = pixel[free], deviation[free]
    part, n_parts = hysteresis.parts(pixel, (height, width))
    above = faint_lines.STEPS_PER_GREY * settings.follow * deviation > sheet.limit.reshape(-1)[pixel]
    strong = np.bincount(part[above], minlength=n_parts) > 0
    # weaker pieces serve to follow a scratch, unless they are specks
    held = strong | (np.bincount(part, minlength=n_parts) >= settings.least_piece_px)
    held[0] = False
    number = np.cumsum(held) - 1
    inside = held[part]
    pixel, part = pixel[inside], number[part[inside]]
    if pixel.size == 0:
        return pixel, part, 0
    y, x = np.divmod(pixel, width)
    found = linking.pieces(x, y, part, strong[held])
    mark, n_marks = linking.join(found, settings.gap * look.field.radius, settings.faint * look.field.radius)
    mark = mark[part]
    return pixel[mark >= 0], mark[mark >= 0], n_marks
