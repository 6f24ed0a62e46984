"""Under a film, all rays together find the rim that single rays do not show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from drawn_discs import DISC, U8, draw_disc, off_px

from edge.imaging.ellipse import Ellipse, VisiblePicture
from edge.locate.pyramid import pyramid_of
from edge.locate.rim import Rim
from edge.locate.rim_fit_obscured import cladding_around, fit_obscured_rim

CORE = Rim(DISC.grown(0.5), step_grey=-60.0, coverage=0.95, agreement=1.0, visible=1.0, width_px=1.5)


def under_film() -> U8:
    """A disc with stripes of film across its rim."""
    picture = draw_disc(inside=110, outside=160).astype(np.float32)
    ys, xs = np.mgrid[0:160, 0:200]
    picture += 45 * np.sin((xs + 1.7 * ys) / 3)
    return picture.astype(np.uint8)


def test_a_broken_rim_is_found_by_all_rays_together() -> None:
    """From a concentric start a tenth too small, within 2 %; none where less than half of it is visible."""
    rim = fit_obscured_rim(VisiblePicture.whole(under_film()), DISC.grown(0.9), 8.0, 1.0)
    assert rim is not None
    assert off_px(rim.ellipse) < 0.02 * DISC.mean_px
    assert fit_obscured_rim(VisiblePicture.whole(draw_disc()), Ellipse(-20, 80, 50, 50), 8.0, 1.0) is None


def test_the_cladding_around_a_core_is_found_from_its_ring() -> None:
    """The ring says about where; the core says the centre and the aspect."""
    found = cladding_around(pyramid_of(under_film()), CORE, [(0.95 * DISC.mean_px, 50.0)])
    assert off_px(found.ellipse) < 0.03 * DISC.mean_px


def test_without_a_cladding_the_core_stays() -> None:
    """No ring further out, or no rim where the ring was: what was found remains."""
    assert cladding_around(pyramid_of(under_film()), CORE, []) is CORE
    blank = pyramid_of(np.full((160, 200), 128, np.uint8))
    assert cladding_around(blank, CORE, [(50.0, 20.0)]) is CORE


def test_a_faint_ring_around_a_strong_hole_is_no_cladding() -> None:
    """A guide hole is far stronger than anything around it; a core under a film is not."""
    faint = draw_disc(inside=140, outside=150)
    ring = [(DISC.mean_px, 10.0)]
    hole = replace(CORE, step_grey=100.0)
    assert cladding_around(pyramid_of(faint), hole, ring) is hole
    lit = replace(CORE, step_grey=-20.0)
    assert off_px(cladding_around(pyramid_of(faint), lit, ring).ellipse) < 0.03 * DISC.mean_px
