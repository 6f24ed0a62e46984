"""A rim fitted below a pixel: the steepest point along each ray, and the ellipse through most of them.

Coarse to fine: first on the level of the pyramid where its ring was found, then on the sharpest level that its size
calls for, where only a strip around it is looked at.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edge.arrays import F32, F64
from edge.imaging.ellipse import Ellipse, VisiblePicture
from edge.imaging.exact import GRID, median_upper, on_grid, slope
from edge.imaging.noise import MAD_TO_SIGMA, noise_of
from edge.imaging.polar import strip_offsets, unroll
from edge.locate.pyramid import Pyramid
from edge.locate.rim import Rim, Strip, design, measured_rim, solve
from edge.locate.thresholds import THRESHOLDS

_RIM = THRESHOLDS.rim


def rim_of_ring(pyramid: Pyramid, k: int, ring: Ellipse, sign: float) -> Rim | None:
    """The rim in the picture that a ring on level `k` stands for; None where too few rays have their edge there."""
    half_px = max(_RIM.min_rough_half_px, _RIM.rough_half * ring.mean_px)
    rough = fit_rim(pyramid.levels[k], ring, half_px, sign, _RIM.rough_rays)
    if rough is None or rough.coverage < _RIM.min_rough_coverage:
        return None
    return sharp_rim(pyramid, rough.ellipse.scaled(2.0**k), sign, 2.0**k)


def sharp_rim(pyramid: Pyramid, start: Ellipse, sign: float, grain_px: float) -> Rim | None:
    """The rim as sharp as the picture has it, from an ellipse found where a pixel was `grain_px` large."""
    k = pyramid.level_below(start.mean_px, _RIM.sharp_radius_px)
    picture, start, slack_px = pyramid.levels[k], start.scaled(0.5**k), _RIM.slack_grains * grain_px / 2**k
    half_px = max(_RIM.min_half_px, _RIM.half_tolerances * tolerance_px(start.mean_px))
    strip_px = max(half_px, slack_px)
    rim = fit_rim(picture, start, strip_px, sign, _RIM.n_rays)
    if rim is not None and (rim.width_px > _RIM.blurred_width * strip_px or rim.coverage < _RIM.clear_coverage):
        # blurred: look further around, with the edge's own width; noisy: with the width that answers sharpest to it
        noisy = _noise_beside(picture, start, strip_px) > _RIM.noisy_px * rim.steepness
        sigma_px = max(_RIM.min_sigma_px, (_RIM.noisy_sigma if noisy else _RIM.quiet_sigma) * rim.width_px)
        wide_px = min(_RIM.blurred_half_widths * rim.width_px, _RIM.max_blurred_half * start.mean_px)
        sigma_px = min(sigma_px, _RIM.max_sigma * start.mean_px)
        rim = fit_rim(picture, rim.ellipse, max(half_px, wide_px), sign, _RIM.n_rays, sigma_px)
    return None if rim is None else rim.scaled(2.0**k)


def tolerance_px(mean_px: float) -> float:
    """How far a ray's edge may lie from an ellipse of this mean radius and still count as on it."""
    return max(_RIM.tolerance_px, _RIM.tolerance * mean_px)


def _noise_beside(picture: VisiblePicture, at: Ellipse, half_px: float) -> float:
    """One sigma of the noise in grey levels, in the outer third of the strip that a rim was looked for in."""
    offsets, step = strip_offsets(half_px)
    grey, _ = unroll(picture, at, offsets[-max(1, offsets.size // 3) :], _RIM.n_rays)
    return noise_of(grey, step)


def fit_rim(
    picture: VisiblePicture, start: Ellipse, half_px: float, sign: float, n_rays: int, sigma_px: float = 1.0
) -> Rim | None:
    """One fit of the steepest points within `half_px` of `start`.

    Args:
        picture: where to look.
        start: around which ellipse.
        half_px: how far to either side.
        sign: +1 where grey rises outwards (dark glass), -1 where it falls.
        n_rays: rays.
        sigma_px: smoothing along the ray; best near the edge's own blur (matched filter).

    Returns:
        the rim; None where less than a fifth of it is visible or the fit leaves the strip.
    """
    offsets, step = strip_offsets(half_px)
    grey, seen = unroll(picture, start, offsets, n_rays)
    n_seen = int(np.count_nonzero(seen))
    if n_seen < _RIM.min_visible * n_rays:
        return None
    slopes = slope(grey, sigma_px / step, _RIM.n_rays_together)
    if sign < 0:
        np.negative(slopes, out=slopes)
    strip = Strip(grey, slopes, seen, n_seen, step, sign)
    along, weight = _weighted_edges(strip, float(offsets[0]))
    if not weight.any():
        return None
    tolerance = tolerance_px(start.mean_px)
    parameters, residual = robust(along, weight, half_px, tolerance)
    if np.abs(parameters).max() > min(_RIM.max_move * half_px, _RIM.max_move_radius * start.mean_px):
        return None
    on_it = float(np.count_nonzero(np.abs(residual[seen]) < tolerance)) / n_seen
    return _without_blur(measured_rim(start, parameters, on_it, strip), half_px, sigma_px)


def _weighted_edges(strip: Strip, first_px: float) -> tuple[F64, F64]:
    """(n,) each ray's edge in px along it, and (n,) how much it counts, 0..1; rays that are not seen do not count."""
    along, peak = steepest(strip.slopes, strip.step_px, first_px)
    every = strip.n_seen == peak.size
    typical = median_upper(peak if every else peak[strip.seen])
    weight = np.minimum(np.maximum(peak / max(typical, 1e-6), 0.0), 1.0)
    weight *= strip.seen
    return along, weight


def steepest(slopes: F32, step_px: float, first_px: float) -> tuple[F64, F64]:
    """Per ray the place (px, by a parabola, in multiples of 1/4096) and the height of the largest slope."""
    n, m = slopes.shape
    best = slopes[:, 1:-1].argmax(axis=1)
    at = np.arange(0, n * m, m) + best
    left, peak, right = slopes.ravel().take((at, at + 1, at + 2)).astype(np.float64)
    bend = left - 2 * peak + right
    shift = np.where(bend < -1e-9, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0)
    np.minimum(np.maximum(shift, -1, out=shift), 1, out=shift)
    return on_grid(first_px + step_px * (best + (1 + shift))), peak


def robust(offsets_px: F64, weight: F64, reach_px: float, floor_px: float) -> tuple[F64, F64]:
    """A least-squares fit that outliers do not move: Tukey's biweight, by reweighting.

    A. E. Beaton and J. W. Tukey, Technometrics 16(2), 1974. Its width falls from `reach_px` to twice the spread of the
    residuals, at least `floor_px`.

    Returns:
        the four parameters, and (n,) residuals in px.
    """
    rows, _ = design(offsets_px.size)
    used = weight > 0
    every = bool(used.all())
    residual = offsets_px - median_upper(offsets_px if every else offsets_px[used])
    most = GRID * weight
    parameters = np.zeros(4)
    for k in _RIM.tukey_widths:
        square = residual * residual
        spread = MAD_TO_SIGMA * math.sqrt(median_upper(square if every else square[used]))
        width = max(floor_px, min(reach_px, _RIM.tukey_sigma * k * spread))
        square *= -1 / (width * width)
        square += 1
        np.maximum(square, 0, out=square)
        square *= square
        square *= most
        parameters = solve(offsets_px, np.rint(square, out=square))
        residual = offsets_px - rows @ parameters
    return parameters, residual


def _without_blur(rim: Rim, half_px: float, sigma_px: float) -> Rim:
    """The rim without its blur's effect: the steepest point of a curved edge lies sigma^2 / 2 r too far inside."""
    at, width = rim.ellipse, min(rim.width_px, half_px)
    blur2 = max(0.0, width * width - sigma_px * sigma_px)
    return replace(rim, ellipse=at.grown(1 + blur2 / (2 * at.rx_px * at.ry_px)))
