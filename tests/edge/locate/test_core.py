"""The core inside a known cladding."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_discs import DISC, draw_disc

from edge.imaging.ellipse import Ellipse, VisiblePicture
from edge.locate.core import find_core


@pytest.mark.parametrize("core", [220, 96, 84])
def test_the_core_is_the_step_in_the_cladding(core: float) -> None:
    """Lit, or six grey levels lighter or darker than it; half a pixel."""
    picture = draw_disc(noise=0)
    inner = draw_disc(DISC.grown(0.4), inside=core, outside=90, noise=1)
    ys, xs = np.mgrid[0:160, 0:200]
    inside = np.hypot((xs - DISC.x_px) / DISC.rx_px, (ys - DISC.y_px) / DISC.ry_px) < 0.7
    radius, confidence = find_core(VisiblePicture.whole(np.where(inside, inner, picture)), DISC)
    assert radius == pytest.approx(0.4 * DISC.mean_px, abs=0.5)
    assert 0 < confidence <= 1


def test_a_cladding_of_a_few_pixels_has_no_core() -> None:
    """Nothing to be seen there, and no error."""
    assert find_core(VisiblePicture.whole(draw_disc()), Ellipse(100, 80, 3, 3)) == (None, 0.0)
