"""`ferrule-train evaluate`: a `.tflite` bundle in, its figures out, as JSON and as pictures."""

from __future__ import annotations

from pathlib import Path

from edge.classify import Classifier, load_bundle
from edge.classify.bundle import Bundle
from edge.cli.console import Console
from edge.errors import UsageError
from trainer.data import Source
from trainer.data.dataset import unseen
from trainer.evaluation import Evaluation, evaluate, write_evaluation
from trainer.learning import TrainedModel, load, probabilities
from trainer.learning.model_file import weights_sha256


def evaluate_model(
    model: str, runtime: str | None, float_model: Path | None, source: Source, out: Path, console: Console
) -> int:
    """Scores a bundle, writes its figures, and tells of them; returns the exit code.

    Args:
        model: a `.tflite` file, or the name of a model that ships.
        runtime: what is to run it; None: the first that works.
        float_model: the `.keras` file it was converted from; None: the one beside it, if it is that.
        source: the pictures; of those it was trained on the test part is used, of others all.
        out: the folder to write into.
        console: where to tell.

    Raises:
        UsageError: options, data or a place to write to that cannot be used; another float model.
        SourceError: pictures that cannot be read.
        ModelError: a model was refused.
    """
    bundle = load_bundle(model)
    classifier = Classifier(bundle, runtime)
    scored_on = unseen(bundle.description.data, classifier.labels, classifier.spec, source)
    examples, data = scored_on.examples, scored_on.words
    for message in scored_on.unreadable:
        console.error(message)
    trained = _float_model(bundle, float_model)
    if trained is None:
        console.say("no .keras file beside the model: agreement and learning curves are left out (--keras)")
        evaluation = evaluate(classifier, examples, data)
    else:
        scores = probabilities(trained.model, examples.patches, examples.measures)
        evaluation = evaluate(classifier, examples, data, scores, trained.history)
    _tell(evaluation, console)
    for path in write_evaluation(evaluation, out):
        console.say(f"wrote {path}")
    if console.as_json:
        console.emit({"model": evaluation.model, "data": data, "out": str(out), **_headline(evaluation)})
    return 3 if scored_on.unreadable else 0


def _float_model(bundle: Bundle, given: Path | None) -> TrainedModel | None:
    beside = Path(bundle.source).with_suffix(".keras")
    if given is None and not beside.is_file():
        return None
    trained = load(given or beside)
    if weights_sha256(trained.model) == bundle.description.code.get("weights_sha256"):
        return trained
    if given is None:
        return None
    raise UsageError(f"{given} is not what {bundle.source} was converted from: its weights are others")


def _headline(evaluation: Evaluation) -> dict[str, float]:
    told = {
        "pictures": evaluation.pictures,
        "accuracy": evaluation.accuracy,
        "macro_f1": evaluation.macro_f1,
        "calibration_error": evaluation.calibration_error,
        "coverage": evaluation.coverage,
        "accuracy_covered": evaluation.accuracy_covered,
    }
    if evaluation.float_network is not None:
        told["agreement_with_float"] = evaluation.float_network.agreement
        told["accuracy_float"] = evaluation.float_network.accuracy
        told["largest_probability_error"] = evaluation.float_network.largest_probability_error
    return told


def _tell(evaluation: Evaluation, console: Console) -> None:
    console.say(f"{evaluation.model} on {evaluation.data}, run by {evaluation.runtime}")
    for name, value in _headline(evaluation).items():
        console.say(f"{name.replace('_', ' '):<28} {value:g}")
    width = max(map(len, ("label", *evaluation.labels)))
    console.say(f"{'label':<{width}}  precision  recall      f1  pictures")
    for label, row in evaluation.per_label.items():
        console.say(f"{label:<{width}}     {row.precision:.4f}  {row.recall:.4f}  {row.f1:.4f}  {row.pictures:>8}")
