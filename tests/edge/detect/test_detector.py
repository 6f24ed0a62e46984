"""The detector on drawn end faces with known marks, beside published detectors, and on the real pictures."""

from __future__ import annotations

import importlib
import json
import math
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import references
from drawn_faces import Disc, Drawing, Line, draw, spot
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.detect import DetectSettings, detect
from edge.errors import UsageError
from edge.records import Candidate, EndFace

Grey = NDArray[np.uint8]


def at(candidates: tuple[Candidate, ...], face: EndFace, mark: Disc | Line) -> Candidate:
    """The smallest candidate whose box holds the mark's centre."""
    x, y = face.x_px + mark.x, face.y_px + mark.y
    over = [c for c in candidates if c.x_px - 1 <= x <= c.x_px + c.w_px and c.y_px - 1 <= y <= c.y_px + c.h_px]
    assert over, f"nothing found at {mark}"
    return min(over, key=lambda c: c.w_px * c.h_px)


@pytest.mark.parametrize("noise", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("light", [0.0, 0.1])
def test_a_clean_face_has_no_marks(noise: float, light: float) -> None:
    """A clean end face gives nothing, whatever the noise and however uneven the light."""
    assert detect(*draw(Drawing(noise=noise, light=light))) == ()


@pytest.mark.parametrize("grey", [0, 20, 128, 255])
def test_a_constant_picture_has_no_marks(grey: int) -> None:
    """A picture of one grey level gives nothing, wherever the face is said to be."""
    pixels = np.full((300, 320), grey, np.uint8)
    for x, y in ((160.0, 150.0), (0.0, 0.0), (319.0, 10.0)):
        assert detect(pixels, EndFace(x, y, 70, 72, 20, 0.9, 0.9)) == ()


@pytest.mark.parametrize("shape", [(1, 1), (5, 400), (400, 5), (8, 8), (30, 30)])
def test_tiny_pictures_are_looked_at_without_an_error(shape: tuple[int, int]) -> None:
    """A picture too small to hold a face gives what can be seen in it, and no exception."""
    pixels = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    assert isinstance(detect(pixels, EndFace(shape[1] / 2, shape[0] / 2, 100, 100, None, 1, 1)), tuple)
    assert isinstance(detect(pixels, EndFace(shape[1] / 2, shape[0] / 2, 16, 17, 3, 4, 4)), tuple)


def test_a_face_beside_the_picture_has_no_marks() -> None:
    """A face whose field lies outside the picture gives nothing."""
    assert detect(np.zeros((100, 100), np.uint8), EndFace(900, 900, 50, 50, None, 1, 1)) == ()


def test_only_grey_pictures_are_taken() -> None:
    """Colour and float pictures are refused with the way out."""
    face = EndFace(50, 50, 20, 20, None, 1, 1)
    with pytest.raises(UsageError, match="to_grey"):
        detect(np.zeros((100, 100, 3), np.uint8), face)
    with pytest.raises(UsageError, match="float64"):
        detect(np.zeros((100, 100)), face)  # type: ignore[arg-type]


def test_a_face_of_a_few_pixels_is_refused() -> None:
    """A cladding too small to show marks is an error, never a clean face."""
    with pytest.raises(UsageError, match="magnify more"):
        detect(np.zeros((100, 100), np.uint8), EndFace(50, 50, 15, 20, None, 4, 4))


@pytest.mark.parametrize("contrast", [-70.0, -35.0, 50.0])
@pytest.mark.parametrize("blur", [0.6, 0.9, 1.3])
@pytest.mark.parametrize("aspect", [1.0, 1.09])
def test_round_marks_are_found_and_measured(contrast: float, blur: float, aspect: float) -> None:
    """The diameter of a disc from 3 px on is right within 0.6 px or 5 %, over contrast, blur and pixel shape."""
    marks = tuple(
        spot(0.5 + 2 * math.pi * k / 7, away, d, contrast)
        for k, (d, away) in enumerate(((3, 150), (4, 160), (6, 150), (9, 160), (14, 60), (22, 150), (5, 70)))
    )
    pixels, face = draw(Drawing(marks, blur=blur, aspect=aspect, noise=1.0))
    found = detect(pixels, face)
    assert len(found) == len(marks)
    for mark in marks:
        candidate = at(found, face, mark)
        assert isinstance(mark, Disc)
        assert candidate.diameter_um == pytest.approx(mark.diameter, abs=max(0.6, 0.05 * mark.diameter))
        assert candidate.distance_um == pytest.approx(math.hypot(mark.x, mark.y), abs=0.6)
        assert np.sign(candidate.contrast_grey) == np.sign(contrast)
        assert candidate.nearest_um < candidate.distance_um < candidate.farthest_um
        assert 0 < candidate.uncertainty_um < 1.5


@pytest.mark.parametrize("width", [1.5, 2.0, 3.0, 5.0])
@pytest.mark.parametrize("angle", [0.0, 0.5, 1.1, math.pi / 2])
def test_strokes_are_found_and_measured(width: float, angle: float) -> None:
    """A scratch's width is right within 0.5 px, its length within 1.5 px, along, across and aslant the circle."""
    mark = Line(66.4, 20.2, width, -40.0, 50.0, angle)
    pixels, face = draw(Drawing((mark,), noise=1.0))
    found = detect(pixels, face)
    assert len(found) == 1
    assert found[0].width_um == pytest.approx(width, abs=0.5)
    assert found[0].length_um == pytest.approx(50, abs=1.5)
    assert found[0].diameter_um == pytest.approx(math.hypot(50, width), abs=1.5)


def test_um_are_taken_on_each_axis() -> None:
    """With pixels that are not square, the same scratch is as long in um whichever way it runs."""
    for angle, scale in ((0.0, 0.5), (math.pi / 2, 0.4)):
        pixels, face = draw(Drawing((Line(0, 150, 3, -50, 40, angle),), noise=1.0))
        (found,) = detect(pixels, replace(face, um_per_px_x=0.5, um_per_px_y=0.4))
        assert found.length_um == pytest.approx(40 * scale, abs=0.7)


@pytest.mark.parametrize("diameter", [3.0, 6.0, 12.0])
@pytest.mark.parametrize("off", [0.0, 3.0, 8.0, 15.0])
def test_a_mark_at_the_very_centre_is_seen(diameter: float, off: float) -> None:
    """The background is taken along circles, and still no dig hides where circles are short."""
    pixels, face = draw(Drawing((Disc(off, 0.3, diameter, -35.0),)))
    assert len(detect(pixels, face)) == 1


def test_a_blot_over_the_core_does_not_pass_for_a_dark_core() -> None:
    """A blot as large as a single-mode core and larger, centred on it, is found."""
    for diameter in (14.0, 20.0, 28.0):
        pixels, face = draw(Drawing((Disc(1.0, -1.0, diameter, -45.0),), core=0.0))
        assert detect(pixels, face)


@pytest.mark.parametrize("angle", np.linspace(0, np.pi, 7).tolist())
def test_a_scratch_along_the_circle_does_not_become_its_own_background(angle: float) -> None:
    """A scratch is one piece in any direction, also where it runs along the circles the background is taken on."""
    mark = Line(0.0, 75.0, 2.0, -35.0, 60.0, angle)
    pixels, face = draw(Drawing((mark,)))
    longest = max(detect(pixels, face), key=lambda c: c.length_um)
    crosses_rim = 75 + 30 * abs(math.sin(angle)) > 96
    assert longest.length_um == pytest.approx(60, abs=2) or (crosses_rim and longest.length_um > 20)


def test_a_dotted_scratch_is_one_candidate() -> None:
    """Points in a row are one scratch, as long as the row and as wide as its points."""
    for angle in (0.0, 0.7, 2.2):
        dots = tuple(Disc(-20 + t * math.cos(angle), -150 + t * math.sin(angle), 3.0, -45.0) for t in range(-40, 41, 7))
        pixels, face = draw(Drawing(dots, noise=1.0))
        (found,) = detect(pixels, face)
        assert found.length_um == pytest.approx(83, abs=3)
        assert found.width_um == pytest.approx(2.5, abs=0.8)


def test_points_out_of_line_stay_apart() -> None:
    """Marks that are merely near each other are not joined."""
    marks = (Disc(-20, -150, 5, -50), Disc(-9, -141, 5, -50), Disc(-21, -133, 5, -50))
    pixels, face = draw(Drawing(marks))
    assert len(detect(pixels, face)) == 3


def test_a_faint_scratch_shows_in_its_sum() -> None:
    """A scratch of three sigma of one pixel's noise is found by its length; its like in noise is not."""
    for seed, angle in enumerate((0.2, 0.9, 1.4)):
        mark = Line(10.0, -145.0, 2.0, -6.0, 80.0, angle)
        pixels, face = draw(Drawing((mark,), noise=2.0, seed=seed))
        (found,) = detect(pixels, face)
        assert 45 < found.length_um < 95
        assert detect(draw(Drawing(noise=2.0, seed=seed))[0], face) == ()


def test_the_bright_twin_of_oblique_light_is_no_second_mark() -> None:
    """A dark mark and the bright one beside it are one candidate."""
    twins = tuple(m for x, y in ((-150, 10), (120, -90), (60, 20)) for m in (Disc(x, y, 5, -55), Disc(x + 5, y, 5, 35)))
    pixels, face = draw(Drawing(twins))
    assert len(detect(pixels, face)) == 3


def test_a_chip_on_the_rim_is_found_and_the_rim_is_not() -> None:
    """A bite out of the glass is found on a rim that is off its circle by a fraction of a pixel all around."""
    pixels, face = draw(Drawing((Disc(98, 0, 9, 70), Disc(-60, -79, 8, -60))))
    moved = replace(face, x_px=face.x_px + 0.4, y_px=face.y_px - 0.4)
    for seen in (face, moved):
        found = detect(pixels, seen)
        assert len(found) == 2
        assert all(c.nearest_um < 100 for c in found)


def test_an_oil_film_over_everything_does_not_pass_for_noise() -> None:
    """Fringes over the whole face are marks, though they are everywhere."""
    pixels, face = draw(Drawing())
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    fringes = 45 * np.sin(columns / 3.1 + 2 * np.sin(rows / 17))
    assert detect(np.clip(pixels + fringes, 0, 255).astype(np.uint8), face)


def test_jpeg_blocks_make_no_marks() -> None:
    """A clean face stays clean through JPEG at quality 75."""
    pixels, face = draw(Drawing(noise=2.0))
    coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    assert detect(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), face) == ()  # type: ignore[arg-type]


def test_a_black_frame_border_is_no_mark() -> None:
    """The border a frame grabber adds is left out, with its seam, and what lies inside is still found."""
    pixels, face = draw(Drawing((Disc(-150, 40, 6, -60),)))
    framed = pixels.copy()
    framed[:, :14] = 2
    framed[-22:] = 0
    framed = cv2.GaussianBlur(framed, (3, 3), 0)
    assert len(detect(framed, face)) == 1


def test_nothing_is_found_beyond_the_reach() -> None:
    """A mark outside the reach is not proposed; a larger reach proposes it."""
    pixels, face = draw(Drawing((Disc(0, 150, 8, -60),)))
    assert detect(pixels, face, DetectSettings(reach=1.3)) == ()
    assert len(detect(pixels, face, DetectSettings(reach=1.7))) == 1


def test_order_and_input_are_kept() -> None:
    """Candidates come top to bottom, then left to right, the same every time, and the picture is not written to."""
    marks = tuple(spot(k * 0.9, 130 + 5 * k, 6, -60) for k in range(7))
    pixels, face = draw(Drawing(marks))
    before = pixels.copy()
    pixels.flags.writeable = False
    found = detect(pixels, face)
    assert len(found) == 7
    assert list(found) == sorted(found, key=lambda c: (c.y_px, c.x_px))
    assert detect(pixels, face) == found
    assert np.array_equal(pixels, before)


@settings(deadline=None, max_examples=12)
@given(dx=st.integers(-12, 12), dy=st.integers(-12, 12))
def test_marks_move_with_the_picture(dx: int, dy: int) -> None:
    """Shifting picture and face by whole pixels shifts every candidate and changes none of its sizes."""
    marks = (Disc(-60, 10, 6, -50), Disc(110, -70, 9, 45), Line(20, 60, 2, -45, 40, 0.4))
    pixels, face = draw(Drawing(marks))
    moved = np.roll(pixels, (dy, dx), (0, 1))
    reach = DetectSettings(reach=1.7)
    before = detect(pixels, face, reach)
    after = detect(moved, replace(face, x_px=face.x_px + dx, y_px=face.y_px + dy), reach)
    assert len(before) == len(after) == 3
    for a, b in zip(before, after, strict=True):
        assert (b.x_px - a.x_px, b.y_px - a.y_px, b.w_px, b.h_px) == (dx, dy, a.w_px, a.h_px)
        assert b.diameter_um == pytest.approx(a.diameter_um, abs=0.05)
        assert b.width_um == pytest.approx(a.width_um, abs=0.05)


@settings(deadline=None, max_examples=15)
@given(
    angle=st.floats(0, 6.28),
    away=st.sampled_from([20.0, 60.0, 85.0, 130.0, 170.0]),
    contrast=st.sampled_from([-60.0, -40.0, 45.0]),
)
def test_an_added_mark_is_found(angle: float, away: float, contrast: float) -> None:
    """A mark added anywhere on a face with marks is found, and the others are found still."""
    others = (Disc(-140, 20, 7, -60), Disc(55, -40, 5, -60))
    added = spot(angle, away, 6.0, contrast)
    if any(math.hypot(added.x - o.x, added.y - o.y) < 16 for o in others):
        return
    pixels, face = draw(Drawing((*others, added)))
    found = detect(pixels, face)
    for mark in (*others, added):
        assert at(found, face, mark).diameter_um < 20


def many_marks(n: int) -> tuple[Grey, EndFace]:
    """An end face with up to n small marks, evenly spread."""
    drawing = Drawing(radius=220.0, shape=(920, 920), centre=(459.3, 460.2), noise=1.0, core=0.0)
    pixels, face = draw(drawing)
    step = max(math.sqrt(math.pi * 410**2 / max(n, 1)), 9.0)
    places = [
        (round(460 + i * step), round(460 + j * step))
        for i in range(-60, 61)
        for j in range(-60, 61)
        if math.hypot(i * step, j * step) < 410 and abs(math.hypot(i * step, j * step) - 220) > 9
    ]
    ink = np.zeros(pixels.shape, np.float32)
    for x, y in places[:n]:
        cv2.circle(ink, (x, y), 1, 70.0, cv2.FILLED)
    ink = cv2.GaussianBlur(ink, (0, 0), 0.8)
    return np.clip(pixels - np.rint(ink), 0, 255).astype(np.uint8), face


def test_the_answer_does_not_depend_on_where_the_picture_lies_in_memory() -> None:
    """Any offset, any row length and any number of threads give the same candidates to the last bit."""
    marks = (
        Disc(-60, 10, 6, -50),
        Disc(110, -70, 9, 45),
        Line(20, 60, 2, -45, 40, 0.4),
        Line(10, -145, 2, -6, 80, 0.9),
    )
    pixels, face = draw(Drawing(marks))
    h, w = pixels.shape
    expected = detect(pixels, face)
    assert len(expected) >= 4
    for offset, spare in ((1, 0), (7, 3), (33, 64), (63, 1)):
        store = np.empty(offset + h * (w + spare), np.uint8)
        view = store[offset:].reshape(h, w + spare)[:, :w]
        view[:] = pixels
        assert detect(view, face) == expected
    assert detect(np.asfortranarray(pixels), face) == expected
    assert detect(pixels[:, ::-1][:, ::-1], face) == expected
    before = cv2.getNumThreads()
    try:
        for n_threads in (1, 2, 5):
            cv2.setNumThreads(n_threads)
            assert detect(pixels, face) == expected
    finally:
        cv2.setNumThreads(before)


def test_threads_do_not_disturb_each_other() -> None:
    """Four threads that look at different faces each find what one alone finds."""
    faces = [draw(Drawing((spot(k, 60, 6, -50), spot(k + 2, 140, 7, 45)), seed=k)) for k in range(4)]
    expected = [detect(*one) for one in faces]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda one: detect(*one), faces * 4)) == expected * 4


def test_the_work_grows_with_the_candidates_and_no_faster() -> None:
    """From none to 2,000 candidates, the calls that Python makes grow in proportion to the candidates at most."""

    def n_calls(pixels: Grey, face: EndFace) -> tuple[int, int]:
        calls = 0

        def count(*_: object) -> None:
            nonlocal calls
            calls += 1

        before = sys.getprofile()
        sys.setprofile(count)
        try:
            found = detect(pixels, face, DetectSettings(gap=0.05))
        finally:
            sys.setprofile(before)
        return len(found), calls

    detect(*many_marks(0))
    none, few, many, most = (n_calls(*many_marks(n)) for n in (0, 125, 500, 2000))
    assert none[0] == 0
    assert most[0] > 1800
    per_mark = (few[1] - none[1]) / few[0]
    assert many[1] - none[1] < 1.5 * per_mark * many[0]
    assert most[1] - none[1] < 1.5 * per_mark * most[0]


def test_finds_what_do2mr_finds_and_not_its_rim() -> None:
    """Every mark that DO2MR flags is found; the rim, which DO2MR flags too, is not."""
    marks = tuple(spot(0.4 + k, 60 + 90 * (k % 2), 6, -45) for k in range(6))
    pixels, face = draw(Drawing(marks))
    flagged = references.do2mr(pixels, references.disc(pixels.shape, face.x_px, face.y_px, 200, 200))
    flagged_rim = references.do2mr(draw(Drawing())[0], references.disc(pixels.shape, face.x_px, face.y_px, 200, 200))
    assert flagged_rim.any()
    found = detect(pixels, face)
    assert len(found) == len(marks)
    seen = [m for m in marks if flagged[round(face.y_px + m.y), round(face.x_px + m.x)]]
    assert all(at(found, face, m).diameter_um == pytest.approx(6, abs=0.5) for m in seen)


def test_finds_what_lei_finds() -> None:
    """A scratch that LEI flags is found whole, at its width."""
    mark = Line(10, -150, 2, -25, 70, 0.45)
    pixels, face = draw(Drawing((mark,)))
    flagged = references.lei(pixels, references.disc(pixels.shape, face.x_px, face.y_px + 0.0, 200, 200))
    assert flagged[round(face.y_px + mark.y), round(face.x_px + mark.x)] == 255
    (found,) = detect(pixels, face)
    assert found.length_um == pytest.approx(70, abs=2)
    assert found.width_um == pytest.approx(2, abs=0.6)


@pytest.mark.real
@pytest.mark.slow
def test_marks_on_real_faces(endfaces: Path) -> None:
    """Given the circles, at least 97 of 100 marks that are surely there are found on the labelled pictures."""
    labels = json.loads((endfaces / "annotations.json").read_text(encoding="utf-8"))
    hits = total = 0
    for image in (i for i in labels["images"] if i["defects_labelled"]):
        pixels = cv2.imread(str(endfaces / image["file_name"]), cv2.IMREAD_GRAYSCALE)
        clad = image["geometry"]["cladding"]
        core = image["geometry"].get("core")
        face = EndFace(
            clad["cx"],
            clad["cy"],
            clad["rx"],
            clad["ry"],
            core["r"] if core else None,
            62.5 / clad["rx"],
            62.5 / clad["ry"],
        )
        found = detect(pixels, face)  # type: ignore[arg-type]
        for mark in labels["defects"]:
            if mark["image"] != image["name"] or mark["confidence"] != "sure" or mark.get("iscrowd"):
                continue
            x, y, w, h = mark["bbox"]
            if math.hypot((x + w / 2 - face.x_px) / clad["rx"], (y + h / 2 - face.y_px) / clad["ry"]) > 2:
                continue
            total += 1
            hits += any(
                c.x_px < x + w + 4 and x < c.x_px + c.w_px + 4 and c.y_px < y + h + 4 and y < c.y_px + c.h_px + 4
                for c in found
            )
    assert hits >= 0.97 * total


@pytest.mark.parametrize("core_um", [None, 4.5, 25.0])
def test_a_picture_goes_forward_through_the_files(
    repo: Path, core_um: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file of `detect` is entered more than twice, even with strokes, dots, faint lines and a core on the face.

    Those of pieces and groups are, a third time: where lines are followed.
    """
    monkeypatch.syspath_prepend(str(repo / "scripts"))
    frame_profile = importlib.import_module("frame_profile")
    dots = tuple(Disc(-120, -80 + t, 3.0, -45.0) for t in range(-40, 41, 7))
    marks = (Disc(-60, 10, 6, -50), Line(20, 60, 2, -45, 40, 0.4), Line(10, -145, 2, -6, 80, 0.9), *dots)
    pixels, face = draw(Drawing(marks))
    core_px = None if core_um is None else 40.0
    known = replace(face, core_r_px=core_px, um_per_px_x=(core_um or 40) / 40, um_per_px_y=(core_um or 40) / 40)
    detect(pixels, known)
    way = frame_profile.files_entered(lambda: detect(pixels, known))
    assert {file.partition("/")[0] for file in way} == {"detect"}
    assert way[:2] == ["detect/detector.py", "detect/settings.py"]
    assert {"detect/strokes.py", "detect/faint_lines.py"} <= set(way)
    assert max(way.count(file) for file in way if file not in ("detect/linking.py", "detect/groups.py")) <= 2
    assert max(way.count(file) for file in way) <= 3
