import csv
import math
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.classify import PatchSpec, crop
from edge.classify.patches import SURROUND, _averaged, prepare, side_px
from edge.errors import UsageError
from edge.records import Candidate

ENDFACES = Path(os.environ.get("FERRULE_ENDFACES", Path(__file__).parents[3].parent / "shared" / "endfaces"))


def mark(x: int, y: int, w: int, h: int) -> Candidate:
    """A small dark mark whose box is given."""
    return Candidate(
        x_px=x, y_px=y, w_px=w, h_px=h, area_px=w * h, diameter_um=4.0, length_um=4.0, width_um=2.0, area_um2=6.0,
        distance_um=50.0, nearest_um=48.0, farthest_um=52.0, contrast_grey=-30.0, mean_grey=-12.0, noise_grey=2.0,
    )  # fmt: skip


def textured(height: int = 240, width: int = 320, seed: int = 0) -> np.ndarray:
    """A picture in which no two places look alike."""
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def slow_crop(pixels: np.ndarray, c: Candidate, size: int) -> np.ndarray:
    """The rule by other means: pad the whole picture, cut, average."""
    side = max(size, math.ceil(1.3 * max(c.w_px, c.h_px)))
    pad = side + max(c.w_px, c.h_px)
    padded = np.pad(pixels, pad, mode="reflect")
    x, y = c.x_px + (c.w_px - side) // 2 + pad, c.y_px + (c.h_px - side) // 2 + pad
    square = padded[y : y + side, x : x + side]
    if side % size == 0:
        return cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)
    # OpenCV rounds a half either way where areas are fractions of pixels
    sums = np.repeat(square.astype(np.int64), size, axis=0).reshape(size, side, side).sum(axis=1)
    sums = np.repeat(sums, size, axis=1).reshape(size, size, side).sum(axis=2)
    return np.rint(sums / side**2).astype(np.uint8)


boxes = st.tuples(st.integers(0, 300), st.integers(0, 220), st.integers(1, 90), st.integers(1, 90))


@settings(deadline=None, max_examples=40)
@given(boxes, st.sampled_from([8, 28, 32]))
@example((1, 3, 36, 80), 28)
def test_crop_is_the_rule(box: tuple[int, int, int, int], size: int) -> None:
    """A patch equals the rule done the long way: pad by reflection, cut the square, average down."""
    pixels = textured()
    assert np.array_equal(crop(pixels, [mark(*box)], PatchSpec(size))[0], slow_crop(pixels, mark(*box), size))


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(st.integers(60, 200), st.integers(60, 140), st.integers(1, 40), st.integers(1, 40)),
    st.integers(-20, 20),
    st.integers(-20, 20),
    st.sampled_from(["keep", "median"]),
)
def test_crop_shifts_with_the_picture(box: tuple[int, int, int, int], dx: int, dy: int, background: str) -> None:
    """Picture and box shifted together by whole pixels give the same patch, byte for byte."""
    pixels, spec = textured(), PatchSpec(28, background)  # type: ignore[arg-type]
    x, y, w, h = box
    moved = np.roll(pixels, (dy, dx), axis=(0, 1))
    assert np.array_equal(crop(pixels, [mark(x, y, w, h)], spec), crop(moved, [mark(x + dx, y + dy, w, h)], spec))


@settings(deadline=None, max_examples=40)
@given(boxes, st.sampled_from(["keep", "median"]))
def test_prepare_equals_crop(box: tuple[int, int, int, int], background: str) -> None:
    """A ready-made patch that was cut by the rule comes out as crop gives it from the whole picture."""
    pixels, c, spec = textured(), mark(*box), PatchSpec(28, background)  # type: ignore[arg-type]
    side = side_px(c.w_px, c.h_px, 28)
    pad = 400
    padded = np.pad(pixels, pad, mode="reflect")
    x, y = c.x_px + (c.w_px - side) // 2 + pad, c.y_px + (c.h_px - side) // 2 + pad
    assert np.array_equal(prepare(padded[y : y + side, x : x + side], spec), crop(pixels, [c], spec)[0])


def test_order_and_batch() -> None:
    """Patches come in the order of the candidates, and each is what it would be alone."""
    pixels, marks = textured(), [mark(5, 5, 3, 3), mark(100, 90, 70, 20), mark(310, 230, 10, 10)]
    together = crop(pixels, marks, PatchSpec(28, "median"))
    assert together.shape == (3, 28, 28)
    for patch, one in zip(together, marks, strict=True):
        assert np.array_equal(patch, crop(pixels, [one], PatchSpec(28, "median"))[0])


def test_nothing_to_crop() -> None:
    """No candidates give no patches, of the right shape."""
    assert crop(textured(), [], PatchSpec(20, "median")).shape == (0, 20, 20)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (2, 3), (40, 1)])
def test_tiny_pictures(shape: tuple[int, int]) -> None:
    """A picture of a few pixels is reflected as often as it takes."""
    pixels = textured(*shape)
    patch = crop(pixels, [mark(0, 0, 1, 1)], PatchSpec())[0]
    assert patch.shape == (28, 28)
    assert set(np.unique(patch)) <= set(np.unique(pixels))


def test_input_is_not_changed() -> None:
    """Read-only pictures are accepted, and what comes back is not a view of them."""
    pixels = textured(28, 28)
    pixels.flags.writeable = False
    patches = (crop(pixels, [mark(14, 14, 1, 1)], PatchSpec())[0], prepare(pixels, PatchSpec()))
    for patch in patches:
        assert patch.flags.writeable
        assert not np.shares_memory(patch, pixels)


def test_background_comes_off() -> None:
    """Whatever the light, the surround lies at 128 and the mark keeps its contrast, clipped at 0 and 255."""
    for level in (20, 90, 240):
        pixels = np.full((100, 100), level, np.uint8)
        pixels[48:52, 48:52] = max(level - 60, 0)
        patch = crop(pixels, [mark(48, 48, 4, 4)], PatchSpec(28, "median"))[0]
        assert patch[0, 0] == 128
        assert patch[14, 14] == 128 - min(60, level)
    dark = np.zeros((60, 60), np.uint8)
    dark[29:31, 29:31] = 255
    assert crop(dark, [mark(29, 29, 2, 2)], PatchSpec(28, "median"))[0].max() == 255


def test_background_is_the_surround_not_the_mark() -> None:
    """A mark that fills its box, larger than half the patch, is not mistaken for the background."""
    pixels = np.full((200, 200), 150, np.uint8)
    pixels[60:140, 60:140] = 70
    patch = crop(pixels, [mark(60, 60, 80, 80)], PatchSpec(28, "median"))[0]
    assert patch[0, 0] == 128
    assert patch[14, 14] == 48


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (28, 28, 3), (57, 57), (10, 10), (90, 9), (9, 90), (1, 1)])
def test_prepare_takes_any_picture(shape: tuple[int, ...]) -> None:
    """Grey or three channels, any size: a flat picture stays flat."""
    picture = np.full(shape, 77, np.uint8)
    assert np.array_equal(prepare(picture, PatchSpec()), np.full((28, 28), 77))


def test_prepare_keeps_a_fitting_picture() -> None:
    """A 28x28 picture is handed on byte for byte."""
    assert np.array_equal(prepare(textured(28, 28), PatchSpec()), textured(28, 28))


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((0, 5), np.uint8), np.zeros((5, 5), np.float32), np.zeros((5, 5), np.uint16), np.zeros(5, np.uint8),
        np.zeros((5, 5, 2), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 0), np.uint8),
        np.full((5, 5), np.nan),
    ],
)  # fmt: skip
def test_prepare_refuses(picture: np.ndarray) -> None:
    """What is no 8 bit picture is refused with its shape, its dtype and what was expected."""
    with pytest.raises(UsageError, match="expected a non-empty"):
        prepare(picture, PatchSpec())


@pytest.mark.parametrize(
    "pixels", [np.zeros((5, 5), np.float32), np.zeros((0, 3), np.uint8), np.zeros((3, 3, 3), np.uint8)]
)
def test_crop_refuses(pixels: np.ndarray) -> None:
    """Cutting wants a grey 8 bit picture and says so."""
    with pytest.raises(UsageError, match="expected a non-empty"):
        crop(pixels, [], PatchSpec())


@settings(deadline=None, max_examples=25)
@given(st.integers(5, 90), st.integers(5, 90), st.integers(0, 999), st.sampled_from([4, 20, 28]))
def test_areas_are_averaged_exactly(height: int, width: int, seed: int, size: int) -> None:
    """Each pixel of a patch is the mean over its area in fractions, rounded to nearest, halves to even."""
    picture = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    h, w = min(size, height), min(size, width)
    if height % h == 0 and width % w == 0:
        return
    table = np.kron(picture.astype(np.int64), np.ones((h, w), np.int64))
    sums = table.reshape(h, height, w, width).sum(axis=(1, 3))
    expected = [[round(Fraction(int(v), height * width)) for v in row] for row in sums]
    assert _averaged(picture, h, w).tolist() == expected


def test_patches_do_not_depend_on_where_the_picture_lies() -> None:
    """A part of a larger picture gives what its copy gives, at every address."""
    large = textured(300, 400)
    boxes = [mark(30, 40, 4, 4), mark(80, 60, 41, 30), mark(60, 60, 77, 20), mark(5, 5, 90, 90)]
    for x in range(9):
        part = large[x : x + 240, x : x + 320]
        assert np.array_equal(crop(part, boxes, PatchSpec()), crop(part.copy(), boxes, PatchSpec()))


def test_side_is_exact() -> None:
    """The integer rule equals ceil(1.3 longer side) for every box that fits a picture."""
    assert SURROUND == 1.3
    for longer in range(1, 5000):
        assert side_px(longer, 1, 28) == side_px(1, longer, 28) == max(28, math.ceil(round(1.3 * longer, 6)))


@pytest.mark.real
@pytest.mark.skipif(not ENDFACES.is_dir(), reason="the labelled real end faces are not beside the checkout")
def test_real_patches() -> None:
    """Real patches that others cut have the side that crop takes; where no half pixel is rounded they are equal."""
    rows = list(csv.DictReader((ENDFACES / "patches.csv").read_text(encoding="utf-8").splitlines()))[::40]
    n_equal = 0
    for row in rows:
        patch: Any = cv2.imread(str(ENDFACES / row["file"]), cv2.IMREAD_GRAYSCALE)
        picture: Any = cv2.imread(str(next((ENDFACES / "images").glob(f"{row['image']}.*"))), cv2.IMREAD_GRAYSCALE)
        c = mark(*(int(row[f"box_{k}"]) for k in "xywh"))
        assert patch.shape == (side_px(c.w_px, c.h_px, 28),) * 2
        if (c.w_px - patch.shape[0]) % 2 == (c.h_px - patch.shape[0]) % 2 == 0:
            assert np.array_equal(prepare(patch, PatchSpec()), crop(picture, [c], PatchSpec())[0])
            n_equal += 1
    assert n_equal > 5
