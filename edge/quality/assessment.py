"""Whether a picture can be judged at all: sharp, lit, not washed out, and all of the fibre in it.

A blurred or dark picture shows no marks, so it would pass; it must not. `scripts/calibrate_quality.py` prints
what the limits do to real pictures that are blurred, darkened, washed out, cropped and shifted more and more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arguments import check_each, check_grey, check_kind
from edge.arrays import U8, Bool
from edge.imaging.ellipse import Ellipse, VisiblePicture
from edge.imaging.exact import median, median_upper, slope
from edge.imaging.polar import strip_offsets, unroll
from edge.imaging.roughness import roughness_grey
from edge.quality import problems
from edge.quality.field import N_SECTORS, Cell, Field, cells, enlarged, field_of, unseen
from edge.quality.graphics import zones_drawn_over
from edge.quality.problems import Measures, kept_contrast
from edge.quality.settings import DEFAULT_SETTINGS, QualitySettings
from edge.records import EndFace, JudgedRing, Quality, Seeing

_MIN_RAYS = 4
"""Fewer rays in view say nothing of an eighth of the rim."""
# From here on: chosen on drawn and real end faces; not derived.
_N_RAYS = 128
"""Rays across the rim, and around the field that must be in the picture."""
_RIM_REACH = 0.1
"""How far to either side of the rim its edge and the noise are measured, in cladding radii."""
_MIN_RIM_REACH_PX = 5.0
"""The same in px, at least."""
_RIM_SMOOTH_PX = 0.6
"""Smoothing along the rays, one sigma; it is taken off the blur again."""
_LIGHT_RADII = np.linspace(0.03, 1.9, 48).astype(np.float32)
"""Where light is measured, in cladding radii."""
_LIGHT_WEIGHT = np.linspace(0.03, 1.9, 48) / np.linspace(0.03, 1.9, 48).sum()
"""A ring counts for as much as it is long."""
_WHITE_GREY = 255
"""White is the largest grey level: what is brighter on the glass is lost."""
_UNKNOWN_CORE = 0.5
"""Where the core is not known, what is inside of half the cladding's radius counts as core."""
_IN_CORE, _OFF_CORE = 0.95, 1.05
"""Rings up to here, in core radii, are core; rings from here on are cladding."""
_IN_CLADDING, _OFF_CLADDING = 0.97, 1.03
"""Rings up to here, in cladding radii, are cladding; rings from here on are ferrule."""
_BORDER = 1.08
"""What must be in view where nobody says what is judged, in cladding radii: zone C of a 125 um fibre."""
_CLIPPED = (0, 255)
_MIN_CORE_PX = 8.0
"""A smaller core shows no edge of its own."""
_CORE_REACH = 0.4
"""How far to either side of its edge a core is looked at, in core radii: a strong blur must show."""
_MIN_CORE_GREY = 15.0
"""Step of a core's edge from which on its blur can be read: of a weaker one a single grey level is a steep part."""
_FERRULE = (1.1, 1.5)
"""Where the ferrule is looked at beside the glass, in cladding radii."""


@dataclass(frozen=True)
class _Edge:
    """The cladding's edge: over all rays, and by eighths.

    Attributes:
        step_grey: grey step across it.
        blur_px: blur of its sharper quarter, one sigma.
        sectors: both for each eighth; None where it is not in the picture.
    """

    step_grey: float
    blur_px: float
    sectors: tuple[tuple[float, float] | None, ...]

    def beside(self, rough_grey: float) -> _Edge:
        """The edge to a rough ferrule: its mean is no grey level of it, and what it steps by is what its grain does."""
        step = 2 * rough_grey  # beads and resin are as far off the middle to either side
        sectors = tuple(None if of is None else (max(of[0], step), of[1]) for of in self.sectors)
        return replace(self, step_grey=max(self.step_grey, step), sectors=sectors)

    @property
    def worst_blur_px(self) -> float:
        """The blur of the least sharp eighth."""
        return max((blur for _, blur in filter(None, self.sectors)), default=self.blur_px)


def assess(
    pixels: U8,
    face: EndFace | None,
    rings: Sequence[JudgedRing] = (),
    settings: QualitySettings = DEFAULT_SETTINGS,
    coloured: Bool | None = None,
) -> Quality:
    """How well one fibre's picture can be judged, and what stands against it.

    Whether the smallest marks that matter show is not said here: `seeing` tells what that depends on.

    Args:
        pixels: (h, w) uint8 grey, not changed.
        face: the fibre in it; None where none was found, which is a problem by itself.
        rings: the zones that are judged; none: the glass and its border.
        settings: the limits.
        coloured: (h, w) bool, where the picture's colour is not its own tint (`edge.imaging.graphics.coloured`).

    Raises:
        UsageError: `pixels` is no grey picture, or the rest is of another type.
    """
    check_grey(pixels)
    check_kind(face, (EndFace, type(None)), "face")
    check_each(rings, JudgedRing, "rings")
    check_kind(settings, QualitySettings, "settings")
    if face is None:
        return Quality(0.0, float(pixels[::8, ::8].mean()) / 255, 0.0, 0.0, ("no end face found",), is_trusted=False)
    radius_um = face.cladding_r_um
    rings = rings or (JudgedRing("", 0.0, _BORDER * radius_um, None, None),)
    picture = VisiblePicture.whole(pixels)
    at = Ellipse(face.x_px, face.y_px, face.cladding_rx_px, face.cladding_ry_px)
    edge = _edge(picture, at)
    field = field_of(pixels, at, max(_FERRULE[1], max(ring.outer_um for ring in rings) / radius_um))
    rough_grey = roughness_grey(field.grey, field.radius)
    edge = edge.beside(rough_grey)
    ferrule = JudgedRing("", _FERRULE[0] * radius_um, _FERRULE[1] * radius_um, None, None)
    unseen_share = {ring.name: share for ring in rings if (share := unseen(field, ring, radius_um)) > 0}
    cells_of = {ring.name: cells(field, ring, radius_um) for ring in rings}
    block_px = enlarged(pixels, at)
    drawn_over = zones_drawn_over(pixels, at, field, rings, radius_um, coloured)
    brightness, saturation, worst = _light(field, at, face.core_r_px)
    glass = [cell.noise_grey for ring in rings if ring.inner_um < radius_um for cell in cells_of[ring.name]]
    seen = Measures(
        blur_px=edge.blur_px,
        blur_um=edge.blur_px * face.um_per_px,
        worst_blur_um=edge.worst_blur_px * face.um_per_px,
        brightness=brightness,
        step_grey=edge.step_grey,
        noise_grey=median(np.array(glass)) if glass else 0.0,
        saturation=saturation,
        worst_saturation=worst,
        not_shown=tuple(
            _not_shown(
                rings,
                cells_of,
                lambda: (
                    settings.min_lone_texture
                    if rough_grey
                    else settings.min_relative_texture
                    * _middle([cell.texture for cell in cells(field, ferrule, radius_um)])
                ),
                lambda: _core_focus(picture, at, face) >= settings.min_core_focus,
                radius_um,
                settings,
            )
        ),
    )
    return Quality(
        focus=kept_contrast(seen.blur_um),
        brightness=seen.brightness,
        contrast=seen.step_grey / 255,
        saturation=seen.saturation,
        problems=(
            *problems.graphics(drawn_over),
            *(problems.in_grain(rings, radius_um) if rough_grey else ()),
            *problems.out_of_view(unseen_share),
            *problems.badly_seen(seen, settings),
            *problems.too_coarse(rings, block_px, face),
        ),
        is_trusted=not drawn_over
        and seen.worst_saturation <= settings.max_saturation
        and seen.step_grey >= 255 * settings.min_sure_contrast,
        unseen=unseen_share,
        seeing=tuple(_seeing(name, cell, edge, block_px) for name, found in cells_of.items() for cell in found),
        rough_grey=rough_grey,
    )


def _not_shown(
    rings: Sequence[JudgedRing],
    cells_of: Mapping[str, list[Cell]],
    least_texture: Callable[[], float],
    core_is_sharp: Callable[[], bool],
    radius_um: float,
    settings: QualitySettings,
) -> Iterator[str]:
    """The zones in which nothing shows: painted over, clipped to black or white, or blurred away under a sharp rim.

    A film's or a camera's compression smooths glass, too. What then tells sharp glass from blurred is the core's edge.
    """
    for ring in rings:
        found = cells_of[ring.name]
        in_glass = ring.inner_um < radius_um
        by_eighths = len(found) > 1
        flat = [cell for cell in found if cell.flat > settings.max_flat]
        texture = _middle([cell.texture for cell in found])
        smooth = in_glass and by_eighths and texture < settings.smooth_texture
        if not flat and not (smooth and texture < least_texture()):
            continue
        if any(cell.grey in _CLIPPED for cell in flat) or not (in_glass and by_eighths and core_is_sharp()):
            yield ring.name


def _middle(values: Sequence[float]) -> float:
    """The upper median; 0 of none."""
    return sorted(values)[len(values) // 2] if values else 0.0


def _seeing(zone: str, cell: Cell, edge: _Edge, block_px: float) -> Seeing:
    there = None if cell.sector is None else edge.sectors[cell.sector]
    step_grey, blur_px = there or (edge.step_grey, edge.worst_blur_px if cell.sector is None else edge.blur_px)
    # a pixel is a box
    return Seeing(zone, math.sqrt(blur_px * blur_px + block_px * block_px / 12), cell.noise_grey, step_grey)


def _edge(picture: VisiblePicture, at: Ellipse, reach: float = _RIM_REACH) -> _Edge:
    """Grey step and blur in px (one sigma) along rays across the rim.

    The blur is that of the sharpest edge along each ray, wherever on the ray it is: under a film the rim is hidden,
    and the film's own edges tell the blur. Of all rays, and of an eighth's, the lower quartile counts.
    """
    offsets, step = strip_offsets(max(_MIN_RIM_REACH_PX, reach * at.mean_px))
    grey, seen = unroll(picture, at, offsets, _N_RAYS)
    if not seen.any():
        return _Edge(0.0, math.inf, (None,) * N_SECTORS)
    third = offsets.size // 3
    across = (_sums(grey[:, -third:], 1) - _sums(grey[:, :third], 1)) / float(third)
    slopes = slope(grey, _RIM_SMOOTH_PX / step)
    steepest = cv2.reduce(np.abs(slopes, out=slopes), 1, cv2.REDUCE_MAX)[:, 0].astype(np.float64) / step
    rise = cv2.subtract(cv2.reduce(grey, 1, cv2.REDUCE_MAX), cv2.reduce(grey, 1, cv2.REDUCE_MIN))[:, 0]
    width = rise / (math.sqrt(2 * math.pi) * np.maximum(steepest, 1e-3))

    def of_rays(rays: slice) -> tuple[float, float] | None:
        there = seen[rays]
        if np.count_nonzero(there) < _MIN_RAYS:
            return None
        widths = width[rays][there]
        quarter = widths.size // 4
        sharpest = float(np.partition(widths, quarter)[quarter])
        blur_px = math.sqrt(max(0.0, sharpest * sharpest - _RIM_SMOOTH_PX * _RIM_SMOOTH_PX))
        return abs(median_upper(across[rays][there])), blur_px

    n = _N_RAYS // N_SECTORS
    sectors = tuple(of_rays(slice(k * n, (k + 1) * n)) for k in range(N_SECTORS))
    step_grey, blur_px = of_rays(slice(None)) or (0.0, math.inf)
    return _Edge(step_grey, blur_px, sectors)


def _core_focus(picture: VisiblePicture, at: Ellipse, face: EndFace) -> float:
    """What a 3 um scratch keeps of its contrast in the blur of the core's edge, 0..1; 0 where no core is seen."""
    beside_rim = (1 + _CORE_REACH) * (face.core_r_px or 0.0) > _IN_CLADDING * at.mean_px  # the rim is no core's edge
    if face.core_r_px is None or face.core_r_px < _MIN_CORE_PX or beside_rim:
        return 0.0
    edge = _edge(picture, at.grown(face.core_r_px / at.mean_px), _CORE_REACH)
    return kept_contrast(edge.blur_px * face.um_per_px) if edge.step_grey >= _MIN_CORE_GREY else 0.0


def _sums(grey: U8, axis: int) -> NDArray[np.int32]:
    """Sums along an axis, as whole numbers."""
    return cv2.reduce(grey, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()  # type: ignore[return-value]


def _light(field: Field, at: Ellipse, core_r_px: float | None) -> tuple[float, float, float]:
    """Mean grey over 255 within two radii, share of white there, and the largest share in core, cladding or ferrule."""
    nearest = np.minimum(np.searchsorted(field.radius, _LIGHT_RADII), field.radius.size - 1)
    grey = np.ascontiguousarray(field.grey[:, nearest])
    n_rays = grey.shape[0]
    brightness = float((_sums(grey, 0) * _LIGHT_WEIGHT).sum()) / (255 * n_rays)
    if not (grey == _WHITE_GREY).any():
        return brightness, 0.0, 0.0
    white = _sums((grey == _WHITE_GREY).view(np.uint8), 0) * _LIGHT_WEIGHT / n_rays
    core = _UNKNOWN_CORE if core_r_px is None else core_r_px / at.mean_px
    in_core = _IN_CORE * core > _LIGHT_RADII
    in_cladding = (_OFF_CORE * core < _LIGHT_RADII) & (_LIGHT_RADII < _IN_CLADDING)
    rings = (ring for ring in (in_core, in_cladding, _LIGHT_RADII > _OFF_CLADDING) if ring.any())
    worst = max(float(white[ring].sum() / _LIGHT_WEIGHT[ring].sum()) for ring in rings)
    return brightness, float(white.sum()), worst
