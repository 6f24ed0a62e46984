"""A rim: an axis-aligned ellipse on which the grey steps, and what the picture says of it.

Pixels need not be square, and rows and columns are what a camera stretches, so the axes of the ellipse are those of
the picture. To first order an edge moves along the ray at angle t by
`dx cos t + dy sin t + drx cos^2 t + dry sin^2 t`: four parameters, linear, and one small solve a step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from edge.arrays import F32, F64, U8, Bool
from edge.imaging.black_frame import is_black
from edge.imaging.ellipse import Ellipse, VisiblePicture
from edge.imaging.exact import median_upper, on_grid, solve_symmetric_4x4
from edge.imaging.polar import directions, unroll
from edge.locate.settings import LocateSettings
from edge.locate.thresholds import THRESHOLDS

_DISC = THRESHOLDS.disc
_OFFSETS = np.array(_DISC.field_stop_offsets, np.float32)


@dataclass(frozen=True, slots=True)
class Rim:
    """A fitted rim and how well the picture supports it.

    Attributes:
        ellipse: the fit.
        step_grey: median step from inside to outside, positive where the inside is the darker.
        coverage: share of the visible rays whose steepest point lies on the ellipse.
        agreement: share of the visible rays whose grey steps the same way across the ellipse.
        visible: share of the rays whose crossing lies inside the visible part.
        width_px: width of the edge, as the sigma of a Gaussian-blurred step.
    """

    ellipse: Ellipse
    step_grey: float
    coverage: float
    agreement: float
    visible: float
    width_px: float

    @property
    def sign(self) -> float:
        """+1 where grey rises outwards (dark glass), -1 where it falls."""
        return math.copysign(1.0, self.step_grey)

    @property
    def steepness(self) -> float:
        """Grey levels per px at the steepest point."""
        return abs(self.step_grey) / (math.sqrt(2 * math.pi) * max(self.width_px, 0.1))

    def scaled(self, factor: float) -> Rim:
        """The same rim in a picture `factor` times as large."""
        return replace(self, ellipse=self.ellipse.scaled(factor), width_px=self.width_px * factor)


@dataclass(frozen=True, slots=True)
class Strip:
    """Grey along rays across a rim.

    Attributes:
        grey: (n, m) uint8, a ray a row, from inside to outside.
        slopes: (n, m) float32, grey per sample, positive where it steps the way that is looked for.
        seen: (n,) whether the whole ray is visible.
        n_seen: how many are.
        step_px: distance of the samples.
        sign: +1 where grey is to rise outwards, -1 where it is to fall.
    """

    grey: U8
    slopes: F32
    seen: Bool
    n_seen: int
    step_px: float
    sign: float


@lru_cache(maxsize=8)
def design(n: int) -> tuple[F64, F64]:
    """(n, 4): how far an edge moves along each ray for a unit of each parameter; (n, 16): its rows' outer products.

    In multiples of 1/4096, which moves no parameter by more than a ten-thousandth of itself.
    """
    c, s = (a.astype(np.float64) for a in directions(n))
    rows = on_grid(np.stack([c, s, c * c, s * s], axis=1))
    return rows, (rows[:, :, None] * rows[:, None, :]).reshape(n, 16)


_FREE = tuple((1e-6 * np.eye(4)).ravel().tolist())


def solve(offsets_px: F64, weight: F64, ridge: tuple[float, ...] = _FREE) -> F64:
    """The weighted least-squares parameters for one offset a ray.

    The same bits on every processor where sums are exact: for weights that are whole numbers up to 4096, and for
    offsets below 256 px in multiples of 1/4096 px.

    Args:
        offsets_px: (n,) offsets.
        weight: (n,) weights; only their ratios count.
        ridge: 4 x 4, row by row, holds the parameters back; in units of the sum of the weights.

    Returns:
        (4,) in multiples of 1/65536 px.
    """
    rows, products = design(offsets_px.size)
    normal = (weight @ products).tolist()
    # cos^2 + sin^2 of each ray: the sum of the weights
    total = normal[0] + normal[5] + 1e-9
    held = [a + b * total for a, b in zip(normal, ridge, strict=True)]
    return np.array(solve_symmetric_4x4(held, ((weight * offsets_px) @ rows).tolist()))


def measured_rim(start: Ellipse, parameters: F64, coverage: float, strip: Strip) -> Rim:
    """The rim that a fit has found, with what the strip around `start` says of it."""
    n_rays, width = strip.grey.shape
    # the ends of the strip stand for either side: what lies between them may be a gap, a dark line, a highlight
    third = max(1, width // 3)
    outer = cv2.reduce(strip.grey[:, -third:], 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
    inner = cv2.reduce(strip.grey[:, :third], 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
    across = strip.sign * (outer - inner)[:, 0][strip.seen]
    steep = median_upper(slopes_on(parameters, strip)[strip.seen]) / strip.step_px
    typical = median_upper(across)
    return Rim(
        start.moved(parameters),
        step_grey=strip.sign * typical,
        coverage=coverage,
        agreement=float(np.count_nonzero(across > 0)) / across.size,
        visible=across.size / n_rays,
        width_px=typical / (math.sqrt(2 * math.pi) * steep) if steep > 1e-6 else math.inf,
    )


def slopes_on(parameters: F64, strip: Strip) -> F32:
    """(n,) the slope of each ray where it crosses the fitted ellipse."""
    n_rays, width = strip.grey.shape
    rows, _ = design(n_rays)
    path = np.minimum(np.maximum(np.rint(rows @ parameters / strip.step_px) + width // 2, 0), width - 1)
    crossed: F32 = strip.slopes[np.arange(n_rays), path.astype(np.intp)]
    return crossed


def is_disc(rim: Rim, settings: LocateSettings) -> bool:
    """Whether this is the rim of a disc, and not the slope of a hill or an accident of texture."""
    at = rim.ellipse
    # what steps the same way all around needs fewer rays to be sure
    unanimous = rim.agreement >= _DISC.unanimous_agreement and rim.visible == 1.0
    return (
        rim.coverage
        >= settings.min_coverage
        + _DISC.hidden_coverage * (1 - rim.visible)
        - (_DISC.unanimous_coverage if unanimous else 0.0)
        and rim.agreement >= _DISC.min_agreement
        and abs(rim.step_grey) >= settings.min_step_grey
        and rim.width_px <= max(_DISC.sharp_px, _DISC.max_width * at.mean_px)
        and 1 / _DISC.max_aspect <= at.ry_px / at.rx_px <= _DISC.max_aspect
    )


def is_field_stop(rim: Rim, picture: VisiblePicture) -> bool:
    """Whether a bright disc is what the microscope's field stop lets through: large, and black around it."""
    at = rim.ellipse
    if rim.step_grey > 0 or at.mean_px < _DISC.field_stop_radius * min(picture.pixels.shape):
        return False
    outside, _ = unroll(picture, at, _OFFSETS * np.float32(at.mean_px), _DISC.field_stop_rays)
    return is_black(outside)
