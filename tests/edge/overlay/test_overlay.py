"""Overlays: what a technician, and a program that reads SVG, are shown."""

import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime, timezone

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import UsageError
from edge.judge import judge, load_criteria, unreadable, zone_of
from edge.overlay import draw, draw_svg
from edge.overlay.drawing import Box, EllipseItem, Label, Panel, Path, Pen, printable, shortened, text_width, wrapped
from edge.overlay.marks import LABEL_COLOURS, STATUS_COLOURS, outline, slope_of
from edge.overlay.placement import Note, place
from edge.records import Candidate, EndFace, Finding, Identity, Inspection, Quality, Status, Unlocated

SVG = "{http://www.w3.org/2000/svg}"
LABELS = ("scratch", "dig", "contamination", "chip", "unknown", "clean")


def end_face(width=800, height=600, um_per_px_x=0.5, um_per_px_y=0.5):
    """A cladding of 125 um in the middle of a picture."""
    return EndFace(
        width / 2,
        height / 2,
        62.5 / um_per_px_x,
        62.5 / um_per_px_y,
        10.0,
        um_per_px_x,
        um_per_px_y,
        core_confidence=0.9,
    )


def finding(face, label, at_um, size_um, along_um=None):
    """A mark at (x, y) um from the centre; a scratch of that width, `along_um` (x, y) long."""
    dx, dy = along_um or (size_um, size_um)
    x, y = face.x_px + at_um[0] / face.um_per_px_x, face.y_px + at_um[1] / face.um_per_px_y
    w, h = max(1, round(abs(dx) / face.um_per_px_x)), max(1, round(abs(dy) / face.um_per_px_y))
    steps = np.linspace(-0.5, 0.5, 201)
    r = np.hypot(at_um[0] + steps * dx, at_um[1] + steps * dy)
    candidate = Candidate(
        x_px=round(x - w / 2),
        y_px=round(y - h / 2),
        w_px=w,
        h_px=h,
        area_px=w * h,
        diameter_um=math.hypot(dx, dy) if along_um else size_um,
        length_um=math.hypot(dx, dy),
        width_um=size_um,
        area_um2=size_um * size_um,
        distance_um=math.hypot(*at_um),
        nearest_um=float(r.min()),
        farthest_um=float(r.max()),
        contrast_grey=-40.0,
    )
    return Finding(candidate, label, 0.9, {label: 0.9}, zone_of(candidate, label, load_criteria()))


def inspection(face, findings=(), criteria=None, **changes):
    """An inspection of these findings, judged by the default profile or another."""
    criteria = criteria or load_criteria()
    made = Inspection(
        source="face.png",
        index=0,
        time=datetime(2026, 11, 22, 14, 0, tzinfo=timezone.utc),
        verdict=judge(findings, criteria),
        criteria=criteria.identity,
        model=Identity("fibre-defects", "ab" * 32, "some-runtime 1.0"),
        end_face=face,
        quality=Quality(0.9, 0.6, 0.5),
        findings=tuple(findings),
        timings_ms={"total": 1.0},
    )
    return replace(made, **changes)


def picture(width=800, height=600, grey=150):
    """An even grey picture."""
    return np.full((height, width), grey, np.uint8)


def has_colour(canvas, rgb, near=6):
    """How many pixels have this colour."""
    return int((np.abs(canvas.astype(int) - rgb[::-1]).max(axis=2) <= near).sum())


@pytest.mark.parametrize("size", [(640, 480), (800, 600), (1152, 864), (720, 576), (2000, 1500)])
def test_an_overlay_is_colour_and_holds_the_whole_picture(size):
    """The canvas is uint8 BGR, larger than the picture, and at least 720 high whatever the picture."""
    face = end_face(*size)
    canvas = draw(picture(*size), inspection(face, [finding(face, "dig", (20, 0), 4.0)]), load_criteria())
    assert canvas.dtype == np.uint8
    assert canvas.ndim == 3
    assert canvas.shape[0] > max(size[1], 720)
    assert canvas.shape[1] > size[0]


def test_the_picture_is_shown_pixel_by_pixel():
    """A picture of ordinary size stands in the overlay unchanged where nothing is drawn over it."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (864, 1152), np.uint8)
    before = pixels.copy()
    canvas = draw(pixels, inspection(end_face(1152, 864)), load_criteria())
    same = canvas[..., 0]
    top = next(y for y in range(canvas.shape[0] - 864) if np.array_equal(same[y, 900:1150], pixels[0, 900:1150]))
    shown = canvas[top : top + 864, :1152]
    equal = (shown == pixels[..., None]).all(axis=2)
    assert equal.mean() > 0.97
    assert equal[:, 900:].all()
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("status", list(Status))
def test_the_verdict_is_seen_by_its_colour_and_sign(status):
    """The banner has the verdict's colour, and no other verdict's."""
    face = end_face()
    bad = finding(face, "scratch", (0, 0), 3.4, (20, 3))
    made = {
        Status.PASS: inspection(face),
        Status.FAIL: inspection(face, [bad]),
        Status.UNREADABLE: inspection(None, verdict=unreadable(["no end face was found"])),
    }[status]
    canvas = draw(picture(), made, load_criteria())
    for other, (fill, _) in STATUS_COLOURS.items():
        assert (has_colour(canvas[:60, :300], fill, 0) > 3000) == (other is status)


def test_statuses_and_labels_do_not_rest_on_colour():
    """Banner inks stand out at 4.5 : 1 or more (WCAG 2.1), and every label has a shape of its own."""

    def luminance(rgb):
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for fill, ink in STATUS_COLOURS.values():
        dark, bright = sorted((luminance(fill), luminance(ink)))
        assert (bright + 0.05) / (dark + 0.05) >= 4.5
    pen, box = Pen((255, 255, 255), 1.0), Box(0, 0, 20, 20)
    shapes = {label: repr(outline(label, box, pen)) for label in LABELS[:5]}
    assert len(set(shapes.values())) == 5
    assert len({*LABEL_COLOURS.values()}) == len(LABEL_COLOURS)


@pytest.mark.parametrize("label", [label for label in LABELS if label in LABEL_COLOURS])
def test_a_mark_stands_where_it_was_found_in_its_colour(label):
    """On a raster, the outline of a mark lies around its box, shifted and scaled as the picture is."""
    face = end_face(1152, 864)
    mark = finding(face, label, (28, 21), 12.0, (20, 20) if label == "scratch" else None)
    canvas = draw(picture(1152, 864, 40), inspection(face, [mark]), load_criteria())
    top = canvas.shape[0] - 56 - 864
    c = mark.candidate
    part = canvas[top + c.y_px - 30 : top + c.y_px + c.h_px + 30, c.x_px - 30 : c.x_px + c.w_px + 30]
    assert has_colour(part, LABEL_COLOURS[label]) > 30
    far = canvas[top : top + 200, :200]
    assert has_colour(far, LABEL_COLOURS[label]) == 0


def test_pixels_that_are_not_square_are_shown_square():
    """A cladding that is an ellipse in the picture is a circle on the canvas, and so are the zones."""
    face = end_face(720, 576, um_per_px_x=0.607, um_per_px_y=0.556)
    root = ET.fromstring(draw_svg(picture(720, 576), inspection(face), load_criteria()))
    ellipses = root.findall(f".//{SVG}ellipse")
    assert len(ellipses) > 6
    for e in ellipses:
        assert float(e.attrib["rx"]) == pytest.approx(float(e.attrib["ry"]), rel=0.004)


def test_the_svg_is_for_programs_and_for_those_who_cannot_see():
    """A title, a description with every reason, a named group for each mark and zone; `clean` is not drawn."""
    face = end_face()
    marks = [
        finding(face, "scratch", (0, 0), 3.4, (20, 12)),
        finding(face, "dig", (40, 0), 3.0),
        finding(face, "clean", (-40, 0), 3.0),
    ]
    made = inspection(face, marks)
    root = ET.fromstring(draw_svg(picture(), made, load_criteria()))
    assert root.get("role") == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title.text == "FAIL: face.png"
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    described = str(desc.text)
    assert all(reason.text in described for reason in made.verdict.reasons)
    assert made.verdict.advice in described
    main = root.findall(f"{SVG}g[@class='view']")[0]
    groups = [(str(g.get("class")), g.find(f"{SVG}title").text) for g in main.findall(f"{SVG}g") if g.get("class")]
    assert ("mark scratch fails", "scratch 3.4 um wide, zone A, score 0.90") in groups
    assert ("mark dig", "dig 3.0 um across, zone B, score 0.90") in groups
    assert ("zone", "zone B cladding, to 115 um") in groups
    assert not any("clean" in kinds for kinds, _ in groups)
    assert len(root.findall(f".//{SVG}image")) == 1


@pytest.mark.parametrize(("embed", "start"), [("jpeg", b"\xff\xd8\xff"), ("png", b"\x89PNG"), ("none", None)])
def test_the_picture_goes_into_the_svg_once_or_not_at_all(embed, start):
    """JPEG, PNG (the very pixels) or a grey ground, as asked."""
    import base64

    pixels = np.random.default_rng(2).integers(0, 256, (600, 800), np.uint8)
    root = ET.fromstring(draw_svg(pixels, inspection(end_face()), load_criteria(), embed=embed))
    images = root.findall(f".//{SVG}image")
    assert len(images) == (start is not None)
    if start is not None:
        data = base64.b64decode(images[0].get("href").split(",")[1])
        assert data.startswith(start)
        back = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert back is not None
        assert back.shape == pixels.shape
        assert embed == "jpeg" or np.array_equal(back, pixels)


def test_two_drawings_can_stand_in_one_page():
    """Ids differ between drawings of different pictures, and a drawing made twice is the same text."""
    criteria, pixels = load_criteria(), picture()
    one = inspection(end_face())
    other = replace(one, source="other.png")

    def ids(text):
        return {e.get("id") for e in ET.fromstring(text).iter() if e.get("id")}

    first = draw_svg(pixels, one, criteria)
    assert ids(first).isdisjoint(ids(draw_svg(pixels, other, criteria)))
    assert first == draw_svg(pixels, one, criteria)


@pytest.mark.parametrize("source", ['<script>&"', "Prüfling µ 端面.png", "a\x00b\x1b[31m\ud800.png", "x" * 3000, ""])
def test_hostile_names_are_text_and_nothing_else(source):
    """File names with markup, control bytes, other scripts or no end draw without error and stay escaped."""
    made = inspection(end_face(), source=source)
    text = draw_svg(picture(), made, load_criteria(), embed="none")
    root = ET.fromstring(text.encode("utf-8"))
    assert "<script" not in text
    assert root.find(f"{SVG}title").text.startswith("PASS:")
    assert draw(picture(), made, load_criteria()).ndim == 3


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (28, 28), (6000, 400), (400, 6000)])
def test_odd_pictures_are_drawn_all_the_same(size):
    """Tiny, narrow and long pictures give a canvas of bounded size, with a verdict."""
    for face in (None, end_face(size[0], size[1], um_per_px_x=2.0, um_per_px_y=0.7)):
        made = inspection(face, [] if face is None else [finding(face, "dig", (0, 0), 9.0)])
        if face is None:
            made = replace(made, verdict=unreadable(["no end face was found"]))
        canvas = draw(picture(*size), made, load_criteria())
        assert 300 < canvas.shape[0] < 7000
        assert 300 < canvas.shape[1] < 7000


@settings(deadline=None, max_examples=15)
@given(data=st.data(), n=st.integers(0, 40))
def test_any_inspection_can_be_drawn(data, n):
    """Marks of any label and size anywhere, inside the picture or not, draw in both ways."""
    face = end_face(640, 480)
    far = st.floats(-400, 400)
    marks = [
        finding(
            face,
            data.draw(st.sampled_from([*LABELS, "crack"])),
            (data.draw(far), data.draw(far)),
            data.draw(st.floats(0.1, 300)),
            data.draw(st.none() | st.tuples(far, far)),
        )
        for _ in range(n)
    ]
    made = inspection(face, marks, n_fibres=2)
    pixels = picture(640, 480)
    assert draw(pixels, made, load_criteria()).shape[2] == 3
    ET.fromstring(draw_svg(pixels, made, load_criteria(), embed="none"))


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32), np.zeros((0, 4), np.uint8), np.zeros(4, np.uint8)],
)
def test_only_grey_pictures_are_drawn_over(pixels):
    """Colour, floats and nothing at all are refused with what was expected."""
    with pytest.raises(UsageError, match=r"non-empty \(h, w\) uint8"):
        draw(pixels, inspection(None, verdict=unreadable(["x"])), load_criteria())
    with pytest.raises(UsageError, match=r"non-empty \(h, w\) uint8"):
        draw_svg(pixels, inspection(None, verdict=unreadable(["x"])), load_criteria())


def test_the_place_of_a_fibre_that_was_not_located_is_shown():
    """A dashed ring there, with a word; nothing where only the count tells of it."""
    verdict = unreadable(["fibre at 300, 200 px not located: gone"])
    gone = Unlocated(verdict.reasons[0].text, 300.0, 200.0, 50.0, 50.0)
    drawn = draw_svg(
        picture(640, 480), inspection(None, verdict=verdict, unlocated=gone), load_criteria(), embed="none"
    )
    assert "not located</text>" in drawn
    (ring,) = [group for group in ET.fromstring(drawn).iter() if group.get("class") == "place"]
    assert gone.why in ET.tostring(ring, encoding="unicode")
    nowhere = inspection(None, verdict=verdict, unlocated=Unlocated("one too few"))
    assert 'class="place"' not in draw_svg(picture(640, 480), nowhere, load_criteria(), embed="none")


def test_a_mark_shows_the_size_that_its_reason_tells():
    """A particle that is named scratch fails by its diameter, and that is what stands beside it."""
    face = end_face()
    particle = finding(face, "scratch", (30, 0), 2.0, along_um=(7.7, 0))
    made = inspection(face, [particle])
    drawn = draw_svg(picture(), made, load_criteria(), embed="none")
    assert "scratch 7.7 um across" in made.verdict.reasons[0].text
    assert ">scratch 7.7 um</text>" in drawn
    assert "scratch 2.0 um" not in drawn


def test_an_unknown_way_to_embed_is_refused():
    """The message names the three that there are."""
    with pytest.raises(UsageError, match="'jpeg', 'png' or 'none'"):
        draw_svg(picture(), inspection(end_face()), load_criteria(), embed="gif")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at_um", "along_um", "slope"),
    [
        ((30, 30), (20, -20), -1),
        ((30, 30), (20, 20), 1),
        ((30, -30), (20, -20), -1),
        ((30, -30), (20, 20), 1),
        ((60, 0), (60, 40), 0),
        ((0, 0), (30, 30), 0),
        ((10, 50), (60, 2), 0),
    ],
)
def test_the_end_of_a_scratch_is_told_from_its_distances(at_um, along_um, slope):
    """The diagonal that a scratch follows is known from nearest and farthest point, or said not to be."""
    face = end_face()
    assert slope_of(finding(face, "scratch", at_um, 2.0, along_um).candidate, face) == slope


@settings(deadline=None, max_examples=40)
@given(
    boxes=st.lists(
        st.tuples(st.floats(0, 760), st.floats(0, 560), st.floats(1, 90), st.floats(1, 90)), min_size=1, max_size=25
    )
)
def test_texts_neither_cover_each_other_nor_leave_the_view(boxes):
    """Unless they must be drawn, texts find a free place inside the view or are left out."""
    frame = Box(0, 0, 800, 600)
    notes = [Note(f"{i} um", 9.0, (255, 255, 255), Box(*box)) for i, box in enumerate(boxes)]
    grounds = [item.box for item in place(notes, frame, [note.box for note in notes]) if isinstance(item, Panel)]
    assert all(ground.inside(frame) for ground in grounds)
    assert not any(a.overlap(b) > 0 for i, a in enumerate(grounds) for b in grounds[:i])


def test_a_text_that_must_be_drawn_is_drawn():
    """In a view with room for one text, those that must be told are, over each other."""
    frame, box = Box(0, 0, 120, 24), Box(50, 10, 4, 4)
    notes = [Note("dig 3.0 um", 9.0, (255, 255, 255), box, must=must) for must in (True, True, False)]
    assert sum(isinstance(item, Label) for item in place(notes, frame, [box])) == 2


def test_texts_are_cut_and_broken_to_fit():
    """Shortened and wrapped texts are no wider than their room, and say that something is missing."""
    long = "zone B: contamination 14.3 um across, none over 5 um allowed, within the uncertainty"
    assert shortened(long, 10, 10_000) == long
    cut = shortened(long, 10, 200)
    assert cut.endswith("...")
    assert text_width(cut, 10) <= 200
    rows = wrapped(long, 10, 260, 2)
    assert len(rows) == 2
    assert rows[1].endswith("...")
    assert all(text_width(row, 10) <= 260 for row in rows)
    assert " ".join(wrapped(long, 10, 260, 9)) == long
    assert wrapped("", 10, 100, 2) == []
    assert printable("5 µm\t端") == "5 um ?"


@pytest.mark.parametrize("radius", [0.5, 30.0, 3000.0])
def test_an_ellipse_is_drawn_within_a_fifth_of_a_pixel(radius):
    """The polygon that stands for an ellipse stays within 0.2 px of it at every size that a canvas has."""
    path = EllipseItem(0, 0, radius, radius / 2, Pen((1, 1, 1), 1)).as_path()
    assert isinstance(path, Path)
    points = np.array(path.points)
    middles = (points + np.roll(points, 1, axis=0)) / 2
    off = radius * (1 - np.hypot(middles[:, 0] / radius, middles[:, 1] / (radius / 2)))
    assert off.max() <= 0.2
