"""Pictures that a program drew into: they are not judged where graphics reach what is judged, and else they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from ferrule_runs import draw_face, rows, run

from edge.imaging.graphics import coloured, drawn, sharp

Picture = np.ndarray[Any, np.dtype[np.uint8]]
X, Y, R = 400, 300, 110
WHITE, BLACK, RED, GREEN, BLUE, YELLOW, MAGENTA = (
    (255, 255, 255),
    (0, 0, 0),
    (0, 0, 255),
    (0, 200, 0),
    (255, 0, 0),
    (0, 255, 255),
    (255, 0, 255),
)
Draw = Callable[[Picture, tuple[int, int, int]], Any]
GRAPHICS: dict[str, Draw] = {
    "a ring": lambda p, c: cv2.circle(p, (X, Y), 80, c, 1),
    "letters": lambda p, c: cv2.putText(p, "Cladding", (X - 50, Y - 50), cv2.FONT_HERSHEY_SIMPLEX, 0.5, c, 1),
    "large letters": lambda p, c: cv2.putText(p, "FAIL 3.4", (X - 90, Y + 60), cv2.FONT_HERSHEY_SIMPLEX, 1.2, c, 3),
    "a box": lambda p, c: cv2.rectangle(p, (X + 30, Y - 40), (X + 62, Y - 8), c, 1),
    "a scale bar": lambda p, c: cv2.rectangle(p, (X - 40, Y + 70), (X + 40, Y + 76), c, cv2.FILLED),
    "a cross": lambda p, c: cv2.drawMarker(p, (X + 5, Y + 30), c, cv2.MARKER_CROSS, 60, 1),
    "a time stamp": lambda p, c: cv2.putText(p, "2024-03-01 12:30", (X - 150, Y + 20), 0, 1.0, c, 2),
}


def with_graphics(name: str, colour: tuple[int, int, int], n_marks: int = 0) -> Picture:
    """A colour picture of a drawn face with something over it."""
    picture: Picture = cv2.cvtColor(draw_face(n_marks), cv2.COLOR_GRAY2BGR)
    GRAPHICS[name](picture, colour)
    return picture


def inspected(picture: Picture, path: Path, *options: str) -> dict[str, Any]:
    """What `ferrule inspect` says of a picture saved as this file."""
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
    (told,) = rows(run("inspect", path, "--criteria", "iec-61300-3-35-2015-sm-upc", "--json", *options).stdout)
    return told


@pytest.mark.parametrize("name", GRAPHICS)
@pytest.mark.parametrize("colour", [WHITE, BLACK, RED, GREEN, BLUE, YELLOW, MAGENTA])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_graphics_over_the_glass_withhold_both_verdicts(
    name: str, colour: tuple[int, int, int], suffix: str, tmp_path: Path
) -> None:
    """Rings, letters, boxes, a bar, a cross, a time stamp, in any colour: UNREADABLE, and the reason says graphics."""
    told = inspected(with_graphics(name, colour), tmp_path / f"face.{suffix}")
    assert told["status"] == "UNREADABLE", told["reasons"]
    assert any("graphics in zone" in reason["text"] for reason in told["reasons"]), told["reasons"]
    assert told["findings"] == []


@pytest.mark.parametrize("n_marks", [0, 2])
@pytest.mark.parametrize("colour", [WHITE, BLUE, YELLOW])
def test_a_date_in_the_corner_harms_nobody(n_marks: int, colour: tuple[int, int, int], tmp_path: Path) -> None:
    """Outside of what is judged a time stamp, a logo and a scale bar change neither verdict nor findings."""
    plain: Picture = cv2.cvtColor(draw_face(n_marks), cv2.COLOR_GRAY2BGR)
    dated = plain.copy()
    cv2.putText(dated, "2024-03-01 12:30:05", (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.7, colour, 2)
    cv2.rectangle(dated, (650, 570), (780, 580), colour, cv2.FILLED)
    was, now = inspected(plain, tmp_path / "plain.png"), inspected(dated, tmp_path / "dated.png")
    assert now["status"] == was["status"] == ("FAIL" if n_marks else "PASS")
    assert now["findings"] == was["findings"]


def test_what_is_not_judged_may_be_drawn_over(tmp_path: Path) -> None:
    """Letters in zone D are no matter where A and B alone are judged."""
    picture: Picture = cv2.cvtColor(draw_face(2), cv2.COLOR_GRAY2BGR)
    cv2.putText(picture, "contact", (X - 60, Y + 180), cv2.FONT_HERSHEY_SIMPLEX, 0.8, YELLOW, 1)
    assert inspected(picture, tmp_path / "face.png")["status"] == "UNREADABLE"
    assert inspected(picture, tmp_path / "again.png", "--zones", "A,B")["status"] == "FAIL"


def test_an_array_in_grey_shows_its_graphics_too() -> None:
    """Without colours sharpness tells: a white line of one pixel is drawn, a scratch through optics is not."""
    grey = draw_face()
    assert drawn(grey) is None
    assert not sharp(grey).any()
    line = grey.copy()
    cv2.line(line, (X - 60, Y + 40), (X + 60, Y + 50), 255, 1)
    found = drawn(line)
    assert found is not None
    rows_, columns = np.nonzero(found)
    assert Y + 35 < rows_.min() < rows_.max() < Y + 55
    assert X - 65 < columns.min() < columns.max() < X + 65
    blurred = cv2.GaussianBlur(line, (0, 0), 0.8)
    assert drawn(blurred) is None


@pytest.mark.parametrize("tint", [(1.0, 1.0, 1.0), (1.0, 0.8, 0.6), (0.3, 0.6, 1.0), (1.0, 0.1, 0.1)])
def test_a_tint_is_no_graphic(tint: tuple[float, float, float]) -> None:
    """A picture of one colour, whatever it is, has nothing that stands out; what leaves its tint has."""
    grey = draw_face(2).astype(np.float32)
    picture = np.rint(grey[..., None] * np.array(tint, np.float32)).astype(np.uint8)
    assert coloured(picture) is None
    green: Picture = picture.copy()
    cv2.circle(green, (X, Y), 60, (0, 255, 0), 2)
    found = coloured(green)
    assert found is not None
    assert found.any()


def test_a_colourful_picture_tells_nothing() -> None:
    """Colours all over are a picture's own, and no graphics."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    assert coloured(cv2.resize(coarse, (800, 600))) is None  # type: ignore[arg-type]


@pytest.mark.slow
def test_no_real_face_has_graphics(endfaces: Path) -> None:
    """None of the labelled real pictures is held for one that was drawn into."""
    told = rows(run("inspect", endfaces / "images", "--json", "--quiet").stdout)
    assert len(told) > 80
    assert not any("graphics" in reason["text"] for look in told for reason in look["reasons"])
