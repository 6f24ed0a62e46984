"""What a model sees of a mark: a square grey patch.

The one preprocessing: training and inspection both come through here, so they cannot drift apart. What a
model wants to see is a `PatchSpec`, which travels inside the model's file.

A patch is cut around the centre of the candidate's box, its side the larger of the model's size and `SURROUND`
times the box's longer side, reflected at the picture's border (the border pixel itself is not repeated), and brought
down to the model's size by area averaging. So small marks keep their scale, pixel for pixel, and large ones
keep their surround; what is lost by that (absolute size, place, contrast beyond the patch) comes back as the
measures, if the model asks for them (`measure_codes.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arguments import check_each, check_grey, check_kind, described
from edge.classify.patch_spec import PatchSpec
from edge.errors import UsageError
from edge.records import Candidate

_SURROUND_TENTHS = 13
SURROUND = _SURROUND_TENTHS / 10
"""A large mark's patch is this many times as long as its box: 15 % of the box on either side show what it lies on. The
shipped models, and the labelled patches that they are tested on, are cut so."""

# Multiplications.
_ONE_THREAD = 250_000
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
        UsageError: `pixels` is not a non-empty (h, w) uint8 array, or the rest is of another type.
    """
    check_grey(pixels)
    check_each(candidates, Candidate, "candidates")
    check_kind(spec, PatchSpec, "spec")
    size = spec.size
    patches = np.empty((len(candidates), size, size), np.uint8)
    for patch, candidate in zip(patches, candidates, strict=True):
        square = _cut(pixels, candidate, size)
        side = len(square)
        if side == size:
            patch[:] = square
        else:
            patch[:] = _averaged(square, size, size)
    return _without_background(patches) if spec.background == "median" else patches


def cut(pixels: NDArray[np.uint8], candidate: Candidate, size: int) -> NDArray[np.uint8]:
    """The square of the picture that `crop` brings down to the model's size, as it is in the picture.

    `prepare` makes of it what `crop` would have made of the candidate.

    Args:
        pixels: (h, w) uint8, not empty, not changed.
        candidate: a box in pixels of that picture; it may reach over its border.
        size: the model's.

    Returns:
        (side, side) uint8, a view of the picture where it lies inside.

    Raises:
        UsageError: an argument of another type.
    """
    check_grey(pixels)
    check_kind(candidate, Candidate, "candidate")
    check_kind(size, int, "size")
    return _cut(pixels, candidate, size)


def _cut(pixels: NDArray[np.uint8], candidate: Candidate, size: int) -> NDArray[np.uint8]:
    height, width = pixels.shape
    w_px, h_px = candidate.w_px, candidate.h_px
    side = side_px(w_px, h_px, size)
    x, y = candidate.x_px + (w_px - side) // 2, candidate.y_px + (h_px - side) // 2
    if x >= 0 and y >= 0 and x + side <= width and y + side <= height:
        return pixels[y : y + side, x : x + side]
    return pixels[np.ix_(_reflected(y, side, height), _reflected(x, side, width))]


def side_px(w_px: int, h_px: int, size: int) -> int:
    """Side of the square cut around a box: the larger of `size` and `SURROUND` times its longer side, rounded up."""
    return max(size, -(-_SURROUND_TENTHS * max(w_px, h_px) // 10))  # in whole numbers: no product is off by a bit


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
    check_picture(picture)
    check_kind(spec, PatchSpec, "spec")
    if picture.ndim == 3:
        picture = picture[:, :, 0] if picture.shape[2] == 1 else _grey(picture)
    size = spec.size
    height, width = picture.shape
    patch: NDArray[np.uint8]
    if (height, width) == (size, size):
        patch = picture.copy()
    else:
        longer = max(height, width)
        h, w = max(1, round(size * height / longer)), max(1, round(size * width / longer))
        if longer > size:
            shrunk = _averaged(picture, h, w)
        else:
            shrunk = np.asarray(cv2.resize(picture, (w, h), interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
        top, left = (size - h) // 2, (size - w) // 2
        patch = np.pad(shrunk, ((top, size - h - top), (left, size - w - left)), mode="edge")
    if spec.background == "median":
        patch = _without_background(patch[None])[0]
    return patch


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
    np.minimum(np.maximum(shifted, 0, out=shifted), 255, out=shifted)
    taken_off: NDArray[np.uint8] = shifted.astype(np.uint8)
    return taken_off


@lru_cache(maxsize=16)
def _surround(size: int) -> NDArray[np.intp]:
    """Flat indices of the frame around the middle 1/`SURROUND` of a patch, where a large mark's box does not reach."""
    frame = max(1, round(size * (1 - 1 / SURROUND) / 2))
    outside = np.ones((size, size), np.bool_)
    outside[frame : size - frame, frame : size - frame] = False
    indices = np.flatnonzero(outside)
    indices.flags.writeable = False
    return indices


def _averaged(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The picture brought down to (height, width) by area averaging, rounded to nearest, halves to even.

    What `cv2.resize` does with INTER_AREA, but in whole numbers: that one sums fractions, and at halves rounds one way
    or the other depending on the processor. float32 holds sums over rows exactly, float64 those over all.
    """
    h, w = picture.shape
    if h % height == 0 and w % width == 0:
        return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    narrow, grey = _shares(w, width), picture.astype(np.float32)
    rows = np.empty((h, width), np.float32)
    # in pieces that BLAS does not wake its threads for: where other work runs they wait for each other, milliseconds
    n = max(8, _ONE_THREAD // (w * width))
    for first in range(0, h, n):
        np.matmul(grey[first : first + n], narrow, out=rows[first : first + n])
    sums = _shares(h, height).T.astype(np.float64) @ rows.astype(np.float64)
    averaged: NDArray[np.uint8] = np.rint(sums / (h * w)).astype(np.uint8)
    return averaged


@lru_cache(maxsize=32)
def _shares(n: int, size: int) -> NDArray[np.float32]:
    """(n, size): what each of `n` pixels gives to each of `size` larger ones, in whole `size`ths of itself."""
    pixel, larger = np.arange(n)[:, None] * size, np.arange(size) * n
    overlap = np.minimum(pixel + size, larger + n) - np.maximum(pixel, larger)
    shares: NDArray[np.float32] = np.maximum(overlap, 0).astype(np.float32)
    return shares


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


def check_picture(picture: object) -> None:
    """Raises UsageError unless this is a non-empty (h, w), (h, w, 1) or (h, w, 3) uint8 array."""
    if isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.size:
        shape = picture.shape
        if len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3)):
            return
    raise UsageError(
        f"picture {described(picture)}: expected a non-empty (h, w), (h, w, 1) or (h, w, 3) uint8 array; "
        "read files with edge.sources.read_picture"
    )
