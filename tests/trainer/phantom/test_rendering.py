"""Rendered end faces: the truth that comes with them is the truth."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.phantom import Defect, Fibre, Light, Scene, Sensor, Texture, random_scene, render
from trainer.phantom.random_scenes import SCOPES
from trainer.phantom.scene import LABEL_OF_KIND

PLAIN = Scene(
    fibre=Fibre(core_um=0.0, cladding_grey=80.0),
    light=Light(ferrule_grey=180.0, vignette=0.0, rim_grey=0.0),
    sensor=Sensor(400, 300, um_per_px=0.6, blur_px=0.0, sharpen=0.0, noise_grey=0.0, jpeg=0),
    texture=Texture(0.0, 1.0, 0.0, 0.0, 0.0),
)


def _with(scene: Scene, *defects: Defect, **sensor: Any) -> Scene:
    return replace(scene, defects=defects, sensor=replace(scene.sensor, **sensor))


def test_equal_scenes_are_equal_pictures() -> None:
    """Everything random is in the scene."""
    for scope in SCOPES:
        one, other = render(random_scene(3, scope)), render(random_scene(3, scope))
        np.testing.assert_array_equal(one.pixels, other.pixels)
        np.testing.assert_array_equal(one.owner, other.owner)
        assert one.marks == other.marks
    assert random_scene(3) != random_scene(4)


def test_change_is_the_difference_to_the_same_face_without_marks() -> None:
    """Grey levels before the noise, wherever the marks reach, and nothing elsewhere."""
    marked = _with(PLAIN, Defect("dig", 40.0, 0.0, size_um=8.0), blur_px=1.0, sharpen=1.0, ringing=0.5)
    one, other = render(marked), render(_with(marked))
    difference = np.abs(one.pixels.astype(int) - other.pixels.astype(int))
    assert difference.max() > 20
    assert np.abs(difference - one.change).max() <= 1
    assert other.change.max() == 0


def test_a_mark_smaller_than_a_pixel_owns_one() -> None:
    """So that a candidate on it does not count as one on nothing."""
    phantom = render(_with(PLAIN, Defect("dig", 40.3, 0.3, size_um=0.3, contrast=-0.9)))
    assert len(phantom.marks) == 1
    assert (phantom.owner == 1).any()


def test_an_echo_with_a_tail_fades_to_the_right() -> None:
    """What is dark has a bright echo on its right, which a tail draws out; the rows' sum stays."""
    dig = Defect("dig", 40.0, 0.0, size_um=2.0, contrast=-0.3)
    echoes = (_with(PLAIN, dig, ringing=0.5, ringing_tail_px=tail) for tail in (0.0, 4.0))
    short, long = (render(scene).pixels.astype(int) for scene in echoes)
    plain = render(_with(PLAIN)).pixels.astype(int)
    left = render(_with(PLAIN, dig)).marks[0].x_px
    beyond = np.s_[:, left + 10 : left + 18]
    assert (long - plain)[beyond].sum() > (short - plain)[beyond].sum() + 10
    assert (short - plain)[:, left + 4 : left + 9].max() > 3


@settings(deadline=None, max_examples=12)
@given(st.floats(0.9, 1.12), st.floats(0.42, 0.58), st.floats(0.42, 0.58))
def test_the_cladding_is_where_the_truth_says(aspect: float, x: float, y: float) -> None:
    """Centre and both radii, from the moments of the dark disc, to a twentieth of a pixel."""
    phantom = render(_with(PLAIN, aspect=aspect, fibre_x=x, fibre_y=y, um_per_px=0.7))
    weight = (180.0 - phantom.pixels.astype(np.float64)) / 100.0
    rows, columns = np.indices(weight.shape)
    total = weight.sum()
    centre_x, centre_y = (weight * columns).sum() / total, (weight * rows).sum() / total
    assert centre_x == pytest.approx(phantom.face.x_px, abs=0.05)
    assert centre_y == pytest.approx(phantom.face.y_px, abs=0.05)
    radius_x = 2 * np.sqrt((weight * (columns - centre_x) ** 2).sum() / total)
    radius_y = 2 * np.sqrt((weight * (rows - centre_y) ** 2).sum() / total)
    assert radius_x == pytest.approx(phantom.face.cladding_rx_px, rel=0.002)
    assert radius_y == pytest.approx(phantom.face.cladding_ry_px, rel=0.002)
    assert phantom.face.cladding_rx_px * phantom.face.um_per_px_x == pytest.approx(62.5)


@pytest.mark.parametrize("aspect", [0.92, 1.0, 1.1])
@pytest.mark.parametrize("size_um", [3.0, 8.0, 20.0])
def test_a_dig_covers_the_area_of_its_size(size_um: float, aspect: float) -> None:
    """A round pit stays round in um where pixels are not square."""
    phantom = render(_with(PLAIN, Defect("dig", 80.0, 40.0, size_um=size_um, contrast=-0.5), aspect=aspect))
    (mark,) = phantom.marks
    clean = render(_with(PLAIN, aspect=aspect))
    change = (clean.pixels.astype(float) - phantom.pixels) / (0.5 * 180.0)
    area_um2 = change.sum() * phantom.face.um_per_px_x * phantom.face.um_per_px_y
    assert 2 * np.sqrt(area_um2 / np.pi) == pytest.approx(size_um, abs=0.5 * 0.6)
    assert mark.diameter_um == pytest.approx(size_um, rel=0.01)
    assert mark.contrast_grey == pytest.approx(90.0, abs=3.0)


def test_a_scratch_has_its_width_and_length() -> None:
    """Area over length is the width, whatever the direction."""
    for angle in (0.0, 33.0, 90.0):
        scratch = Defect("scratch", 75.0, -60.0, size_um=40.0, width_um=3.0, angle_deg=angle, contrast=-0.5)
        phantom = render(_with(PLAIN, scratch))
        (mark,) = phantom.marks
        change = (render(PLAIN).pixels.astype(float) - phantom.pixels) / 90.0
        assert change.sum() * 0.36 / 40.0 == pytest.approx(3.0, abs=0.4)
        assert (mark.length_um, mark.width_um) == (40.0, 3.0)


def test_every_kind_is_drawn_and_named() -> None:
    """Each kind leaves a mark of its label, whose pixels belong to it and lie in its box."""
    for kind, label in LABEL_OF_KIND.items():
        defect = Defect(kind, 85.0, -40.0, size_um=20.0, width_um=4.0, contrast=-0.6, roughness=0.3, seed=2)  # type: ignore[arg-type]
        phantom = render(_with(PLAIN, defect))
        (mark,) = phantom.marks
        assert mark.label == label
        rows, columns = np.nonzero(phantom.owner == 1)
        assert len(rows) == mark.area_px > 0
        assert (columns.min(), rows.min()) == (mark.x_px, mark.y_px)
        assert (columns.max(), rows.max()) == (mark.x_px + mark.w_px - 1, mark.y_px + mark.h_px - 1)
        assert mark.contrast_grey > 10


def test_chips_lie_across_the_rim() -> None:
    """Wherever on the rim they were asked for."""
    for angle in range(0, 360, 45):
        for hollow in (0.0, 0.6):
            chip = Defect("chip", size_um=8.0, width_um=4.0, angle_deg=angle, contrast=-0.6, hollow=hollow, seed=angle)
            phantom = render(_with(PLAIN, chip))
            rows, columns = np.nonzero(phantom.owner)
            x = (columns - phantom.face.x_px) * phantom.face.um_per_px_x
            y = (rows - phantom.face.y_px) * phantom.face.um_per_px_y
            assert np.hypot(x, y).min() < 63.5
            assert np.hypot(x, y).max() > 61.5
            off = np.degrees(np.arctan2(y.mean(), x.mean())) - angle
            assert abs((off + 180) % 360 - 180) < 8


def test_a_defect_outside_the_picture_leaves_nothing() -> None:
    """Neither a mark nor a pixel, and those after it keep their numbers."""
    away = Defect("dig", 5000.0, 0.0)
    here = Defect("dig", 80.0, 0.0, size_um=6.0)
    phantom = render(_with(PLAIN, away, here))
    assert [mark.defect for mark in phantom.marks] == [here]
    assert set(np.unique(phantom.owner)) == {0, 1}


def test_oblique_light_gives_a_bright_twin() -> None:
    """On the side that the light says, and none in coaxial light."""
    dig = Defect("dig", 90.0, 0.0, size_um=6.0, contrast=-0.4)
    lit = replace(_with(PLAIN, dig), light=replace(PLAIN.light, oblique=0.5, from_deg=0.0))
    pixels = render(lit).pixels.astype(int)
    x, y = round(199.5 + 90 / 0.6), round(149.5)
    right, left = pixels[y - 4 : y + 5, x : x + 15], pixels[y - 4 : y + 5, x - 14 : x + 1]
    assert right.max() > 190
    assert left.max() <= 182
    assert render(_with(PLAIN, dig)).pixels.max() <= 181


def test_a_second_edge_is_the_bore() -> None:
    """It has its own centre and radius; a single edge has none."""
    fibre = replace(PLAIN.fibre, bore_gap_um=3.0, bore_off_x_um=1.2)
    bore = render(replace(PLAIN, fibre=fibre)).bore
    assert bore is not None
    assert bore.cladding_rx_px == pytest.approx(65.5 / 0.6)
    assert bore.x_px == pytest.approx(199.5 + 1.2 / 0.6)
    assert render(PLAIN).bore is None


def test_clean_scenes_have_no_defects() -> None:
    """For pictures that must pass."""
    assert random_scene(5, clean=True).defects == ()


def test_an_unknown_scope_is_refused() -> None:
    """By its name, and with those that exist."""
    with pytest.raises(ValueError, match=r"'webcam', expected one of digital"):
        random_scene(0, "webcam")


def test_rendering_needs_no_tensorflow() -> None:
    """The edge's tests render, and an edge has none."""
    code = "import sys, trainer.phantom.random_scenes, trainer.phantom.rendering; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
