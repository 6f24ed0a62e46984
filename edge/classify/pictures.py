"""Ready-made pictures, one or several, as what a model is called with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.arguments import items_of
from edge.classify.measure_codes import measure_picture
from edge.classify.patch_spec import PatchSpec
from edge.classify.patches import prepare
from edge.errors import UsageError


def pictures_given(img: Any) -> tuple[list[Any], bool]:
    """The pictures in what a caller gave, and whether that was one picture and not a list of one.

    Args:
        img: one picture, an array (h, w), (h, w, 1) or (h, w, 3); or several: a list of pictures, (n, h, w) with w
            other than 1 or 3, or (n, h, w, 1 or 3).

    Returns:
        The pictures, arrays where NumPy can make them arrays; `prepare` refuses what is no picture. And whether one
        answer is expected, not a list of answers.

    Raises:
        UsageError: neither an array nor a list.
    """
    if not isinstance(img, np.ndarray | list | tuple):
        raise UsageError(f"a {type(img).__name__} is no picture: expected a NumPy array, or a list of them")
    is_one = isinstance(img, np.ndarray) and (img.ndim < 3 or (img.ndim == 3 and img.shape[2] in (1, 3)))
    return ([img] if is_one else [_array(picture) for picture in img]), is_one


def prepare_all(pictures: Iterable[NDArray[np.uint8]], spec: PatchSpec) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Ready-made patches or pictures as the model sees them, and what their sizes tell: what a model is called with.

    Args:
        pictures: as `prepare` takes them, at least one.
        spec: size, background and measures.

    Returns:
        (n, size, size) uint8 and (n, len(spec.measures)) uint8, new arrays.

    Raises:
        UsageError: as `prepare`, or there is no picture.
    """
    seen = [(prepare(picture, spec), measure_picture(picture, spec)) for picture in items_of(pictures, "pictures")]
    if not seen:
        raise UsageError("no pictures to prepare; give at least one")
    return np.stack([patch for patch, _ in seen]), np.stack([known for _, known in seen])


def _array(picture: Any) -> Any:
    """The picture as an array where it is a list of lists; anything that cannot be one as it is."""
    try:
        return np.asarray(picture)
    except ValueError:
        return picture
