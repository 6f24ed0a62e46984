"""What a model sees of a mark: a square grey patch, and the mark's measures on fixed scales.

The one preprocessing: training and inspection both come through here, so they cannot drift apart. What a
model wants to see is a `PatchSpec`, which travels inside the model's file.

A patch is cut around the centre of the candidate's box, its side the larger of the model's size and 1.3 times
the box's longer side, reflected at the picture's border (the border pixel itself is not repeated), and brought
down to the model's size by area averaging. So small marks keep their scale, pixel for pixel, and large ones
keep their surround; what is lost by that (absolute size, place, contrast beyond the patch) comes back as the
measures, if the model asks for them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import UsageError
from edge.patch_spec import MEASURES, Background, Measure, PatchSpec
from edge.records import Candidate, EndFace

__all__ = [
    "BACKGROUND_GREY",
    "MEASURES",
    "Background",
    "PatchSpec",
    "crop",
    "measure",
    "measure_box",
    "measure_picture",
    "prepare",
    "side_px",
]

BACKGROUND_GREY = 128
"""Where `background="median"` puts the surround: the middle, so that darker and brighter marks have equal room."""


def crop(pixels: NDArray[np.uint8], candidates: Sequence[Candidate], spec: PatchSpec) -> NDArray[np.uint8]:
    """Patches of the candidates, in their order.

    The centre of the box may lie on half a pixel; then the patch lies half a pixel towards the top left, so
    that a patch always shifts with the picture.

    Args:
        pixels: (h, w) uint8, not changed.
        candidates: boxes in pixels of that picture; they may reach over its border.
        spec: size and background.

    Returns:
        (n, size, size) uint8, a new array; (0, size, size) for no candidates.

    Raises:
        UsageError: `pixels` is not a non-empty (h, w) uint8 array.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.size == 0:
        raise UsageError(f"pixels {pixels.shape} {pixels.dtype}: expected a non-empty (h, w) uint8 picture")
    size = spec.size
    height, width = pixels.shape
    patches = np.empty((len(candidates), size, size), np.uint8)
    for patch, c in zip(patches, candidates, strict=True):
        w_px, h_px = c.w_px, c.h_px
        side = side_px(w_px, h_px, size)
        x, y = c.x_px + (w_px - side) // 2, c.y_px + (h_px - side) // 2
        if x >= 0 and y >= 0 and x + side <= width and y + side <= height:
            square = pixels[y : y + side, x : x + side]
        else:
            square = pixels[np.ix_(_reflected(y, side, height), _reflected(x, side, width))]
        if side == size:
            patch[:] = square
        else:
            cv2.resize(square, (size, size), dst=patch, interpolation=cv2.INTER_AREA)
    return _without_background(patches) if spec.background == "median" else patches


def side_px(w_px: int, h_px: int, size: int) -> int:
    """Side of the square cut around a box: the larger of `size` and 1.3 times its longer side, rounded up."""
    return max(size, -(-13 * max(w_px, h_px) // 10))


def prepare(picture: NDArray[np.uint8], spec: PatchSpec) -> NDArray[np.uint8]:
    """A ready-made patch or picture as the model sees it.

    A patch that was cut by the rule of this module comes out as `crop` would have given it. Pictures that are
    not square keep their shape: the longer side gets the model's size, and the edge pixels are repeated beside
    the shorter one. Smaller pictures are enlarged (bilinear), larger ones averaged down (area).

    Args:
        picture: (h, w), (h, w, 1) or (h, w, 3) uint8, the three channels in OpenCV's order
            (blue, green, red); not changed.
        spec: size and background.

    Returns:
        (size, size) uint8, a new array.

    Raises:
        UsageError: another shape or dtype, or no pixels.
    """
    if picture.dtype != np.uint8 or picture.size == 0 or picture.ndim not in (2, 3):
        raise _not_a_picture(picture)
    if picture.ndim == 3 and picture.shape[2] not in (1, 3):
        raise _not_a_picture(picture)
    if picture.ndim == 3:
        picture = picture[:, :, 0] if picture.shape[2] == 1 else _grey(picture)
    size = spec.size
    height, width = picture.shape
    patch: NDArray[np.uint8]
    if (height, width) == (size, size):
        patch = picture.copy()
    else:
        longer = max(height, width)
        how = cv2.INTER_AREA if longer > size else cv2.INTER_LINEAR
        h, w = max(1, round(size * height / longer)), max(1, round(size * width / longer))
        shrunk = cv2.resize(picture, (w, h), interpolation=how)
        top, left = (size - h) // 2, (size - w) // 2
        patch = np.pad(shrunk, ((top, size - h - top), (left, size - w - left)), mode="edge")
    if spec.background == "median":
        patch = _without_background(patch[None])[0]
    return patch


def measure(candidates: Sequence[Candidate], face: EndFace | None, spec: PatchSpec) -> NDArray[np.uint8]:
    """The candidates' measures that the model asks for, on the scales of `MEASURES`.

    Args:
        candidates: the marks, in the order of their patches.
        face: the end face they lie on; None where there is none: then what depends on it is not known.
        spec: which measures, in which order.

    Returns:
        (n, len(spec.measures)) uint8; 0 where the figure is not known.
    """
    codes = np.zeros((len(candidates), len(spec.measures)), np.uint8)
    for column, name in enumerate(spec.measures):
        scale = MEASURES[name]
        codes[:, column] = _codes([scale.of(candidate, face) for candidate in candidates], scale)
    return codes


def measure_picture(picture: NDArray[np.uint8], spec: PatchSpec) -> NDArray[np.uint8]:
    """What a ready-made patch tells of its mark by its size alone, on the scales of `MEASURES`.

    A patch that was cut by the rule of this module is larger than the model's size only where the mark's box is, and
    then 1.3 times its longer side: so `box_px` is known. A patch of the model's size or less tells nothing.

    Args:
        picture: (h, w) or (h, w, channels), before `prepare`.
        spec: which measures, in which order.

    Returns:
        (len(spec.measures),) uint8; 0 where the figure is not known.
    """
    codes = np.zeros(len(spec.measures), np.uint8)
    longer = max(picture.shape[:2])
    if "box_px" in spec.measures and longer > spec.size:
        codes[spec.measures.index("box_px")] = _codes([longer / 1.3], MEASURES["box_px"])[0]
    return codes


def measure_box(w_px: int, h_px: int, spec: PatchSpec) -> NDArray[np.uint8]:
    """What `measure_picture` says of the patch that `crop` would cut around a box."""
    side = side_px(w_px, h_px, spec.size)
    return measure_picture(np.empty((side, side), np.uint8), spec)


def _codes(values: Sequence[float | None], scale: Measure) -> NDArray[np.float64]:
    """Codes of the values, whole numbers: 0 where not known, else 1..255."""
    known = np.array(values, np.float64)  # None becomes NaN
    known[np.isinf(known)] = np.nan
    clipped = np.clip(known, scale.low, scale.high)
    low, high = scale.low, scale.high
    if scale.log:
        clipped, low, high = np.log(clipped), math.log(low), math.log(high)
    codes: NDArray[np.float64] = np.nan_to_num(1 + np.rint(254 * (clipped - low) / (high - low)), nan=0.0)
    return codes


def _without_background(patches: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The patches with the median of their surround at grey 128; (n, size, size) uint8, the input unchanged.

    The median of an even count is the lower of the middle two, so that it is a grey level.
    """
    n, size, _ = patches.shape
    surround = patches.reshape(n, size * size)[:, _surround(size)]
    middle = (surround.shape[1] - 1) // 2
    surround.partition(middle, axis=1)
    shift = BACKGROUND_GREY - surround[:, middle].astype(np.int16)
    shifted = patches + shift[:, None, None]
    np.clip(shifted, 0, 255, out=shifted)
    taken_off: NDArray[np.uint8] = shifted.astype(np.uint8)
    return taken_off


@lru_cache(maxsize=16)
def _surround(size: int) -> NDArray[np.intp]:
    """Flat indices of the frame around the middle 1/1.3 of a patch, where a large mark's box does not reach."""
    frame = max(1, round(size * (1 - 1 / 1.3) / 2))
    outside = np.ones((size, size), np.bool_)
    outside[frame : size - frame, frame : size - frame] = False
    indices = np.flatnonzero(outside)
    indices.flags.writeable = False
    return indices


def _reflected(start: int, n: int, length: int) -> NDArray[np.intp]:
    """Indices start..start+n-1 folded into 0..length-1 at the border pixels, which are not repeated."""
    index = np.arange(start, start + n)
    if length == 1:
        return np.zeros(n, np.intp)
    period = 2 * (length - 1)
    index %= period
    return np.minimum(index, period - index)


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def _not_a_picture(picture: NDArray[np.uint8]) -> UsageError:
    return UsageError(
        f"picture {picture.shape} {picture.dtype}: expected a non-empty (h, w), (h, w, 1) or (h, w, 3) uint8 array; "
        "read files with edge.sources.read_picture"
    )
