"""From a trained network to one verified file: convert, measure, gate, bundle.

Every figure is measured on the graph that ships, run by the runtime that ships. A gate that fails stops the
conversion; the message says which one and by how much, and no file is written.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edge.classify import Classifier, PatchSpec
from edge.classify.bundle import pack, read_bundle
from edge.classify.description import Description, Golden
from edge.classify.engine import Engine
from edge.classify.runtime import build_interpreter, choose_runtime
from edge.errors import ModelError, UsageError
from trainer.data import Examples
from trainer.data.examples import batches
from trainer.export.bias_correction import correct_biases
from trainer.export.gates import Gates, failed_gates
from trainer.export.graph import OLDEST_RUNTIME, canonical, too_new, with_scores
from trainer.export.logits_model import without_softmax
from trainer.export.metadata import with_metadata
from trainer.export.range_equalisation import equalise_ranges
from trainer.export.recipe import DEFAULT_RECIPE, RECIPES, to_tflite
from trainer.learning.calibration import calibration_error, fit_temperature, softmax
from trainer.learning.model_file import TrainedModel, weights_sha256
from trainer.learning.standardisation import probabilities

N_GOLDEN = 2
"""Patches that travel with a model: enough to tell a runtime that answers wrongly, at about 1.2 kB each."""


@dataclass(frozen=True, eq=False)
class Material:
    """The examples that a conversion needs. Only those for the calibration may have been trained on.

    Attributes:
        calibration: what integer ranges are taken from; training examples will do, 500 are enough.
        held_out: what the temperature is fitted on.
        check: what the gates are measured on.
    """

    calibration: Examples
    held_out: Examples
    check: Examples


@dataclass(frozen=True, slots=True)
class Card:
    """What the maker says about a model, beside what is measured.

    Attributes:
        name: lower case, digits, `.`, `_` and `-`.
        version: as the maker counts.
        threshold: below this probability the label is `unknown`.
        licence: of the weights.
        notes: what it is for, and its limits.
    """

    name: str
    version: str = "1"
    threshold: float = 0.0
    licence: str = ""
    notes: str = ""


@dataclass(frozen=True, eq=False)
class Conversion:
    """A converted model that passed its gates.

    Attributes:
        content: the bundle's bytes, for `edge.classify.bundle.write_bundle`.
        metrics: what was measured, by name; the same that travel in the bundle.
    """

    content: bytes
    metrics: Mapping[str, float]


def convert(
    trained: TrainedModel,
    material: Material,
    card: Card,
    recipe: str = DEFAULT_RECIPE,
    gates: Gates | None = None,
) -> Conversion:
    """A bundle of the trained model, converted by a recipe; the same bytes for the same weights and examples.

    Args:
        trained: what to convert; not changed.
        material: see there.
        card: what the maker says.
        recipe: one of `trainer.export.recipe.RECIPES`.
        gates: what it must hold to; None: the recipe's own limits.

    Raises:
        UsageError: an unknown recipe, a model that cannot be converted, examples of another shape, or none.
        ModelError: one or more gates failed; the message lists them all.
    """
    if recipe not in RECIPES:
        raise UsageError(f"no recipe {recipe!r}: expected one of {', '.join(RECIPES)}")
    _check_examples(trained, material)
    graph = _converted(trained, recipe, material.calibration, card.name)
    engine = Engine(build_interpreter(graph), trained.spec, len(trained.labels))  # refuses another input scale
    temperature = fit_temperature(_run(engine, material.held_out), material.held_out.labels)
    graph = with_metadata(with_scores(graph, temperature), card.name, card.version, trained.spec)
    engine = Engine(build_interpreter(graph), trained.spec, len(trained.labels))
    logits, check = _run(engine, material.check), material.check
    metrics = _metrics(trained, check, logits, temperature)
    described = Description(
        name=card.name,
        version=card.version,
        labels=trained.labels,
        patch=trained.spec,
        threshold=card.threshold,
        temperature=temperature,
        recipe=recipe,
        graph_sha256="0" * 64,
        golden=_golden(check, logits),
        metrics={name: float(f"{value:.6g}") for name, value in metrics.items()},
        data=dict(trained.data),
        code=_made_by(trained),
        licence=card.licence,
        notes=card.notes,
    )
    content = pack(graph, described)
    failed = failed_gates(recipe, gates or Gates(), {**metrics, "bytes": len(content)}, material.calibration) + [
        f"{operator} is newer than {OLDEST_RUNTIME} has" for operator in too_new(graph)
    ]
    if failed:
        raise ModelError(f"{card.name} by {recipe} is not written: {'; '.join(failed)}")
    return Conversion(content, MappingProxyType(described.metrics))


def bundle_foreign(graph: bytes, labels: tuple[str, ...], spec: PatchSpec, card: Card) -> bytes:
    """A bundle around a TFLite graph that was made elsewhere and keeps the model's contract.

    Nothing is measured; its golden patches are a ramp and noise, their logits what it gives here and now. It is loaded
    once, so that what would be refused later is refused here.

    Raises:
        UsageError: no TFLite model.
        ModelError: another contract: inputs, outputs or labels.
    """
    engine = Engine(build_interpreter(graph), spec, len(labels))
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 255, spec.size**2).astype(np.uint8).reshape(spec.size, spec.size)
    patches = np.stack([ramp, rng.integers(0, 256, ramp.shape, np.uint8)])
    measures = rng.integers(0, 256, (len(patches), len(spec.measures)), np.uint8)
    unlabelled = Examples(patches, measures, np.zeros(len(patches), np.int64), np.array([""] * len(patches)))
    description = Description(
        name=card.name, version=card.version, labels=labels, patch=spec, threshold=card.threshold,
        recipe="foreign", graph_sha256="0" * 64, golden=_golden(unlabelled, _run(engine, unlabelled)),
        licence=card.licence, notes=card.notes,
    )  # fmt: skip
    content = pack(graph, description)
    Classifier(read_bundle(content))
    return content


def _converted(trained: TrainedModel, recipe: str, calibration: Examples, name: str) -> bytes:
    """The canonical graph by a recipe: ranges equalised before quantising, biases corrected after it."""
    logits_model = without_softmax(trained.model)
    if RECIPES[recipe].is_calibrated:
        equalise_ranges(logits_model, calibration)
    graph = canonical(to_tflite(logits_model, recipe, calibration), name)
    if RECIPES[recipe].is_quantised:
        graph = correct_biases(graph, canonical(to_tflite(logits_model, "float32", calibration)), calibration)
    return graph


def _check_examples(trained: TrainedModel, material: Material) -> None:
    size, k, n_labels = trained.spec.size, len(trained.spec.measures), len(trained.labels)
    for name in ("calibration", "held_out", "check"):
        examples: Examples = getattr(material, name)
        if examples.patches.shape[1:] != (size, size) or examples.measures.shape[1] != k:
            raise UsageError(
                f"{name} pictures {examples.patches.shape} with measures {examples.measures.shape}: "
                f"the model takes (n, {size}, {size}) and (n, {k})"
            )
        if len(examples) == 0:
            raise UsageError(f"no {name} pictures: a conversion needs some, better 500")
        if examples.labels.min() < 0 or examples.labels.max() >= n_labels:
            raise UsageError(f"{name} labels reach {examples.labels.max()}: the model has {n_labels}, counted from 0")


def _run(engine: Engine, examples: Examples) -> NDArray[np.float32]:
    """Logits of the examples, at least one, a batch at a time."""
    logits = []
    for patches, measures in batches(examples.patches, examples.measures):
        engine.run(patches, measures)
        logits.append(engine.logits())
    return np.concatenate(logits)


def _metrics(
    trained: TrainedModel, check: Examples, logits: NDArray[np.float32], temperature: float
) -> dict[str, float]:
    measures = check.measures if trained.spec.measures else None
    wanted = probabilities(trained.model, check.patches, measures)
    plain = softmax(logits)
    return {
        "n_check": len(check),
        "accuracy": float((plain.argmax(axis=1) == check.labels).mean()),
        "accuracy_float": float((wanted.argmax(axis=1) == check.labels).mean()),
        "agreement": float((plain.argmax(axis=1) == wanted.argmax(axis=1)).mean()),
        "largest_probability_error": float(np.abs(plain - wanted).max()),
        "calibration_error": calibration_error(softmax(logits, temperature), check.labels),
    }


def _golden(examples: Examples, logits: NDArray[np.float32]) -> Golden:
    """The first example of each of the first few labels that occur, and what the graph said of them."""
    _, first = np.unique(examples.labels, return_index=True)
    chosen = np.sort(first)[:N_GOLDEN] if len(first) >= N_GOLDEN else np.arange(min(N_GOLDEN, len(examples)))
    rounded = [[float(f"{value:.6g}") for value in row] for row in logits[chosen].tolist()]
    return Golden(
        n_patches=len(chosen),
        patches=zlib.compress(examples.patches[chosen].tobytes(), 9),
        logits=tuple(tuple(row) for row in rounded),
        measures=examples.measures[chosen].tobytes(),
    )


def _made_by(trained: TrainedModel) -> dict[str, str | int | float]:
    return {
        **trained.code,
        "weights_sha256": weights_sha256(trained.model),
        "converted_by": f"tensorflow {tf.__version__}",
        "measured_with": choose_runtime().identity,
    }
