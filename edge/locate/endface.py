"""Where the fibre is: its cladding as an axis-aligned ellipse, its core, and the size of a pixel.

A fibre is a disc whose edge shows as a step of grey, darker or brighter than the ferrule around it. It is
found coarse to fine, and only a strip around the rim is ever looked at in full resolution:

1. In the picture made small, points that many edges are perpendicular to (`edge.locate.circle_votes`).
2. Around each, the outermost ring that is the rim of a disc is the cladding. The core is further in, and when
   lit it may well be the stronger one.
3. The steepest point along each ray, below a pixel, fitted with an ellipse (`edge.locate.rim_fit`); under a film,
   where single rays tell little, all rays together (`edge.locate.rim_fit_obscured`).

A bore wider than the glass shows two edges, up to some pixels apart. The outer one is taken: it is the step
that every picture shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arguments import check_grey, check_kind
from edge.bounds import CLADDING_UM, MOST_PIXEL_ASPECT, UM_PER_PX
from edge.errors import UsageError
from edge.imaging.ellipse import Ellipse, View, median, noise_of, unroll
from edge.locate.circle_votes import BLACK_GREY, Scene, centres, rings, scene_of, smoothed, votes
from edge.locate.core import find_core
from edge.locate.multifibre import alike, evenly_spaced, in_reading_order
from edge.locate.rim_fit import Rim, fit_rim, strip_offsets, tolerance_px
from edge.locate.rim_fit_obscured import fit_broken
from edge.records import EndFace

_U8 = NDArray[np.uint8]

_N_RAYS = 256
# MPO ferrules hold up to 72 fibres (IEC 61754-7).
_MAX_FIBRES = 80
# Frame grabbers' pixels are 0.91 (NTSC) or 1.09 (PAL) times as wide as high (ITU-R BT.601), with some room.
_MAX_ASPECT = 1.3
# A disc's edge is narrow beside its radius; the slope of a hill is not.
_MAX_WIDTH = 0.07
_SOFT_WIDTH = 0.025
# A sharp edge, after the smoothing that it is looked for with.
_SHARP_PX = 1.8
_MIN_FILM_STEP_GREY = 8.0
# A rim that ends the search.
_CLEAR_COVERAGE = 0.7
# Noise over steepness, in px, that moves the steepest point of a single ray by a good part of a pixel.
_NOISY = 0.3


@dataclass(frozen=True)
class LocateSettings:
    """What is known about the microscope and the fibre before looking.

    Attributes:
        um_per_px_x: width of a pixel from a calibration; None where there is none.
        um_per_px_y: height of a pixel; where only one of both is given it counts for both.
        cladding_um: diameter of the cladding, from which the scale is taken without a calibration:
            125 um (IEC 60793-2-10 and -50), 140 um for the older 100/140 fibre.
        min_radius: smallest radius looked for, as a share of the picture's shorter side. A row of
            twelve fibres 250 um apart across a 4:3 picture has claddings of 2.8 %.
        min_lone_radius: below this share a disc counts only among at least four that are evenly spaced; alone
            it is dust. It stands for a field of view of 1250 um, five times what the standard grades.
        min_lone_radius_px: but a disc of this radius counts whatever its share: its pixels are fine enough to judge.
        max_radius: largest radius looked for, as a share of the shorter side.
        min_step_grey: smallest grey step at the cladding's edge.
        min_coverage: least share of the visible rays that must have their edge on the ellipse.
    """

    um_per_px_x: float | None = None
    um_per_px_y: float | None = None
    cladding_um: float = 125.0
    min_radius: float = 0.025
    min_lone_radius: float = 0.05
    min_lone_radius_px: float = 40.0
    max_radius: float = 0.62
    min_step_grey: float = 3.0
    min_coverage: float = 0.65

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise UsageError(f"{item.name} is {value}; expected a positive number")
        bounded = (("um_per_px_x", UM_PER_PX), ("um_per_px_y", UM_PER_PX), ("cladding_um", CLADDING_UM))
        for name, (low, high) in bounded:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise UsageError(f"{name} is {value}; expected {low:g} to {high:g}")
        x, y = self.um_per_px_x or self.um_per_px_y, self.um_per_px_y or self.um_per_px_x
        if x and y and not 1 / MOST_PIXEL_ASPECT <= x / y <= MOST_PIXEL_ASPECT:
            raise UsageError(f"um_per_px_x is {x} and um_per_px_y {y}; expected pixels that are nearly square")
        if self.min_radius >= self.max_radius:
            raise UsageError(f"min_radius {self.min_radius} is not below max_radius {self.max_radius}")


def locate(pixels: _U8, settings: LocateSettings = LocateSettings()) -> EndFace | None:
    """The fibre in the picture, or None where there is none; the clearest one where there are several.

    Args:
        pixels: (h, w) uint8 grey, not changed.
        settings: what is known of scale and size.
    """
    _check(pixels, settings)
    scene = scene_of(pixels)
    fibres = _fibres(scene, settings, every=False)
    return _face(scene, fibres[0], settings) if fibres else None


def locate_all(pixels: _U8, settings: LocateSettings = LocateSettings()) -> tuple[EndFace, ...]:
    """Every fibre in the picture, row by row from the top, each row from the left; empty where there is none.

    Fibres of one picture are of one size, polarity and, within a factor of 2.5, contrast.

    Args:
        pixels: (h, w) uint8 grey, not changed.
        settings: what is known of scale and size.
    """
    _check(pixels, settings)
    scene = scene_of(pixels)
    fibres = _fibres(scene, settings, every=True)
    return tuple(_face(scene, rim, settings) for rim in in_reading_order(fibres))


def _check(pixels: object, settings: object) -> None:
    check_grey(pixels)
    check_kind(settings, LocateSettings, "settings")


def _fibres(scene: Scene, settings: LocateSettings, every: bool) -> list[Rim]:
    """The rims that are fibres, the clearest first; with `every` all of them, else at least that one."""
    short = min(scene.views[0].pixels.shape)
    for k in scene.search:
        for rim in sorted(_rims(scene, k, settings), key=lambda rim: -rim.coverage):
            lone = rim.ellipse.mean_px >= min(settings.min_lone_radius * short, settings.min_lone_radius_px)
            if lone and not every:
                return [rim]
            fibres = _siblings(scene, rim, settings)
            if lone or evenly_spaced(fibres):
                return fibres
    return []


def _rims(scene: Scene, k: int, settings: LocateSettings) -> list[Rim]:
    """Rims of discs, at most one around each of the likeliest centres of a level; a clear one ends the search."""
    view = scene.views[k]
    short = min(view.pixels.shape)
    radii_px = max(2.0, settings.min_radius * short), settings.max_radius * short
    found: list[Rim] = []
    for x, y in centres(view, radii_px):
        rim = _around(scene, k, (x, y, *radii_px), settings)
        if rim is not None:
            found.append(rim)
            if rim.coverage > _CLEAR_COVERAGE:
                break
    return found


def _around(scene: Scene, k: int, where: tuple[float, float, float, float], settings: LocateSettings) -> Rim | None:
    """The cladding around a point (x, y, least and largest radius) of a level: the outermost rim of a disc."""
    x, y, *radii_px = where
    outermost: Rim | None = None
    broken: list[tuple[float, float]] = []
    for r, step in _without_halos(rings(scene.views[k], x, y, (radii_px[0], radii_px[1]))):
        rim = _confirmed(scene, k, Ellipse(x, y, r, r), math.copysign(1.0, step))
        if rim is None or not _supported(rim, settings):
            if outermost is None:
                broken.append((r * 2.0**k, step))
        elif _field_stop(rim, scene):
            continue
        elif outermost is not None:
            # what falls off slowly around a sharp rim is light, and not what the rim is inside of
            return rim if rim.steepness > 4 * outermost.steepness else _uncovered(scene, outermost, broken)
        elif rim.width_px <= _SOFT_WIDTH * rim.ellipse.mean_px:
            return _uncovered(scene, rim, broken)
        else:
            outermost = rim
    return None if outermost is None else _uncovered(scene, outermost, broken)


def _without_halos(found: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The rings less those that are the outer flank of a bright or dark line along a much stronger one."""
    kept = []
    for (r, step), (inner_r, inner_step) in zip(found, [*found[1:], (0.0, 0.0)], strict=False):
        if inner_r < 0.85 * r or abs(inner_step) < 2 * abs(step) or inner_step * step > 0:
            kept.append((r, step))
    return kept


def _confirmed(scene: Scene, k: int, ring: Ellipse, sign: float) -> Rim | None:
    """The rim that a ring on a level stands for, in the picture; None where too few rays have their edge there."""
    rough = fit_rim(scene.views[k], ring, max(2.5, 0.14 * ring.mean_px), sign, 64)
    if rough is None or rough.coverage < 0.5:
        return None
    return _sharpen(scene, rough.ellipse.scaled(2.0**k), sign, 2.0**k)


def _sharpen(scene: Scene, start: Ellipse, sign: float, grain_px: float) -> Rim | None:
    """The rim as sharp as the picture has it, from an ellipse found where a pixel was `grain_px` large."""
    # a rim of 128 to 256 px is as exact as it gets: in full size a larger one is smoother, not sharper
    k = scene.level(start.mean_px, 256)
    view, start, slack = scene.views[k], start.scaled(0.5**k), 1.5 * grain_px / 2**k
    half = max(4.0, 4 * tolerance_px(start.mean_px))
    rim = fit_rim(view, start, max(half, slack), sign, _N_RAYS)
    if rim is not None and (rim.width_px > 0.2 * max(half, slack) or rim.coverage < 0.8):
        # blurred: look further around, with the edge's own width; noisy: with the width that answers sharpest to it
        noisy = _noise_beside(view, start, max(half, slack)) > _NOISY * rim.steepness
        sigma = min(max(1.0, (1.5 if noisy else 0.7) * rim.width_px), 0.04 * start.mean_px)
        half = max(half, min(4 * rim.width_px, 0.2 * start.mean_px))
        rim = fit_rim(view, rim.ellipse, half, sign, _N_RAYS, sigma)
    return None if rim is None else rim.scaled(2.0**k)


def _noise_beside(view: View, at: Ellipse, half_px: float) -> float:
    """One sigma of the noise in grey levels, in the outer third of the strip that a rim was looked for in."""
    offsets, step = strip_offsets(half_px)
    grey, _ = unroll(view, at, offsets[-max(1, offsets.size // 3) :], _N_RAYS)
    return noise_of(grey, step)


def _supported(rim: Rim, settings: LocateSettings) -> bool:
    """Whether this is the rim of a disc, and not the slope of a hill or an accident of texture."""
    at = rim.ellipse
    # what steps the same way all around needs fewer rays to be sure
    unanimous = 0.1 if rim.agreement >= 0.98 and rim.visible == 1.0 else 0.0
    return (
        rim.coverage >= settings.min_coverage + 0.3 * (1 - rim.visible) - unanimous
        and rim.agreement >= 0.8
        and abs(rim.step_grey) >= settings.min_step_grey
        and rim.width_px <= max(_SHARP_PX, _MAX_WIDTH * at.mean_px)
        and 1 / _MAX_ASPECT <= at.ry_px / at.rx_px <= _MAX_ASPECT
    )


def _field_stop(rim: Rim, scene: Scene) -> bool:
    """Whether a bright disc is what the microscope's field stop lets through: large, and black around it."""
    at, view = rim.ellipse, scene.views[0]
    if rim.step_grey > 0 or at.mean_px < 0.35 * min(view.pixels.shape):
        return False
    outside, _ = unroll(view, at, np.array([0.08, 0.1, 0.12], np.float32) * np.float32(at.mean_px), 64)
    return median(outside) <= BLACK_GREY


def _uncovered(scene: Scene, inner: Rim, broken: list[tuple[float, float]]) -> Rim:
    """The cladding around a clear core, where a film breaks its rim up too much for single rays; else `inner`.

    `broken` holds the rings (radius_px, step) further out that no ellipse could be fitted to.
    """
    if not broken:
        return inner
    radius_px, step = max(broken, key=lambda ring: abs(ring[1]))
    k = scene.level(radius_px, 256)
    at = inner.ellipse.grown(radius_px / inner.ellipse.mean_px).scaled(0.5**k)
    rim: Rim | None = None
    for half in (0.15, 0.12):
        rim = fit_broken(scene.views[k], at, half * at.mean_px, math.copysign(1.0, step))
        if rim is None or not 0.8 < rim.ellipse.mean_px / at.mean_px < 1.25:
            return inner
        at = rim.ellipse
    found = (
        rim is not None
        and rim.coverage >= 0.65
        and rim.agreement >= 0.7
        and rim.width_px <= _MAX_WIDTH * at.mean_px
        and abs(rim.step_grey) >= _MIN_FILM_STEP_GREY
    )
    return rim.scaled(2.0**k) if rim is not None and found else inner


def _siblings(scene: Scene, first: Rim, settings: LocateSettings) -> list[Rim]:
    """All discs as large as `first` and of its polarity, itself among them: the fibres of a multi-fibre ferrule."""
    sign = math.copysign(1.0, first.step_grey)
    k = scene.level(first.ellipse.mean_px, 16)
    view, near = scene.views[k], first.ellipse.scaled(0.5**k)
    h, w = view.pixels.shape
    tally = smoothed(votes(view, (0.92 * near.mean_px, 1.08 * near.mean_px), (sign,)), 1.2)
    own = tally[_within(near.y_px, 2, h), _within(near.x_px, 2, w)]
    least = 0.4 * float(own.max()) if own.size else math.inf
    found = [first]
    x, y = near.x_px, near.y_px
    for _ in range(_MAX_FIBRES):
        # fibres do not overlap
        tally[_within(y, 1.7 * near.ry_px, h), _within(x, 1.7 * near.rx_px, w)] = 0
        _, peak, _, (x, y) = cv2.minMaxLoc(tally)
        if peak < least:
            break
        rim = _sharpen(scene, replace(near, x_px=x, y_px=y).scaled(2.0**k), sign, 2.0**k)
        if rim is not None and _supported(rim, settings) and alike(first, rim):
            found.append(rim)
    return found


def _within(middle: float, reach: float, size: int) -> slice:
    return slice(max(0, math.floor(middle - reach)), min(size, max(0, math.ceil(middle + reach) + 1)))


def _face(scene: Scene, rim: Rim, settings: LocateSettings) -> EndFace:
    at = rim.ellipse
    k = scene.level(at.mean_px, 256)
    core_r_px, confidence = find_core(scene.views[k], at.scaled(0.5**k))
    given_x = settings.um_per_px_x if settings.um_per_px_x is not None else settings.um_per_px_y
    given_y = settings.um_per_px_y if settings.um_per_px_y is not None else settings.um_per_px_x
    return EndFace(
        x_px=at.x_px,
        y_px=at.y_px,
        cladding_rx_px=at.rx_px,
        cladding_ry_px=at.ry_px,
        core_r_px=None if core_r_px is None else core_r_px * 2.0**k,
        um_per_px_x=given_x if given_x is not None else settings.cladding_um / (2 * at.rx_px),
        um_per_px_y=given_y if given_y is not None else settings.cladding_um / (2 * at.ry_px),
        scale_from="cladding" if given_x is None else "calibration",
        core_confidence=confidence,
    )
