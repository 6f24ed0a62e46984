"""Training examples from what the detector proposes on rendered faces, named by what was drawn.

A model names candidates, so it learns from candidates: every picture goes through the edge's own `locate`, `detect`,
`crop` and `measure`, and only then is compared with the truth. A candidate on a drawn mark gets the mark's label, and
one on nothing is `clean`. A candidate whose label is not certain is left out: on two marks of different kinds, beside a
mark or on its bright twin, on a mark too faint to be seen, on a single dot of a scratch, on a row of pits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.classify import PatchSpec, crop, encode_measures
from edge.classify.measure_codes import measure_box
from edge.detect import DetectSettings, detect
from edge.labels import DEFECT_LABELS
from edge.locate import LocateSettings, locate
from edge.records import Candidate, EndFace
from trainer.data.examples import Examples, joined
from trainer.phantom import Mark, Phantom, random_scene, render

_NEAR_PX = 4
"""A candidate this close to a drawn mark is not certainly `clean`."""
_VISIBLE_GREY = 3.0
"""A drawn mark that changes the picture by less is taken as not to be seen."""
_SCRATCH_ASPECT = 2.5
"""By the field's convention a scratch is about three times as long as wide; what is not, reads as a pit."""
_SHORT_UM = 20.0
"""A piece of a scratch of this diameter or more is a scratch however compact it is: it is too large for a pit."""
_EAGER_CLEAN, _PLACES_CLEAN = 18, 12
"""At most so many `clean` examples of a face: candidates of the more sensitive detector; places with nothing drawn."""


def from_candidates(
    pixels: NDArray[np.uint8], face: EndFace, named: Sequence[tuple[Candidate, str]], spec: PatchSpec, group: str
) -> Examples:
    """Candidates with their names as the model will see them."""
    candidates = [c for c, _ in named]
    return Examples(
        crop(pixels, candidates, spec),
        encode_measures(candidates, face, spec),
        np.array([DEFECT_LABELS.index(label) for _, label in named], np.int64),
        np.array([group] * len(named), np.str_),
    )


def from_phantoms(seeds: Iterable[int], spec: PatchSpec) -> Examples:
    """Renders a face for each seed and names what the detector proposes on it.

    The detector's own false alarms are rare, so `clean` also comes from a more sensitive detector and from places
    where nothing was drawn. These places, and the drawn marks cut out as a person would, have no measures: they
    are what a model meets that is given a patch alone.

    Args:
        seeds: of `random_scene`.
        spec: what the model wants to see.

    Returns:
        The examples, in the order of the seeds; the group is the seed.
    """
    settings = DetectSettings()
    eager = replace(settings, limit_sigma=0.6 * settings.limit_sigma, limit_grey=0.6 * settings.limit_grey)
    parts = [from_candidates(np.zeros((1, 1), np.uint8), _NOWHERE, [], spec, "")]
    for seed in seeds:
        phantom = render(random_scene(seed))
        face = located(phantom)
        named = named_by_truth(detect(phantom.pixels, face, settings), phantom)
        more = named_by_truth(detect(phantom.pixels, face, eager), phantom)
        named += [(c, label) for c, label in more if label == "clean" and (c, label) not in named][:_EAGER_CLEAN]
        parts.append(from_candidates(phantom.pixels, face, named, spec, str(seed)))
        rng = np.random.default_rng([seed, 11])
        parts.append(_alone(phantom, _boxes(phantom, rng), spec, str(seed)))
    return joined(parts)


def _alone(phantom: Phantom, named: Sequence[tuple[Candidate, str]], spec: PatchSpec, group: str) -> Examples:
    """Patches of which only the picture is known."""
    examples = from_candidates(phantom.pixels, phantom.face, named, spec, group)
    measures = np.array([measure_box(c.w_px, c.h_px, spec) for c, _ in named], np.uint8)
    measures = measures.reshape(examples.measures.shape)
    return Examples(examples.patches, measures, examples.labels, examples.groups)


def _boxes(phantom: Phantom, rng: np.random.Generator) -> list[tuple[Candidate, str]]:
    """Boxes around the visible marks, a little off as a person's boxes are, and some around nothing."""
    noise = max(_VISIBLE_GREY, 2.5 * phantom.scene.sensor.noise_grey)
    named: list[tuple[Candidate, str]] = []
    for mark in phantom.marks:
        if mark.contrast_grey > noise and len(named) < 24:
            grow = rng.integers(-1, 4, 4)
            box = (
                mark.x_px - grow[0],
                mark.y_px - grow[1],
                mark.w_px + grow[0] + grow[2],
                mark.h_px + grow[1] + grow[3],
            )
            named.append((box_candidate(*box), mark.label))
    face = phantom.face
    for _ in range(_PLACES_CLEAN):
        w, h = np.exp(rng.uniform(np.log(3), np.log(45), 2)).astype(int)
        where = rng.choice(("rim", "core", "anywhere"), p=[0.5, 0.15, 0.35])
        a = rng.uniform(0, 2 * np.pi)
        r = {"rim": rng.normal(1.0, 0.03), "core": 0.0, "anywhere": 2.0 * np.sqrt(rng.random())}[str(where)]
        if where == "core" and face.core_r_px:
            r = face.core_r_px / face.cladding_rx_px * rng.choice([0.0, 1.0])
        x, y = face.x_px + r * face.cladding_rx_px * np.cos(a), face.y_px + r * face.cladding_ry_px * np.sin(a)
        c = box_candidate(int(x - w / 2), int(y - h / 2), int(w), int(h))
        if 0 <= x < phantom.pixels.shape[1] and 0 <= y < phantom.pixels.shape[0] and _is_untouched(c, phantom):
            named.append((c, "clean"))
    return named


def box_candidate(x_px: float, y_px: float, w_px: float, h_px: float) -> Candidate:
    """A candidate of which only the box is known, at least a pixel wide and high; for cutting a patch around it."""
    return Candidate.at_box(int(x_px), int(y_px), max(int(w_px), 1), max(int(h_px), 1))


def _near(c: Candidate, phantom: Phantom) -> NDArray[np.uint16]:
    """Whose pixels lie in the candidate's box or just beside it."""
    return phantom.owner[_window(c, phantom, _NEAR_PX)]


def _window(c: Candidate, phantom: Phantom, around_px: int) -> tuple[slice, slice]:
    height, width = phantom.owner.shape
    rows = slice(max(c.y_px - around_px, 0), max(min(c.y_px + c.h_px + around_px, height), 0))
    columns = slice(max(c.x_px - around_px, 0), max(min(c.x_px + c.w_px + around_px, width), 0))
    return rows, columns


_NOWHERE = EndFace(0.0, 0.0, 1.0, 1.0, None, 1.0, 1.0)


def located(phantom: Phantom) -> EndFace:
    """The face as the edge finds it, or as it was drawn where the edge finds none.

    Half of the faces are located without the fibre's true diameter, as happens on the bench.
    """
    told = phantom.scene.seed % 2 == 0
    settings = LocateSettings(cladding_um=phantom.scene.fibre.cladding_um) if told else LocateSettings()
    return locate(phantom.pixels, settings) or phantom.face


def named_by_truth(candidates: Iterable[Candidate], phantom: Phantom) -> list[tuple[Candidate, str]]:
    """The candidates whose name is certain, with it, in their order."""
    named = []
    for candidate in candidates:
        label = _true_label(candidate, phantom)
        if label is not None:
            named.append((candidate, label))
    return named


def _true_label(c: Candidate, phantom: Phantom) -> str | None:
    """What the candidate is, or None where that is not certain."""
    where = _window(c, phantom, 1)
    counts = np.bincount(phantom.owner[where].ravel(), minlength=len(phantom.marks) + 1)[1:]
    if not counts.any():
        return "clean" if _is_untouched(c, phantom) else None
    weights = {int(i): float(counts[i]) * phantom.marks[int(i)].contrast_grey for i in np.flatnonzero(counts)}
    seen: dict[str, float] = {}
    for i, weight in weights.items():
        label = phantom.marks[i].label
        seen[label] = seen.get(label, 0.0) + weight
    label = max(seen, key=lambda name: seen[name])
    mark = phantom.marks[int(np.argmax(counts))]
    if seen[label] < 0.75 * sum(seen.values()) or mark.label != label:
        return None
    if mark.contrast_grey < max(_VISIBLE_GREY, 1.5 * c.noise_grey) or _is_fragment(c, mark):
        return None
    is_long = c.length_um >= _SCRATCH_ASPECT * c.width_um
    if label == "scratch" and c.diameter_um < _SHORT_UM and _drawn_aspect(phantom, where) < _SCRATCH_ASPECT:
        return None
    if label == "dig" and is_long and max(weights.values()) < 0.75 * sum(weights.values()):
        return None
    return label


def _is_untouched(c: Candidate, phantom: Phantom) -> bool:
    """Whether no mark lies near, nor reaches here with its bright twin or echo."""
    reached = phantom.change[_window(c, phantom, 1)]
    return not _near(c, phantom).any() and (reached.size == 0 or float(reached.max()) < _VISIBLE_GREY)


def _drawn_aspect(phantom: Phantom, where: tuple[slice, slice]) -> float:
    """Length over width, in um, of the most visible pixels of scratches: without bright twins and faint ends."""
    is_scratch = np.array([False, *(mark.label == "scratch" for mark in phantom.marks)])
    drawn = is_scratch[phantom.owner[where]]
    change = phantom.change[where]
    rows, columns = np.nonzero(drawn & (change >= 0.4 * float(change[drawn].max())))
    scale = np.array([phantom.face.um_per_px_x, phantom.face.um_per_px_y])
    _, sides, _ = cv2.minAreaRect((np.stack([columns, rows], axis=1) * scale).astype(np.float32))
    pixel = float(scale.mean())
    return (max(sides) + pixel) / (min(sides) + pixel)


def _is_fragment(c: Candidate, mark: Mark) -> bool:
    """Whether this is a round piece of a long or scattered mark, by itself no longer to be told as such."""
    kind = mark.defect.kind
    if kind == "scratch":
        return c.length_um < _SCRATCH_ASPECT * c.width_um and c.diameter_um < _SHORT_UM
    if kind == "droplets":
        return c.diameter_um < max(5.0, 0.25 * mark.length_um)
    return False
