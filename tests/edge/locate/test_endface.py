"""What `locate` and `locate_all` promise, on drawn end faces with known truth and on real ones."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.locate import LocateSettings, locate, locate_all, locate_fibres
from edge.quality import assess
from edge.records import EndFace, Unlocated
from edge.sources import read_picture
from trainer.phantom import random_scene, render

U8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Drawn:
    """An end face as it is drawn: each pixel is the mean of 3x3 points, then blur, oblique light, noise."""

    w: int = 400
    h: int = 300
    x: float = 207.3
    y: float = 148.6
    rx: float = 70.2
    ry: float = 70.2
    glass: float = 90
    ferrule: float = 180
    core: float = 100
    core_share: float = 0.4
    blur: float = 1.2
    noise: float = 2.0
    oblique: float = 0.0
    bore_px: float = 0.0
    bore_dx: float = 0.0
    seed: int = 0
    others: tuple[tuple[float, float], ...] = ()

    def picture(self) -> U8:
        """(h, w) uint8."""
        ys, xs = (np.mgrid[0 : 3 * self.h, 0 : 3 * self.w].astype(np.float32) + 0.5) / 3 - 0.5
        grey = np.full(ys.shape, self.ferrule, np.float32)
        at = ((self.x, self.y), *self.others)
        for x, y in at:
            if self.bore_px:
                bore = np.hypot((xs - x - self.bore_dx) / (self.rx + self.bore_px), (ys - y) / (self.ry + self.bore_px))
                grey[bore < 1] = 0.7 * self.glass + 0.3 * self.ferrule
            rho = np.hypot((xs - x) / self.rx, (ys - y) / self.ry)
            grey[rho < 1] = self.glass
            grey[rho < self.core_share] = self.core
        grey = cv2.resize(grey, (self.w, self.h), interpolation=cv2.INTER_AREA)
        if self.blur:
            grey = cv2.GaussianBlur(grey, (0, 0), self.blur)
        if self.oblique:
            # a rounded rim: one side turned to the light, the other away from it
            ys, xs = np.mgrid[0 : self.h, 0 : self.w].astype(np.float32)
            across = (np.hypot((xs - self.x) / self.rx, (ys - self.y) / self.ry) - 1) * math.sqrt(self.rx * self.ry)
            grey = grey + self.oblique * np.exp(-(across**2) / 32) * (xs - self.x) / np.hypot(xs - self.x, ys - self.y)
        grey = grey + np.random.default_rng(self.seed).normal(0, self.noise, grey.shape)
        return np.asarray(np.clip(np.rint(grey), 0, 255), np.uint8)


def found(picture: U8, settings: LocateSettings | None = None) -> EndFace:
    """What `locate` finds, which must be something."""
    face = locate(picture, settings or LocateSettings())
    assert face is not None
    return face


def assert_at(face: EndFace, truth: Drawn, within_px: float = 0.2) -> None:
    """Centre and both radii are those drawn."""
    errors = (
        face.x_px - truth.x,
        face.y_px - truth.y,
        face.cladding_rx_px - truth.rx,
        face.cladding_ry_px - truth.ry,
    )
    assert max(abs(e) for e in errors) < within_px, errors


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"glass": 160, "core": 165},
        {"glass": 168, "core": 170},
        {"glass": 12, "ferrule": 40, "core": 16, "noise": 1},
        {"blur": 0.5},
        {"blur": 2.5},
        {"blur": 3.5},
        {"noise": 0},
        {"noise": 10},
        {"noise": 10, "glass": 120},
        {"glass": 180, "ferrule": 60, "core": 230},
        {"oblique": 15},
        {"oblique": -15},
        {"oblique": 15, "glass": 180, "ferrule": 90, "core": 190},
        {"rx": 68.4, "ry": 74.6},
        {"rx": 74.6, "ry": 68.1},
        {"rx": 64.0, "ry": 76.8},
        {"rx": 21.3, "ry": 21.3},
        {"rx": 139.7, "ry": 139.7},
        {"x": 95.1, "y": 91.4},
    ],
    ids=str,
)
def test_centre_and_radii_are_exact(changes: dict[str, Any]) -> None:
    """Within 0.2 px, over contrast, blur, noise, polarity, oblique light from either side, aspect, size and place."""
    truth = replace(Drawn(), **changes)
    assert_at(found(truth.picture()), truth)


@pytest.mark.parametrize("core", [255, 200, 93, 87, 60, 40])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.5, 0.66])
def test_the_core_is_found_lit_dark_or_three_grey_levels_off(core: float, share: float) -> None:
    """Its radius to 3 % or half a pixel, and the cladding is never mistaken for it."""
    truth = Drawn(core=core, core_share=share, rx=100.3, ry=100.3, noise=1.5)
    face = found(truth.picture())
    assert_at(face, truth)
    if abs(core - truth.glass) * share < 1.0:
        return  # a few dozen pixels, three grey levels off: may be seen, need not
    assert face.core_r_px == pytest.approx(share * 100.3, rel=0.03, abs=0.5)
    assert 0 < face.core_confidence <= 1


def test_a_core_that_cannot_be_seen_is_none() -> None:
    """Nothing is made up: None, with no confidence."""
    for seed in range(5):
        face = found(Drawn(core=90, seed=seed, noise=3).picture())
        assert (face.core_r_px, face.core_confidence) == (None, 0.0)


def test_a_ring_in_the_cladding_is_not_the_core() -> None:
    """A thin bright line further out, stronger than the unlit core's edge, does not stand for it."""
    truth = Drawn(core=95, core_share=0.4, rx=100.3, ry=100.3, noise=1.5)
    picture = truth.picture().astype(np.float32)
    ys, xs = np.mgrid[0 : truth.h, 0 : truth.w]
    rho = np.hypot(xs - truth.x, ys - truth.y)
    picture += 8 * np.exp(-((rho - 60) ** 2) / 4)
    face = found(picture.astype(np.uint8))
    assert face.core_r_px == pytest.approx(40.1, abs=1.0)


def test_the_scale_comes_from_the_cladding_or_from_a_calibration() -> None:
    """And the face says which."""
    picture = Drawn(rx=68.4, ry=74.6).picture()
    face = found(picture)
    assert face.scale_from == "cladding"
    assert face.um_per_px_x == pytest.approx(125 / (2 * 68.4), rel=0.003)
    assert face.um_per_px_y == pytest.approx(125 / (2 * 74.6), rel=0.003)
    assert found(picture, LocateSettings(cladding_um=140)).um_per_px_x == pytest.approx(140 / (2 * 68.4), rel=0.003)
    both = found(picture, LocateSettings(um_per_px_x=0.5, um_per_px_y=0.6))
    assert (both.um_per_px_x, both.um_per_px_y, both.scale_from) == (0.5, 0.6, "calibration")
    one = found(picture, LocateSettings(um_per_px_y=0.6))
    assert (one.um_per_px_x, one.um_per_px_y, one.scale_from) == (0.6, 0.6, "calibration")


def test_two_edges_are_told_apart() -> None:
    """With a bore wider than the glass and not concentric, the ellipse is the bore's or the glass's, not between."""
    truth = Drawn(rx=100.3, ry=100.3, bore_px=6, bore_dx=4)
    face = found(truth.picture())
    bore = replace(truth, x=truth.x + 4, rx=106.3, ry=106.3)
    off = min(
        math.hypot(face.x_px - t.x, face.y_px - t.y) + abs(face.cladding_rx_px - t.rx) + abs(face.cladding_ry_px - t.ry)
        for t in (truth, bore)
    )
    assert off < 1.0


def test_a_black_frame_and_falling_light_do_not_matter() -> None:
    """A frame grabber's border is not the ferrule's edge, and vignetting is not the fibre's."""
    truth = Drawn(rx=68.4, ry=74.6, core=240)
    picture = truth.picture().astype(np.float32)
    ys, xs = np.mgrid[0 : truth.h, 0 : truth.w]
    picture *= 1 - 0.25 * (((xs - 200) / 200) ** 2 + ((ys - 150) / 150) ** 2)
    framed = np.full((truth.h + 24, truth.w + 30), 7, np.uint8)
    framed[10:-14, 16:-14] = picture.astype(np.uint8)
    assert_at(found(framed), replace(truth, x=truth.x + 16, y=truth.y + 10))


@pytest.mark.parametrize(("x", "y"), [(45.2, 148.0), (380.4, 150.0), (200.0, 30.3), (50.3, 50.9)])
def test_a_fibre_cut_by_the_border_is_found_all_the_same(x: float, y: float) -> None:
    """Within half a pixel, so that the quality gate can say what is wrong with the picture."""
    truth = Drawn(x=x, y=y)
    assert_at(found(truth.picture()), truth, within_px=0.5)


def test_under_an_oil_film_the_lit_core_is_not_the_cladding() -> None:
    """Fringes all over the ferrule, the rim broken up: the cladding's radius to 4 %."""
    truth = Drawn(w=600, h=480, x=300.4, y=240.2, rx=90.3, ry=90.3, core=250, core_share=0.66, glass=120, ferrule=165)
    picture = truth.picture().astype(np.float32)
    ys, xs = np.mgrid[0 : truth.h, 0 : truth.w]
    rng = np.random.default_rng(3)
    thick = cv2.GaussianBlur(rng.normal(0, 1, picture.shape), (0, 0), 9) * 30 + (xs + 2 * ys) / 14
    outside = np.hypot(xs - truth.x, ys - truth.y) > truth.rx
    picture += np.where(outside, 55, 14) * np.sin(thick)
    face = found(np.clip(picture, 0, 255).astype(np.uint8))
    assert face.cladding_rx_px == pytest.approx(truth.rx, rel=0.04)
    assert math.hypot(face.x_px - truth.x, face.y_px - truth.y) < 3


def blobs(sigma: float, seed: int = 1) -> NDArray[np.float64]:
    """(480, 640) smooth noise of unit spread."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, (480, 640)), (0, 0), sigma)
    return np.asarray(noise / noise.std())


def nothing(kind: str) -> U8:
    """A picture without an end face."""
    ys, xs = np.mgrid[0:480, 0:640]
    rng = np.random.default_rng(1)
    if kind.startswith("blobs"):
        return np.asarray(np.clip(128 + 40 * blobs(float(kind[5:])), 0, 255), np.uint8)
    if kind == "fringes":
        return np.asarray(128 + 80 * np.sin(xs / 9 + 3 * blobs(14)), np.uint8)
    if kind in ("scratches", "text", "dust", "boxes"):
        picture = np.full((480, 640), 180, np.uint8)
        for k in range(40):
            a, b = (int(v) for v in rng.integers(0, 640, 2)), (int(v) for v in rng.integers(0, 480, 2))
            (x0, x1), (y0, y1) = a, b
            if kind == "scratches":
                cv2.line(picture, (x0, y0), (x1, y1), 90, 2, cv2.LINE_AA)
            elif kind == "text" and k < 20:
                cv2.putText(picture, "IEC 61300-3-35 QOCGD 8806", (0, 24 * k), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 20, 2)
            elif kind == "dust":
                cv2.circle(picture, (x0, y0), int(rng.integers(3, 13)), 60, -1, cv2.LINE_AA)
            elif k < 12:
                cv2.rectangle(picture, (x0, y0), (x1, y1), int(rng.integers(30, 250)), -1)
        return picture
    plain: dict[str, Any] = {
        "black": 0 * xs,
        "blank": 0 * xs + 128,
        "white": 0 * xs + 255,
        "noise": np.clip(rng.normal(128, 30, xs.shape), 0, 255),
        "ramp": xs * 255 / 640,
        "spot of light": 255 * np.exp(-((xs - 320) ** 2 + (ys - 240) ** 2) / 20000),
        "checkerboard": 60 + 120 * ((xs // 40 + ys // 40) % 2),
        "half plane": np.where(xs < 320, 90, 180),
        "square": np.where((abs(xs - 320) < 110) & (abs(ys - 240) < 110), 90, 180),
        "flat ellipse": np.where(np.hypot((xs - 320) / 180, (ys - 240) / 90) < 1, 90, 180),
        "field stop": np.where(np.hypot(xs - 320, ys - 240) < 225, 150, 3),
    }
    return np.asarray(plain[kind]).astype(np.uint8)


@pytest.mark.parametrize(
    "kind",
    [
        *("black", "blank", "white", "noise", "ramp", "spot of light", "checkerboard", "half plane", "square"),
        *("flat ellipse", "field stop", "blobs3", "blobs10", "blobs25", "blobs60", "fringes"),
        *("scratches", "text", "dust", "boxes"),
    ],
)
def test_what_is_no_end_face_is_none(kind: str) -> None:
    """Neither structure nor noise nor emptiness is taken for a fibre."""
    picture = nothing(kind)
    assert locate(picture) is None
    assert locate_all(picture) == ()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (7, 7), (40, 30), (3, 900)])
@pytest.mark.parametrize("grey", [0, 128, 255])
def test_pictures_of_any_shape_are_answered(shape: tuple[int, int], grey: int) -> None:
    """Too small for a fibre is no end face, not an error."""
    assert locate(np.full(shape, grey, np.uint8)) is None


def test_inside_a_field_stop_the_fibre_is_found() -> None:
    """The round black mask of some microscopes is looked through."""
    truth = Drawn(w=500, h=400, x=240.3, y=205.4, rx=60.2, ry=60.2)
    picture = truth.picture()
    ys, xs = np.mgrid[0 : truth.h, 0 : truth.w]
    picture[np.hypot(xs - 250, ys - 200) > 190] = 2
    assert_at(found(picture), truth)


def test_the_picture_is_only_read() -> None:
    """A read-only array will do, and it is not changed."""
    picture = Drawn().picture()
    before = picture.copy()
    picture.flags.writeable = False
    locate_all(picture)
    assert np.array_equal(picture, before)


@settings(max_examples=12, deadline=None)
@given(dx=st.integers(-40, 40), dy=st.integers(-20, 20), invert=st.booleans(), mirror=st.booleans())
def test_the_fibre_moves_with_the_picture(dx: int, dy: int, invert: bool, mirror: bool) -> None:
    """Shifted, mirrored and inverted, the same ellipse within a tenth of a pixel, in its new place."""
    truth = Drawn(noise=1)
    picture = np.roll(truth.picture(), (dy, dx), axis=(0, 1))
    if mirror:
        picture = np.ascontiguousarray(picture[:, ::-1])
    if invert:
        picture = 255 - picture
    x = truth.x + dx
    assert_at(found(picture), replace(truth, x=truth.w - 1 - x if mirror else x, y=truth.y + dy), within_px=0.1)


def row(n: int, rows: int, radius: float, w: int, h: int, **changes: Any) -> Drawn:
    """Fibres 250 um apart, rows 500 um apart, in a picture of w x h."""
    at = [
        (w / 2 + (k - (n - 1) / 2) * 4 * radius + 0.3, h / 2 + (j - (rows - 1) / 2) * 8 * radius + 0.2)
        for j in range(rows)
        for k in range(n)
    ]
    return Drawn(w=w, h=h, x=at[0][0], y=at[0][1], rx=radius, ry=radius, others=tuple(at[1:]), **changes)


@pytest.mark.parametrize(
    "truth",
    [
        row(12, 1, 17.6, 900, 400),
        row(12, 2, 17.6, 900, 500, core=230, core_share=0.4),
        row(4, 1, 40.3, 720, 300, glass=180, ferrule=70, core=220),
        row(2, 1, 60.4, 640, 360),
    ],
    ids=["12", "24", "4 inverted", "2"],
)
def test_every_fibre_of_a_multi_fibre_ferrule_is_found_once(truth: Drawn) -> None:
    """In reading order, each as exact as if alone; `locate` gives one of them."""
    picture = truth.picture()
    faces = locate_all(picture)
    expected = ((truth.x, truth.y), *truth.others)
    assert len(faces) == len(expected)
    for face, (x, y) in zip(faces, expected, strict=True):
        assert_at(face, replace(truth, x=x, y=y))
    one = found(picture)
    assert any(math.hypot(one.x_px - x, one.y_px - y) < 0.2 for x, y in expected)


def harmed(truth: Drawn, i: int, how: str) -> U8:
    """The picture with the fibre `i` (in reading order) half or wholly covered, pale, or cut off by the border."""
    picture = truth.picture()
    x, y = ((truth.x, truth.y), *truth.others)[i]
    r = truth.rx
    patch = slice(int(y - 1.6 * r), int(y + 1.6 * r)), slice(max(0, int(x - 1.6 * r)), int(x + 1.6 * r))
    if how == "covered below":
        picture[int(y) : int(y + 1.6 * r), patch[1]] = 130
    elif how == "covered beside":
        picture[patch[0], int(x) : int(x + 1.6 * r)] = 150
    elif how == "buried":
        cv2.circle(picture, (int(x), int(y)), int(1.4 * r), 140, -1, cv2.LINE_AA)
    elif how == "missing":
        picture[patch] = int(truth.ferrule)
    elif how == "pale":
        pale = replace(truth, glass=truth.ferrule + 0.2 * (truth.glass - truth.ferrule), core=truth.ferrule)
        picture[patch] = pale.picture()[patch]
    elif how == "cut off":
        picture = np.ascontiguousarray(picture[:, : int(x - 0.3 * r)])
    return picture


@pytest.mark.parametrize(
    ("truth", "i", "hows"),
    [
        (row(4, 1, 40.3, 720, 300), 1, ("covered below", "covered beside", "buried", "missing", "pale")),
        (row(4, 1, 40.3, 720, 300, glass=180, ferrule=70, core=220), 2, ("covered below", "buried", "missing", "pale")),
        (row(4, 1, 40.3, 720, 300), 3, ("covered below", "pale", "cut off")),
        (row(2, 1, 60.4, 640, 360), 1, ("covered below", "covered beside", "pale", "cut off")),
        (row(12, 1, 17.6, 900, 400), 5, ("covered below", "covered beside", "buried", "missing", "pale")),
        (row(12, 2, 17.6, 900, 500), 23, ("covered below", "buried", "missing", "pale")),
    ],
    ids=["4", "4 inverted", "last of 4", "2", "12", "last of 24"],
)
def test_a_fibre_that_cannot_be_located_is_told(truth: Drawn, i: int, hows: tuple[str, ...]) -> None:
    """Half covered, buried, missing, pale or cut off: it is `Unlocated`, in its turn and at its place."""
    for how in hows:
        fibres = locate_fibres(harmed(truth, i, how))
        assert [k for k, fibre in enumerate(fibres) if isinstance(fibre, Unlocated)] == [i], how
        assert len(fibres) == 1 + len(truth.others), how
        x, y = ((truth.x, truth.y), *truth.others)[i]
        told = fibres[i]
        assert isinstance(told, Unlocated)
        assert told.x_px is not None
        assert told.y_px is not None
        assert math.hypot(told.x_px - x, told.y_px - y) < 0.2 * truth.rx, how
        assert f"{told.x_px:.0f}, {told.y_px:.0f} px not located" in told.why


def test_as_many_fibres_as_are_expected() -> None:
    """With a count, what is missing is told even where nothing shows of it, and nothing is invented beyond it."""
    whole, gap = row(4, 1, 40.3, 720, 300).picture(), harmed(row(4, 1, 40.3, 720, 300), 1, "buried")

    def told(picture: U8, n: int) -> list[str]:
        found = locate_fibres(picture, LocateSettings(n_fibres=n))
        return [fibre.why if isinstance(fibre, Unlocated) else "" for fibre in found]

    assert told(whole, 4) == [""] * 4
    assert told(gap, 3) == [""] * 3
    assert told(whole, 6) == [""] * 4 + ["fibre not located: 4 found, 6 expected"] * 2
    assert [bool(why) for why in told(gap, 5)] == [False, True, False, False, True]
    assert told(whole, 3) == [""] * 4 + ["4 fibres found, 3 expected"]


def test_one_fibre_is_one_fibre() -> None:
    """Neither its lit core, nor its bore, nor dirt of its colour beside it counts as a second one."""
    truth = Drawn(core=240, bore_px=4, rx=50.3, ry=50.3)
    picture = truth.picture()
    for x, y, r in ((60, 60, 20), (330, 80, 30), (320, 230, 42)):
        cv2.circle(picture, (x, y), r, 92, -1, cv2.LINE_AA)
    assert len(locate_fibres(picture)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("w", "h", "radius"), [(640, 480, 60), (4000, 3000, 500), (4000, 3000, 100)])
def test_from_a_third_to_twelve_megapixels(w: int, h: int, radius: float) -> None:
    """The radius counts as a share of the picture; in large ones its error still stays below 0.2 px."""
    truth = Drawn(w=w, h=h, x=w / 2 + 40.3, y=h / 2 - 30.4, rx=radius + 0.4, ry=radius + 0.4, blur=max(1.2, w / 1500))
    assert_at(found(truth.picture()), truth)


@pytest.mark.real
def test_real_end_faces_are_located(endfaces: Path) -> None:
    """At least 98 % within 2 px and 2 % of the cladding's or the glass's edge, each of them once; lit cores to 3 %."""
    right, cores, seen = 0, 0, 0
    images = json.loads((endfaces / "annotations.json").read_text())["images"]
    for image in images:
        picture = read_picture(endfaces / image["file_name"])
        faces = locate_fibres(picture)
        assert len(faces) == 1, image["name"]
        face, shapes = faces[0], image["geometry"]
        assert isinstance(face, EndFace)
        right += any(
            math.hypot(face.x_px - e["cx"], face.y_px - e["cy"]) <= 2
            and abs(face.cladding_rx_px / e.get("rx", e["r"]) - 1) <= 0.02
            and abs(face.cladding_ry_px / e.get("ry", e["r"]) - 1) <= 0.02
            for e in (shapes["cladding"], shapes.get("glass"))
            if e
        )
        if shapes["core"]["visibility"] == "lit":
            seen += 1
            cores += face.core_r_px is not None and abs(face.core_r_px / shapes["core"]["r"] - 1) < 0.03
    assert right >= 0.98 * len(images)
    assert cores >= 0.95 * seen


def test_the_answer_does_not_depend_on_where_arrays_lie_in_memory() -> None:
    """The same picture, the same face to the last bit, whatever was allocated in between."""
    pixels = render(random_scene(11040)).pixels
    kept, answers = [], set()
    for n_bytes in range(1, 4000, 160):
        kept.append(np.empty(n_bytes, np.uint8))
        answers.add(locate(pixels))
    assert len(answers) == 1


def whole_number_picture() -> U8:
    """A drawn end face made of integers alone, so that it is the same everywhere: edges 4 px wide, rough glass."""
    ys, xs = np.mgrid[0:300, 0:400]
    away = (4 * xs - 829) ** 2 + (4 * ys - 595) ** 2
    rough = (xs * 7919 + ys * 104729 + xs * ys * 31) % 11
    rim, core = (np.clip((away - (4 * r) ** 2) * 8 // r // 16, -32, 32) + 32 for r in (70, 28))
    return np.asarray(90 + rim * 90 // 64 + 10 - core * 10 // 64 + rough, np.uint8)


GOLDEN = (207.25236249086214, 148.74816902901597, 70.05909499362427, 70.06037210573518, 28.10087162421912)


def test_every_environment_finds_the_same_bits() -> None:
    """Whatever the processor and the versions of NumPy and OpenCV: the figures are these to the last digit."""
    face = found(whole_number_picture())
    assert (face.x_px, face.y_px, face.cladding_rx_px, face.cladding_ry_px, face.core_r_px) == GOLDEN


@pytest.mark.parametrize(
    "truth",
    [
        Drawn(),
        Drawn(blur=3.5, noise=8),
        Drawn(glass=168, core=170),
        Drawn(w=800, h=600, x=401.3, y=290.8, rx=200, ry=201),
    ],
)
def test_no_bit_depends_on_where_the_picture_lies_or_on_threads(truth: Drawn) -> None:
    """Copies at any address, parts of larger pictures, one thread or four: the very same end face and quality."""
    picture = truth.picture()
    h, w = picture.shape
    expected = locate_all(picture)
    assert expected
    before = cv2.getNumThreads()
    try:
        for offset, threads in ((1, 1), (7, 4), (32, 2), (61, 3)):
            cv2.setNumThreads(threads)
            wide = np.full((h + 3, w + 64), 255, np.uint8)
            part = wide[2 : 2 + h, offset : offset + w]
            part[:] = picture
            moved = np.empty(h * w + 64, np.uint8)[offset : offset + h * w].reshape(h, w)
            moved[:] = picture
            for copy in (part, moved):
                assert locate_all(copy) == expected
                assert assess(copy, expected[0]) == assess(picture, expected[0])
    finally:
        cv2.setNumThreads(before)
