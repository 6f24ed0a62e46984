"""Which discs are fibres of one ferrule, and the order in which they are given."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_discs import U8, draw_disc

from edge.imaging.ellipse import Ellipse
from edge.locate.multifibre import Ferrule, alike, evenly_spaced, in_reading_order, siblings
from edge.locate.pyramid import pyramid_of
from edge.locate.rim import Rim
from edge.locate.rim_fit import sharp_rim
from edge.locate.settings import LocateSettings
from edge.records import EndFace, Unlocated


def rim(x: float, y: float, radius: float = 20.0, step_grey: float = 80.0) -> Rim:
    """A rim that the picture supports in every way."""
    return Rim(Ellipse(x, y, radius, radius), step_grey, coverage=1.0, agreement=1.0, visible=1.0, width_px=1.0)


def places(rims: list[Rim]) -> list[tuple[float, float]]:
    """Their centres."""
    return [(r.ellipse.x_px, r.ellipse.y_px) for r in rims]


@pytest.mark.parametrize("other", [rim(9, 9, radius=22), rim(9, 9, step_grey=-80), rim(9, 9, step_grey=25)])
def test_fibres_are_of_one_size_polarity_and_contrast(other: Rim) -> None:
    """8 % in radius, two and a half times in contrast, whichever of the two is asked first."""
    assert alike(rim(0, 0), rim(9, 9, radius=21, step_grey=50))
    assert not alike(rim(0, 0), other)
    assert not alike(other, rim(0, 0))


def test_four_in_a_row_are_evenly_spaced() -> None:
    """Three are too few; one in four may be off, two may not."""
    row = [rim(80.0 * k, 50) for k in range(4)]
    assert evenly_spaced(row)
    assert not evenly_spaced(row[:3])
    assert evenly_spaced([*row, rim(80.0 * 4 + 40, 50)])
    scattered = [rim(x, y) for x, y in ((0, 0), (60, 10), (200, 40), (330, 300))]
    assert not evenly_spaced(scattered)


def face(x: float, y: float) -> EndFace:
    """A fibre there, of a radius of 20 px."""
    return EndFace(x, y, 20.0, 20.0, None, 3.1, 3.1)


def test_fibres_are_read_row_by_row() -> None:
    """From the left, though a row is not quite level; without a place last."""
    given = [face(200, 103), face(40, 200), face(120, 98), face(40, 105), face(120, 203)]
    given_places = [(40, 105), (120, 98), (200, 103), (40, 200), (120, 203)]
    assert [(f.x_px, f.y_px) for f in in_reading_order(given)] == given_places
    assert in_reading_order([]) == []
    gone, nowhere = Unlocated("gone", 80, 100, 20, 20), Unlocated("one too few")
    assert in_reading_order([nowhere, face(120, 101), gone, face(40, 99)])[1::2] == [gone, nowhere]


def ferrule(*at: tuple[float, float], radius: float = 17.3) -> U8:
    """(160, 200) uint8: dark discs at these places."""
    discs = [draw_disc(Ellipse(x, y, radius, radius), noise=0) for x, y in at]
    return np.asarray(np.minimum.reduce(discs), np.uint8)


def test_the_other_fibres_are_found_beside_the_first() -> None:
    """Each once, the first one at the head; a disc of another size is none."""
    at = [(40.2, 40.4), (100.1, 40.3), (160.4, 40.2), (100.3, 110.6)]
    picture = np.minimum(ferrule(*at), ferrule((40.0, 110.0), radius=11))
    pyramid = pyramid_of(picture)
    first = sharp_rim(pyramid, Ellipse(101, 41, 17, 17), 1.0, 1.0)
    assert first is not None
    found = siblings(pyramid, first, LocateSettings())
    assert found.located[0] is first
    for (x, y), (true_x, true_y) in zip(sorted(places(found.located)), sorted(at), strict=True):
        assert max(abs(x - true_x), abs(y - true_y)) < 0.2


def test_one_fibre_has_no_siblings() -> None:
    """Neither bright discs of its size nor itself again."""
    bright = draw_disc(Ellipse(140, 80, 17.3, 17.3), inside=255, outside=180, noise=0)
    pyramid = pyramid_of(np.where(bright > 180, bright, ferrule((60.2, 80.4))))
    first = sharp_rim(pyramid, Ellipse(60, 80, 17, 17), 1.0, 1.0)
    assert first is not None
    assert siblings(pyramid, first, LocateSettings()) == Ferrule([first], [])
