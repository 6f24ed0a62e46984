"""Where the fibre is: its cladding as an axis-aligned ellipse, its core, and the size of a pixel.

A fibre is a disc whose edge shows as a step of grey, darker or brighter than the ferrule around it. It is
found coarse to fine, and only a strip around the rim is ever looked at in full resolution:

1. The picture is halved again and again (`edge.locate.pyramid`).
2. In the picture made small, points that the normals of many edges meet in are centres, and the steps of the mean
   grey around them are rings (`edge.locate.circle_votes`).
3. Each ring is fitted with an ellipse, below a pixel (`edge.locate.rim_fit`). The outermost one that is the rim of a
   disc (`edge.locate.rim`) is the cladding. The core is further in, and when lit it may well be the stronger one.
4. Under a film, where single rays tell little, all rays are fitted together (`edge.locate.rim_fit_obscured`).
5. Further fibres of the same ferrule are looked for where they are asked for (`edge.locate.multifibre`), and what must
   be one and cannot be located (`edge.locate.rim_part`, `edge.locate.grid`).
6. In a ferrule as rough as resin with glass beads the discs are found by their evenness (`edge.locate.rough`).
7. Inside the cladding, the core (`edge.locate.core`).

A bore wider than the glass shows two edges, up to some pixels apart. The outer one is taken: it is the step
that every picture shows.
"""

from __future__ import annotations

import math

from edge.arguments import check_grey, check_kind
from edge.arrays import U8
from edge.imaging.ellipse import Ellipse
from edge.locate.circle_votes import centres, rings, without_halos
from edge.locate.core import find_core
from edge.locate.multifibre import Ferrule, evenly_spaced, in_reading_order, siblings
from edge.locate.pyramid import Pyramid, pyramid_of
from edge.locate.rim import Rim, is_disc, is_field_stop
from edge.locate.rim_fit import rim_of_ring
from edge.locate.rim_fit_obscured import cladding_around
from edge.locate.rough import may_be_rough, rough_ferrule
from edge.locate.settings import DEFAULT_SETTINGS, LocateSettings
from edge.locate.thresholds import THRESHOLDS
from edge.records import EndFace, Unlocated

_DISC = THRESHOLDS.disc
_ROW_RADII = 10.0
"""Twice 250 um, and half a fibre of 125 um at either end, in radii."""


def locate(pixels: U8, settings: LocateSettings = DEFAULT_SETTINGS) -> EndFace | None:
    """The fibre in the picture, or None where there is none; the clearest one where there are several.

    Args:
        pixels: (h, w) uint8 grey, not changed.
        settings: what is known of scale and size.
    """
    _check(pixels, settings)
    pyramid = pyramid_of(pixels)
    ferrule = _ferrule(pyramid, settings, every=False)
    return _end_face(pyramid, ferrule.located[0], settings) if ferrule.located else None


def locate_all(pixels: U8, settings: LocateSettings = DEFAULT_SETTINGS) -> tuple[EndFace, ...]:
    """Every fibre in the picture that can be located, row by row from the top, each row from the left; may be empty.

    Fibres of one picture are of one size, polarity and, within a factor of 2.5, contrast. What else must be a fibre is
    told by `locate_fibres`.

    Args:
        pixels: (h, w) uint8 grey, not changed.
        settings: what is known of scale and size.
    """
    return tuple(fibre for fibre in locate_fibres(pixels, settings) if isinstance(fibre, EndFace))


def locate_fibres(pixels: U8, settings: LocateSettings = DEFAULT_SETTINGS) -> tuple[EndFace | Unlocated, ...]:
    """Every fibre that belongs to the picture, in reading order: those of `locate_all`, and those that are not located.

    Where at least one is located, a place that shows part of such a rim, a disc of another contrast, and a gap in a row
    of fibres is `Unlocated`; so is what `settings.n_fibres` says is missing, and then nothing beyond that number.

    Args:
        pixels: (h, w) uint8 grey, not changed.
        settings: what is known of scale, size and number.

    Returns:
        empty where there is no end face at all.
    """
    _check(pixels, settings)
    pyramid = pyramid_of(pixels)
    ferrule = _ferrule(pyramid, settings, every=True)
    faces = [_end_face(pyramid, rim, settings) for rim in ferrule.located]
    return tuple(in_reading_order([*faces, *ferrule.unlocated]))


def _check(pixels: object, settings: object) -> None:
    check_grey(pixels)
    check_kind(settings, LocateSettings, "settings")


def _ferrule(pyramid: Pyramid, settings: LocateSettings, every: bool) -> Ferrule:
    """The rims that are fibres, as `_polished_ferrule`; where grain hides them, those that are even discs in it."""
    found = _polished_ferrule(pyramid, settings, every)
    if not may_be_rough(pyramid, found):
        return found
    in_grain = rough_ferrule(pyramid, lambda of_deviation: _polished_ferrule(of_deviation, settings, every))
    return in_grain if len(in_grain.located) > len(found.located) else found


def _polished_ferrule(pyramid: Pyramid, settings: LocateSettings, every: bool) -> Ferrule:
    """The rims that are fibres, the clearest first; with `every` all of them, else at least that one.

    Of several discs it is the one that has most others like it: a larger one that lies alone among them is dirt.
    """
    short = min(pyramid.levels[0].pixels.shape)
    for k in pyramid.searched:
        best = Ferrule([], [])
        for rim in sorted(_discs(pyramid, k, settings), key=lambda rim: -rim.coverage):
            is_lone = rim.ellipse.mean_px >= min(settings.min_lone_radius * short, settings.min_lone_radius_px)
            may_be_row = _may_be_row(rim.ellipse, pyramid)
            if is_lone and not may_be_row and not every:
                return Ferrule([rim], [])
            ferrule = siblings(pyramid, rim, settings)
            n = len(ferrule.located)
            if n > len(best.located) and (is_lone or evenly_spaced(ferrule.located)):
                best = ferrule
            if is_lone and not may_be_row:
                break
        if best.located:
            return best
    return Ferrule([], [])


def _may_be_row(fibre: Ellipse, pyramid: Pyramid) -> bool:
    """Whether three such fibres in a row, 250 um apart, have room in the picture."""
    return fibre.mean_px * _ROW_RADII <= float(max(pyramid.levels[0].pixels.shape))


def _discs(pyramid: Pyramid, k: int, settings: LocateSettings) -> list[Rim]:
    """Rims of discs, at most one around each of the likeliest centres of level `k`; a clear large one ends it."""
    picture = pyramid.levels[k]
    short = min(picture.pixels.shape)
    radii_px = max(2.0, settings.min_radius * short), settings.max_radius * short
    found: list[Rim] = []
    for x, y in centres(picture, radii_px):
        around = [(Ellipse(x, y, r, r), step) for r, step in without_halos(rings(picture, x, y, radii_px))]
        rim = _outermost(pyramid, k, around, settings)
        if rim is not None:
            found.append(rim)
            if rim.coverage > _DISC.clear_coverage and not _may_be_row(rim.ellipse, pyramid):
                break
    return found


def _outermost(
    pyramid: Pyramid, k: int, concentric: list[tuple[Ellipse, float]], settings: LocateSettings
) -> Rim | None:
    """The cladding among concentric rings of level `k` (with their steps), outermost first: the first rim of a disc.

    Where that rim is soft, a much sharper one further in takes its place.
    """
    soft: Rim | None = None
    broken: list[tuple[float, float]] = []
    for ring, step in concentric:
        rim = rim_of_ring(pyramid, k, ring, math.copysign(1.0, step))
        if rim is None or not is_disc(rim, settings):
            if soft is None:
                broken.append((ring.rx_px * 2.0**k, step))
        elif is_field_stop(rim, pyramid.levels[0]):
            continue
        elif soft is not None:
            # what falls off slowly around a sharp rim is light, and not what the rim is inside of
            if rim.steepness > _DISC.halo_steepness * soft.steepness:
                return rim
            break
        elif rim.width_px <= _DISC.soft_width * rim.ellipse.mean_px:
            return cladding_around(pyramid, rim, broken)
        else:
            soft = rim
    return None if soft is None else cladding_around(pyramid, soft, broken)


def _end_face(pyramid: Pyramid, cladding: Rim, settings: LocateSettings) -> EndFace:
    """The end face of a cladding: with its core, and with the scale that was given or that the cladding gives."""
    at = cladding.ellipse
    k = pyramid.level_below(at.mean_px, THRESHOLDS.rim.sharp_radius_px)
    core_r_px, confidence = find_core(pyramid.levels[k], at.scaled(0.5**k))
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
