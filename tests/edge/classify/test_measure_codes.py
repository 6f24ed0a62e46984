import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.classify import PatchSpec, encode_measures
from edge.classify.measure_codes import _codes, measure_box, measure_picture
from edge.classify.measures import MEASURES
from edge.errors import UsageError
from edge.records import Candidate, EndFace

FACE = EndFace(200.0, 200.0, 125.0, 125.0, 50.0, 0.5, 0.5)
MARK = Candidate(
    x_px=0, y_px=0, w_px=4, h_px=3, area_px=12, diameter_um=4.0, length_um=4.0, width_um=2.0, area_um2=6.0,
    distance_um=50.0, nearest_um=48.0, farthest_um=52.0, contrast_grey=-30.0, mean_grey=-12.0, noise_grey=2.0,
)  # fmt: skip


def test_nothing_to_encode() -> None:
    """No candidates give no codes, and a model that asks for no measures gets none, of the right shape."""
    assert encode_measures([], FACE, PatchSpec(measures=("snr", "fill"))).shape == (0, 2)
    assert encode_measures([MARK, MARK], FACE, PatchSpec()).shape == (2, 0)


def code(name: str, face: EndFace | None = FACE, **values: float) -> int:
    """Code of one measure of a mark with these figures."""
    return int(encode_measures([replace(MARK, **values)], face, PatchSpec(measures=(name,)))[0, 0])  # type: ignore[arg-type]


def test_scales_end_where_they_say() -> None:
    """Codes 1 and 255 stand at the scale's ends, and beyond them the value is clipped."""
    assert [code("length_um", length_um=v) for v in (0.0, 0.25, 10.0, 400.0, 9e9)] == [1, 1, 128, 255, 255]
    assert [code("contrast_grey", contrast_grey=v) for v in (-200.0, -127.0, 0.0, 127.0, 255.0)] == [
        1,
        1,
        128,
        255,
        255,
    ]
    assert [code("fill", area_um2=v * math.pi * 4) for v in (0.0, 0.5, 1.0)] == [1, 128, 255]


def test_place_is_told_in_the_fibre_s_own_units() -> None:
    """Distances are over the cladding's radius (62.5 um here), to its rim, and to the core's edge (25 um)."""
    assert code("distance_radii", distance_um=62.5) == 101
    assert code("rim_um", distance_um=62.5) == 128
    assert code("rim_um", distance_um=60.5) == 124
    assert code("rim_gap_um", nearest_um=60.0, farthest_um=65.0) == 1
    assert code("rim_gap_um", nearest_um=20.0, farthest_um=42.5) == code(
        "rim_gap_um", nearest_um=82.5, farthest_um=90.0
    )
    assert code("core_um", distance_um=25.0) == 128


def test_unknown_is_zero() -> None:
    """Without a face, a core or a finite figure the code is 0, which no known value has."""
    for name in ("distance_radii", "nearest_radii", "farthest_radii", "rim_um", "rim_gap_um", "core_um"):
        assert code(name, face=None) == 0
        assert code(name) > 0
    assert code("core_um", face=replace(FACE, core_r_px=None)) == 0
    assert code("length_um", length_um=math.nan) == 0
    assert code("snr", noise_grey=0.0) == 0
    assert code("aspect", width_um=0.0) == 0
    assert code("aspect", length_um=math.inf, width_um=math.inf) == 0


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(sorted(MEASURES)), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_scales_rise(name: str, a: float, b: float) -> None:
    """A larger figure never gets a smaller code."""
    low, high = _codes(np.array([sorted((a, b))]), (name,))[0]
    assert 1 <= low <= high <= 255


def figure_of(name: str, c: Candidate, face: EndFace | None) -> float | None:
    """A measure by the book, one mark at a time; None where it is not known."""
    if name in ("length_um", "width_um", "diameter_um", "area_um2", "contrast_grey", "mean_grey", "noise_grey"):
        return float(getattr(c, name))
    if name == "aspect":
        return c.length_um / c.width_um if c.width_um > 0 else None
    if name == "fill":
        return c.area_um2 / (math.pi / 4 * c.diameter_um**2) if c.diameter_um > 0 else None
    if name in ("snr", "mean_snr"):
        grey = c.contrast_grey if name == "snr" else c.mean_grey
        return abs(grey) / c.noise_grey if c.noise_grey > 0 else None
    if name == "box_px":
        return float(max(c.w_px, c.h_px))
    if face is None:
        return None
    um = math.sqrt(face.um_per_px_x * face.um_per_px_y)
    radius = math.sqrt(face.cladding_rx_px * face.um_per_px_x * face.cladding_ry_px * face.um_per_px_y)
    if name.endswith("_radii"):
        return float(getattr(c, name.replace("_radii", "_um")) / radius)
    if name == "rim_um":
        return c.distance_um - radius
    if name == "rim_gap_um":
        return max(c.nearest_um - radius, radius - c.farthest_um, 0.0)
    return None if face.core_r_px is None else c.distance_um - face.core_r_px * um


def code_by_the_book(name: str, c: Candidate, face: EndFace | None) -> int:
    """A figure on its scale."""
    figure, scale = figure_of(name, c, face), MEASURES[name]
    if figure is None or not math.isfinite(figure):
        return 0
    figure, low, high = min(max(figure, scale.low), scale.high), scale.low, scale.high
    if scale.log:
        figure, low, high = math.log(figure), math.log(low), math.log(high)
    return int(1 + np.rint(254 * (figure - low) / (high - low)))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 9999), st.integers(0, 12), st.sampled_from([FACE, replace(FACE, core_r_px=None), None]))
def test_all_marks_at_once_have_the_codes_of_each_by_the_book(seed: int, n: int, face: EndFace | None) -> None:
    """Any number of marks, any of the measures in any order, figures of any size, zero and not finite among them."""
    random = np.random.default_rng(seed)
    figures = ("diameter_um", "length_um", "width_um", "area_um2", "distance_um", "nearest_um", "farthest_um",
               "contrast_grey", "mean_grey", "noise_grey")  # fmt: skip
    sizes = np.exp(random.normal(0, 3, (n, len(figures)))) * random.choice([-1, 0, 1, 1, 1], (n, len(figures)))
    sizes[random.random(sizes.shape) < 0.02] = math.inf
    boxes = random.integers(1, 2000, (n, 2)).tolist()
    marks = [
        replace(MARK, w_px=w, h_px=h, **dict(zip(figures, row, strict=True)))
        for (w, h), row in zip(boxes, sizes.tolist(), strict=True)
    ]
    names = tuple(random.permutation(sorted(MEASURES))[: random.integers(1, len(MEASURES))].tolist())
    expected = [[code_by_the_book(name, c, face) for name in names] for c in marks]
    assert encode_measures(marks, face, PatchSpec(measures=names)).tolist() == expected


BOX = PatchSpec(28, measures=("snr", "box_px"))


def test_a_small_ready_made_patch_tells_nothing() -> None:
    """Of the model's size or less it says nothing of the mark, and is checked all the same."""
    assert measure_picture(np.zeros((28, 20), np.uint8), BOX).tolist() == [0, 0]
    assert measure_picture(np.zeros((200, 200), np.uint8), PatchSpec(28, measures=("snr",))).tolist() == [0]
    with pytest.raises(UsageError, match="expected a non-empty"):
        measure_picture(np.zeros((200, 200), np.float32), BOX)


@pytest.mark.parametrize("longer", [22, 23, 64, 100, 555])
def test_a_large_ready_made_patch_tells_the_box_it_was_cut_around(longer: int) -> None:
    """To a code: the side was rounded up to whole pixels."""
    known = encode_measures([replace(MARK, w_px=longer, h_px=5)], None, BOX)[0, 1]
    told = measure_box(longer, 5, BOX)
    assert told[0] == 0
    assert abs(int(told[1]) - int(known)) <= 2
    assert measure_box(5, longer, BOX).tolist() == told.tolist()
