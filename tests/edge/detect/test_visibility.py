"""The smallest mark that shows: what follows from blur, noise, contrast and pixel, and that the detector holds it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from drawn_faces import Disc, Drawing, draw
from hypothesis import given
from hypothesis import strategies as st

from edge.detect import DetectSettings, detect, smallest_marks_um, too_small
from edge.detect.visibility import STRENGTH, smallest_mark_um
from edge.records import JudgedRing, Seeing

GOOD = Seeing("B", 1.0, 1.5, 80.0)
SETTINGS = DetectSettings()


@given(
    st.floats(0.3, 6),
    st.floats(0, 20),
    st.floats(5, 200),
    st.floats(0.1, 2),
    st.sampled_from(["blur_px", "noise_grey", "step_grey", "um_per_px"]),
)
def test_whatever_is_worse_shows_no_smaller_marks(
    blur_px: float, noise: float, step: float, um: float, what: str
) -> None:
    """More blur or noise, less contrast or larger pixels: the smallest defect and scratch only grow."""
    seeing = Seeing("B", blur_px, noise, step)
    worse, worse_um = seeing, um
    if what == "um_per_px":
        worse_um = 1.3 * um
    else:
        worse = replace(seeing, **{what: getattr(seeing, what) * (0.7 if what == "step_grey" else 1.3)})
    for before, after in zip(
        smallest_mark_um(seeing, um, SETTINGS), smallest_mark_um(worse, worse_um, SETTINGS), strict=True
    ):
        assert 0 < before <= after


def test_without_contrast_nothing_shows() -> None:
    """However large it is."""
    assert smallest_mark_um(replace(GOOD, step_grey=10.0), 0.4, SETTINGS) == (math.inf, math.inf)
    assert smallest_mark_um(replace(GOOD, blur_px=math.inf), 0.4, SETTINGS) == (math.inf, math.inf)


@pytest.mark.parametrize(("blur", "noise", "radius"), [(0.8, 1.5, 145), (1.3, 3.0, 105), (0.6, 1.5, 80)])
def test_the_detector_finds_marks_from_that_size_on(blur: float, noise: float, radius: float) -> None:
    """At 1.1 times that size at least nine of ten drawn ones are found, at .7 times none: the figure is no guess."""
    um = 62.5 / radius
    seeing = Seeing("B", math.sqrt(blur * blur + 1 / 12), noise, 80.0)
    smallest_um, _ = smallest_mark_um(seeing, um, SETTINGS)
    shares = []
    for over in (1.1, 0.7):
        at = [(0.5 * radius * math.cos(a), 0.5 * radius * math.sin(a)) for a in range(6)]
        marks = tuple(Disc(x, y, over * smallest_um / um, (-1) ** k * STRENGTH * 80) for k, (x, y) in enumerate(at))
        side = int(3 * radius)
        centre = side / 2 + 0.3, side / 2 - 0.2
        found = 0
        for seed in range(4):
            pixels, face = draw(
                Drawing(marks, radius, 1.0, blur, noise, core=0.0, seed=seed, centre=centre, shape=(side, side))
            )
            boxes = detect(pixels, face)
            found += sum(
                any(
                    c.x_px - 2 <= centre[0] + x <= c.x_px + c.w_px + 2
                    and c.y_px - 2 <= centre[1] + y <= c.y_px + c.h_px + 2
                    for c in boxes
                )
                for x, y in at
            )
        shares.append(found / 24)
    assert shares[0] >= 0.9
    assert shares[1] <= 0.1


def test_a_zone_is_as_good_as_its_worst_part() -> None:
    """One eighth that shows less decides."""
    worse = replace(GOOD, noise_grey=9.0)
    assert smallest_marks_um((GOOD, worse, GOOD), 0.4, SETTINGS) == {"B": smallest_mark_um(worse, 0.4, SETTINGS)}


def test_what_would_be_missed_is_said_once_a_zone() -> None:
    """With what shows and what must be seen; a zone in which nothing small matters is not asked for it."""
    rings = (
        JudgedRing("A", 0, 12.5, 2.0, 1.0),
        JudgedRing("B", 12.5, 57.5, 2.0, 3.0),
        JudgedRing("D", 67, 125, 10.0, None),
    )
    assert too_small(rings, {"A": (2.0, 1.0), "B": (1.0, 3.0), "D": (10.0, math.inf)}) == ()
    told = too_small(rings, {"A": (1.5, 1.2), "B": (2.4, 9.0), "D": (math.inf, 1.0)})
    assert told == (
        "marks would be missed: in zone A a scratch shows only from 1.2 um wide, and 1 um must be seen",
        "marks would be missed: in zone B a defect shows only from 2.4 um across, and 2 um must be seen",
        "marks would be missed: in zone D a defect shows at no size, and 10 um must be seen",
    )
    assert too_small(rings, {}) == ()
