"""Edges vote for the centres of discs, and rings tell their radii."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_discs import draw_disc

from edge.imaging.ellipse import Ellipse, VisiblePicture
from edge.locate.circle_votes import centres, rings, smoothed, votes, without_halos

CIRCLE = Ellipse(100.3, 80.6, 48, 48)
BLANK = VisiblePicture.whole(np.full((160, 200), 128, np.uint8))


@pytest.mark.parametrize(("inside", "sign"), [(90, 1.0), (220, -1.0)])
def test_edges_vote_for_the_centre(inside: float, sign: float) -> None:
    """Of a disc of either polarity; looked for with the other one, its votes do not meet."""
    picture = VisiblePicture.whole(draw_disc(CIRCLE, inside=inside, outside=160))
    x, y = next(centres(picture, (4, 90)))
    assert math.hypot(x - 100, y - 80) < 3
    own, other = (votes(picture, (45, 51), (s,)) for s in (sign, -sign))
    best_y, best_x = np.unravel_index(own.argmax(), own.shape)
    assert math.hypot(best_x - 100, best_y - 80) < 3
    assert other.max() < 0.3 * own.max()


def test_few_centres_are_tried() -> None:
    """Four at most, none next to another, none in an empty picture."""
    picture = np.full((160, 200), 160, np.uint8)
    for at in [(x, y, 12.0, 12.0) for x in (30.0, 80.0, 130.0, 175.0) for y in (40.0, 110.0)]:
        disc = draw_disc(Ellipse(*at), inside=80, outside=160, noise=0)
        picture = np.minimum(picture, disc)
    found = list(centres(VisiblePicture.whole(picture), (4, 90)))
    assert 1 <= len(found) <= 4
    apart = [math.dist(a, b) for k, a in enumerate(found) for b in found[:k]]
    assert min(apart, default=math.inf) > 8
    assert list(centres(BLANK, (4, 90))) == []


def test_what_lies_in_a_black_frame_has_no_vote() -> None:
    """Neither its edge nor what is behind it."""
    framed = draw_disc(CIRCLE)
    framed[:, :20] = 0
    seen = votes(VisiblePicture(framed, 22, 0, 199, 159), (45, 51), (1.0, -1.0))
    rest = votes(VisiblePicture.whole(framed[:, 20:]), (45, 51), (1.0, -1.0))
    assert seen[40:120, 80:120].max() == pytest.approx(rest[40:120, 60:100].max(), rel=0.1)
    assert not votes(VisiblePicture(framed, 100, 0, 103, 159), (4, 90), (1.0,)).any()


@pytest.mark.parametrize("shape", [(1, 1), (4, 300), (7, 7), (6, 5)])
def test_a_picture_of_a_few_pixels_has_no_centre(shape: tuple[int, int]) -> None:
    """And that is no error."""
    picture = VisiblePicture.whole(np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8))
    assert len(list(centres(picture, (2.0, 0.62 * min(shape))))) <= 4


@pytest.mark.parametrize("sigma", [1.2, 1.5, 2.7])
def test_votes_are_smoothed_in_whole_numbers(sigma: float) -> None:
    """The largest tally that there can be does not reach what float32 rounds."""
    tally = np.zeros((60, 80), np.float32)
    tally[20:40, 30:60] = 30_000
    smooth = smoothed(tally, sigma)
    assert np.array_equal(smooth, np.rint(smooth))
    assert smooth.max() < 2**24
    assert np.unravel_index(smooth.argmax(), smooth.shape)[0] in range(20, 40)


@pytest.mark.parametrize(("inside", "step"), [(145, 15), (175, -15), (90, 36), (220, -36)])
def test_rings_say_the_radius_and_the_step(inside: float, step: float) -> None:
    """Positive where grey rises outwards, at least half of it, less where it is steep. Of nothing, nothing."""
    picture = VisiblePicture.whole(draw_disc(CIRCLE, inside=inside, outside=160))
    radius, told = rings(picture, 100, 80, (4, 90))[0]
    assert radius == pytest.approx(48, abs=2)
    assert 0.5 <= told / step <= 1
    assert rings(BLANK, 100, 80, (4, 90)) == []


def test_rings_come_outermost_first() -> None:
    """Cladding, then core."""
    picture = np.minimum(draw_disc(CIRCLE), draw_disc(CIRCLE.grown(0.4), inside=40))
    radii = [radius for radius, _ in rings(VisiblePicture.whole(picture), 100, 80, (4, 90))]
    assert radii == sorted(radii, reverse=True)
    assert [radius for radius in radii if abs(radius - 48) < 3 or abs(radius - 19) < 3] == radii


def test_the_flank_of_a_line_is_no_ring() -> None:
    """A weak step just outside a strong one the other way; not if it is as strong, further off, or the same way."""
    assert without_halos([(50.0, -5.0), (47.0, 20.0)]) == [(47.0, 20.0)]
    for kept in ([(50.0, -15.0), (47.0, 20.0)], [(50.0, -5.0), (40.0, 20.0)], [(50.0, 5.0), (47.0, 20.0)]):
        assert without_halos(kept) == kept
    assert without_halos([]) == []
