"""Augmentation: turned, shifted, fainter and noisier copies of examples, with some of their measures left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.classify import PatchSpec
from edge.classify.patches import BACKGROUND_GREY
from trainer.data.examples import Examples, joined

_SIGNED = ("contrast_grey", "mean_grey")
"""Measures in grey levels around code 128, which change with the patch's contrast."""


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """How far augmented copies differ from their examples.

    Attributes:
        copies: of each example, at least 1.
        shift_px: largest shift of the patch; its border wraps, as the surround is much alike.
        gain: sigma of the logarithm of the contrast's factor.
        noise_grey: largest sigma of added noise.
        code_noise: sigma of the noise on a measure's code; of 255 codes a logarithmic length has about 35 an octave.
        forget_one: share of single measures that are made unknown.
        forget_all: share of examples that keep none, but for the box where the patch tells it.
        seed: of everything random.
    """

    copies: int = 4
    shift_px: int = 2
    gain: float = 0.2
    noise_grey: float = 2.5
    code_noise: float = 5.0
    forget_one: float = 0.1
    forget_all: float = 0.2
    seed: int = 0


def augmented(examples: Examples, spec: PatchSpec, settings: AugmentSettings) -> Examples:
    """Augmented copies of the examples, copy after copy.

    Light may come from any side, so patches may be mirrored and turned by right angles; their measures stay.

    Args:
        examples: with the background taken off: their surround lies at the middle grey. Not changed.
        spec: what they were made for.
        settings: how far to go.

    Returns:
        `copies` times as many examples.
    """
    rng = np.random.default_rng(settings.seed)
    return joined([_copy(examples, spec, settings, rng) for _ in range(settings.copies)])


def _copy(examples: Examples, spec: PatchSpec, settings: AugmentSettings, rng: np.random.Generator) -> Examples:
    n = len(examples)
    gain = np.exp(rng.normal(0.0, settings.gain, n)).astype(np.float32)
    patches = np.empty_like(examples.patches)
    turns = rng.integers(0, 8, n)
    shifts = rng.integers(-settings.shift_px, settings.shift_px + 1, (n, 2))
    sigma = rng.uniform(0.0, settings.noise_grey, n).astype(np.float32)
    for i, patch in enumerate(examples.patches):
        turned = np.rot90(patch.T if turns[i] & 4 else patch, int(turns[i] & 3))
        shifted = np.roll(turned, tuple(shifts[i]), (0, 1)).astype(np.float32) - BACKGROUND_GREY
        shifted = shifted * gain[i] + sigma[i] * rng.standard_normal(shifted.shape, dtype=np.float32)
        patches[i] = np.clip(np.rint(shifted + BACKGROUND_GREY), 0, 255)
    return Examples(patches, _measures(examples, spec, gain, settings, rng), examples.labels, examples.groups)


def _measures(
    examples: Examples,
    spec: PatchSpec,
    gain: NDArray[np.float32],
    settings: AugmentSettings,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    codes = examples.measures.astype(np.float32)
    if codes.shape[1] == 0:
        return examples.measures
    for column, name in enumerate(spec.measures):
        if name in _SIGNED:
            codes[:, column] = 128 + (codes[:, column] - 128) * gain
    codes = np.clip(np.rint(codes + rng.normal(0.0, settings.code_noise, codes.shape)), 1, 255)
    known = examples.measures > 0
    known &= rng.random(codes.shape) >= settings.forget_one
    alone = rng.random(len(codes)) < settings.forget_all
    told = np.array([name == "box_px" for name in spec.measures])
    known &= ~alone[:, None] | told[None, :]
    return np.asarray(np.where(known, codes, 0), np.uint8)
