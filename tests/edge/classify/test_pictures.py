from typing import Any

import numpy as np
import pytest

from edge.classify import PatchSpec, prepare_all
from edge.classify.measure_codes import measure_picture
from edge.classify.patches import prepare
from edge.classify.pictures import pictures_given
from edge.errors import UsageError


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5,), (1, 1)])
def test_one_picture(shape: tuple[int, ...]) -> None:
    """An array with the axes of a picture is one, the very array; one axis less is no picture, and refused later."""
    img = np.zeros(shape, np.uint8)
    pictures, is_one = pictures_given(img)
    assert is_one
    assert len(pictures) == 1
    assert pictures[0] is img


@pytest.mark.parametrize(
    ("img", "n"),
    [
        (np.zeros((4, 5, 7), np.uint8), 4), (np.zeros((4, 5, 7, 3), np.uint8), 4), (np.zeros((0, 5, 7), np.uint8), 0),
        ([np.zeros((5, 7), np.uint8)], 1), ((np.zeros((5, 7)), np.zeros((9, 2, 3))), 2), ([], 0),
    ],
)  # fmt: skip
def test_several_pictures(img: Any, n: int) -> None:
    """A stack or a list is several, however many are in it; its items are not copied."""
    pictures, is_one = pictures_given(img)
    assert not is_one
    assert len(pictures) == n
    assert all(np.shares_memory(picture, given) for picture, given in zip(pictures, img, strict=True))


def test_lists_of_numbers_become_arrays_where_they_can() -> None:
    """A ragged list stays as it is: preparing it is what refuses it."""
    pictures, is_one = pictures_given([[[0, 1], [2, 3]], [[0, 1], [2]]])
    assert not is_one
    assert pictures[0].tolist() == [[0, 1], [2, 3]]
    assert pictures[1] == [[0, 1], [2]]
    with pytest.raises(UsageError):
        prepare_all(pictures[1:], PatchSpec())


@pytest.mark.parametrize("img", [None, "face.png", 5, {1: 2}, b"x"])
def test_what_is_no_picture_is_refused_by_its_type(img: object) -> None:
    """Nothing is read from a path, and a word is not gone through letter by letter."""
    with pytest.raises(UsageError, match="is no picture: expected a NumPy array, or a list of them"):
        pictures_given(img)


def test_all_at_once_are_each_alone() -> None:
    """Patches and what their sizes tell, in the order given; no picture is an error."""
    rng, spec = np.random.default_rng(0), PatchSpec(28, "median", ("box_px",))
    pictures = [rng.integers(0, 256, shape, np.uint8) for shape in ((28, 28), (90, 90), (50, 40, 3))]
    patches, measures = prepare_all(pictures, spec)
    assert np.array_equal(patches, [prepare(picture, spec) for picture in pictures])
    assert np.array_equal(measures, [measure_picture(picture, spec) for picture in pictures])
    assert [code > 0 for code in measures[:, 0].tolist()] == [False, True, True]
    with pytest.raises(UsageError, match="give at least one"):
        prepare_all([], spec)
