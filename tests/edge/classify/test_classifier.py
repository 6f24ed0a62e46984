import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.classify import Classifier, load_bundle
from edge.classify.bundle import Bundle, graph_of, pack, read_bundle
from edge.classify.classifier import _softmax
from edge.classify.runtime import available_runtimes
from edge.errors import ModelError, UsageError

DATA = Path(__file__).parents[2] / "data"
WORKING = [report.name for report in available_runtimes() if report.works]


@pytest.fixture(scope="module", params=WORKING)
def runtime(request: pytest.FixtureRequest) -> str:
    """Each runtime that works here."""
    return str(request.param)


def patches_of(n: int, side: int = 4, seed: int = 0) -> np.ndarray:
    """Patches whose grey levels are whole steps of 16, so that no sum lies on a rounding edge."""
    return (np.random.default_rng(seed).integers(0, 16, (n, side, side)) * 16).astype(np.uint8)


def by_hand(patches: np.ndarray) -> np.ndarray:
    """The tiny model's scores: softmax of the halves' sums over 255, the sums at most 255 steps of 8."""
    halves = np.stack([patches[:, :, :2].sum((1, 2)), patches[:, :, 2:].sum((1, 2))], axis=1)
    logits = np.minimum(halves, 2040) / 255
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def test_scores_are_those_computed_by_hand(runtime: str) -> None:
    """The scores of a model computable by hand are those computed by hand, and rows sum to 1."""
    classifier = Classifier(load_bundle(DATA / "tiny.tflite"), runtime)
    patches = patches_of(20)
    scores = classifier(patches)
    assert scores.dtype == np.float32
    assert scores == pytest.approx(by_hand(patches), abs=1e-6)
    assert scores.sum(axis=1) == pytest.approx(np.ones(20), abs=1e-6)


def test_scores_of_the_graph_itself(runtime: str) -> None:
    """Where the graph ends in scores they are the softmax at the temperature, in any batch, beside the same logits."""
    classifier = Classifier(load_bundle(DATA / "tiny-scores.tflite"), runtime)
    plain = Classifier(load_bundle(DATA / "tiny.tflite"), runtime)
    patches = patches_of(20)
    logits = classifier.logits(patches)
    assert np.array_equal(logits, plain.logits(patches))
    weights = np.exp(logits.astype(np.float64) / 2)
    scores = classifier(patches)
    assert scores.dtype == np.float32
    assert scores == pytest.approx(weights / weights.sum(axis=1, keepdims=True), abs=1e-6)
    one_by_one = np.concatenate([classifier(patches[k : k + 1]) for k in range(20)])
    assert np.abs(one_by_one - scores).max() < 1e-6


def test_scores_at_another_temperature_are_refused(runtime: str) -> None:
    """A graph whose scores are not those of the temperature that is described is refused."""
    wrong = repacked(load_bundle(DATA / "tiny-scores.tflite"), temperature=2.1)
    with pytest.raises(ModelError, match=r"scores are off by .* from its logits at temperature 2\.1"):
        Classifier(wrong, runtime)


def test_answers_are_ones_own(runtime: str) -> None:
    """An answer stays as it was whatever the classifier is asked afterwards, and the patches are not changed."""
    classifier = Classifier(load_bundle(DATA / "tiny-scores.tflite"), runtime)
    patches = patches_of(40)
    given = patches.copy()
    asked = [(start, size) for size in (1, 3, 1, 2, 7, 1) for start in range(0, 30, 5)]
    first = [(classifier(patches[a : a + n]), classifier.logits(patches[a : a + n])) for a, n in asked]
    for (a, n), (scores, logits) in zip(asked, first, strict=True):
        assert np.array_equal(classifier(patches[a : a + n]), scores)
        assert np.array_equal(classifier.logits(patches[a : a + n]), logits)
    assert np.array_equal(patches, given)


def test_patches_that_do_not_lie_in_one_piece(runtime: str) -> None:
    """A view with strides of its own is read as what it shows."""
    classifier = Classifier(load_bundle(DATA / "tiny.tflite"), runtime)
    wide = patches_of(6, 8)
    assert np.array_equal(classifier(wide[:, ::2, ::2]), classifier(wide[:, ::2, ::2].copy()))
    assert np.array_equal(classifier(wide[2:3, 7:3:-1, 4:]), classifier(wide[2:3, 7:3:-1, 4:].copy()))


def test_every_grey_level_reaches_the_graph(runtime: str) -> None:
    """All 256 levels are quantised exactly: eight equal pixels give the sum of eight."""
    classifier = Classifier(load_bundle(DATA / "tiny.tflite"), runtime)
    patches = np.zeros((256, 4, 4), np.uint8)
    patches[:, :, :2] = np.arange(256)[:, None, None]
    assert classifier.logits(patches)[:, 0] * 255 == pytest.approx(np.arange(256) * 8, abs=1e-3)


def test_batch_equals_one_by_one(runtime: str) -> None:
    """Where the host computes the scores, a batch's are bit for bit those of single patches, in any order of sizes."""
    classifier = Classifier(load_bundle(DATA / "tiny-defects.tflite"), runtime)
    patches = np.random.default_rng(3).integers(0, 256, (33, 8, 8), np.uint8)
    one_by_one = np.concatenate([classifier(patches[i : i + 1]) for i in range(33)])
    for n in (33, 2, 7, 1, 33):
        assert np.array_equal(classifier(patches[:n]), one_by_one[:n])


@pytest.mark.parametrize("name", ["fibre-defects", "fibre-defects-mlp", str(DATA / "tiny-scores.tflite")])
def test_a_patch_among_others(name: str, runtime: str) -> None:
    """Logits are bit for bit those of the patch alone, in batches of any size; the graph's own scores within 1e-6."""
    classifier = Classifier(load_bundle(name), runtime)
    rng = np.random.default_rng(2)
    patches = rng.integers(0, 256, (100, classifier.spec.size, classifier.spec.size), np.uint8)
    measures = rng.integers(0, 256, (100, len(classifier.spec.measures)), np.uint8)
    alone = [(patches[k : k + 1], measures[k : k + 1]) for k in range(100)]
    logits = np.concatenate([classifier.logits(*one) for one in alone])
    scores = np.concatenate([classifier(*one) for one in alone])
    for n in (2, 3, 4, 5, 8, 17, 100):
        assert np.array_equal(classifier.logits(patches[:n], measures[:n]), logits[:n])
        assert np.abs(classifier(patches[:n], measures[:n]) - scores[:n]).max() < 1e-6


def test_measures_count(runtime: str) -> None:
    """The second input is added to its half; without measures all count as not known, which is zero."""
    classifier = Classifier(load_bundle(DATA / "tiny-measures.tflite"), runtime)
    patches, measures = patches_of(5), (np.arange(10).reshape(5, 2) * 16).astype(np.uint8)
    expected = np.stack([patches[:, :, :2].sum((1, 2)), patches[:, :, 2:].sum((1, 2))], axis=1) + measures
    assert classifier.logits(patches, measures) * 255 == pytest.approx(expected, abs=1e-3)
    assert np.array_equal(classifier(patches), classifier(patches, np.zeros((5, 2), np.uint8)))


def test_no_patches(runtime: str) -> None:
    """No patches give no scores of the right width, and nothing is named."""
    classifier = Classifier(load_bundle(DATA / "tiny-defects.tflite"), runtime)
    scores = classifier(np.empty((0, 8, 8), np.uint8))
    assert scores.shape == (0, 5)
    assert classifier.name(scores) == []


def test_input_is_not_changed(runtime: str) -> None:
    """Read-only and strided patches are accepted, give the same scores and stay as they are."""
    classifier = Classifier(load_bundle(DATA / "tiny.tflite"), runtime)
    wide = patches_of(6, 8)
    view = wide[::2, 2:6, 1:5]
    before = view.copy()
    wide.flags.writeable = False
    assert np.array_equal(classifier(view), classifier(before))
    assert np.array_equal(view, before)
    kept = classifier(before)
    as_it_was = kept.copy()
    classifier(255 - before)
    assert np.array_equal(kept, as_it_was)


@pytest.mark.parametrize(
    "patches",
    [
        np.zeros((4, 4), np.uint8), np.zeros((1, 5, 4), np.uint8), np.zeros((1, 4, 4, 1), np.uint8),
        np.zeros((1, 4, 4), np.int8), np.zeros((1, 4, 4), np.float32), np.full((1, 4, 4), np.nan),
        np.zeros((0, 3, 4), np.uint8), np.zeros(0, np.uint8),
    ],
)  # fmt: skip
def test_unfit_patches(patches: np.ndarray) -> None:
    """Another shape or dtype is refused with what was given and what was expected."""
    classifier = Classifier(load_bundle(DATA / "tiny.tflite"))
    with pytest.raises(UsageError, match=r"patches .* the model tiny expects \(n, 4, 4\) uint8"):
        classifier(patches)


@pytest.mark.parametrize(
    "measures", [np.zeros((2, 3), np.uint8), np.zeros((1, 2), np.uint8), np.zeros((2, 2)), np.zeros(2, np.uint8)]
)
def test_unfit_measures(measures: np.ndarray) -> None:
    """Measures of another shape or dtype, or for a model that takes none, are refused."""
    with pytest.raises(UsageError, match=r"expects \(2, 2\) uint8"):
        Classifier(load_bundle(DATA / "tiny-measures.tflite"))(patches_of(2), measures)
    with pytest.raises(UsageError, match=r"expects \(2, 0\) uint8"):
        Classifier(load_bundle(DATA / "tiny.tflite"))(patches_of(2), measures)


def test_names() -> None:
    """The best label is named where it reaches the threshold, `unknown` below it; of ties the first wins."""
    classifier = Classifier(load_bundle(DATA / "tiny.tflite"))
    scores = np.array([[0.7, 0.3], [0.2, 0.8], [0.5, 0.5], [0.49, 0.48]], np.float32)
    named = classifier.name(scores)
    assert [label for label, _ in named] == ["left", "right", "left", "unknown"]
    assert [score for _, score in named] == pytest.approx([0.7, 0.8, 0.5, 0.49])
    assert all(type(score) is float for _, score in named)


def test_temperature_and_identity() -> None:
    """The logits are divided by the temperature; the identity tells model, hash and runtime."""
    bundle = load_bundle(DATA / "tiny.tflite")
    warm = repacked(bundle, temperature=4.0)
    classifier = Classifier(warm)
    logits = classifier.logits(patches_of(9)).astype(np.float64) / 4
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert classifier(patches_of(9)) == pytest.approx(expected, abs=1e-6)
    assert (classifier.identity.name, classifier.identity.sha256) == ("tiny", warm.sha256)
    assert classifier.identity.runtime.split()[0] in WORKING


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=2, max_size=6))
def test_softmax_is_a_distribution(logits: list[float]) -> None:
    """Whatever finite logits, the scores are probabilities that sum to 1 and keep the order."""
    row = np.array([logits], np.float32)
    scores = _softmax(row, 1.0)
    assert np.isfinite(scores).all()
    assert scores.sum() == pytest.approx(1, abs=1e-5)
    assert scores[0, row.argmax()] == scores.max()


def repacked(bundle: Bundle, **changes: object) -> Bundle:
    """The same graph with another description, sealed anew."""
    return read_bundle(pack(graph_of(bundle), msgspec.structs.replace(bundle.description, **changes)))


def test_golden_patches_are_repeated_at_load(runtime: str) -> None:
    """A graph that does not give its golden logits here is refused, loudly."""
    bundle = load_bundle(DATA / "tiny.tflite")
    golden = bundle.description.golden
    for logits in (tuple(row[::-1] for row in golden.logits), tuple((x + 1.0, y) for x, y in golden.logits)):
        wrong = repacked(bundle, golden=msgspec.structs.replace(golden, logits=logits))
        with pytest.raises(ModelError, match="golden logits are off by"):
            Classifier(wrong, runtime)


def test_golden_nan_is_refused() -> None:
    """Golden logits that are no numbers verify nothing, and are refused."""
    bundle = load_bundle(DATA / "tiny.tflite")
    golden = bundle.description.golden
    nan = tuple((float("nan"),) * 2 for _ in golden.logits)
    with pytest.raises(UsageError, match="golden logit"):
        msgspec.structs.replace(bundle.description, golden=msgspec.structs.replace(golden, logits=nan))


@pytest.mark.parametrize(
    ("other", "message"),
    [("tiny-defects", "its patch input is"), ("tiny-measures", "it has 2 inputs")],
)
def test_contract(other: str, message: str) -> None:
    """A graph of another contract under a valid seal is refused with what it has and what was expected."""
    bundle, graph = load_bundle(DATA / "tiny.tflite"), graph_of(load_bundle(DATA / f"{other}.tflite"))
    with pytest.raises(ModelError, match=message):
        Classifier(read_bundle(pack(graph, bundle.description)))


def test_wrong_number_of_labels() -> None:
    """A graph with another number of logits than labels is refused."""
    bundle = load_bundle(DATA / "tiny.tflite")
    golden = bundle.description.golden
    three = msgspec.structs.replace(golden, logits=tuple((*row, 0.0) for row in golden.logits))
    with pytest.raises(ModelError, match="a logit for each of its 3 labels"):
        Classifier(repacked(bundle, labels=("left", "right", "up"), golden=three))


def at_once(work: Callable[[int], None], n_threads: int) -> list[BaseException]:
    """Runs the work in threads that start together; what they raised."""
    raised: list[BaseException] = []
    start = threading.Barrier(n_threads)

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            raised.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_two_threads(runtime: str) -> None:
    """Two threads on one classifier, with batches of changing size, get exactly the answers each would get alone."""
    classifier = Classifier(load_bundle(DATA / "tiny-defects.tflite"), runtime)
    rng = np.random.default_rng(5)
    work = [[rng.integers(0, 256, (1 + k % 3, 8, 8), np.uint8) for k in range(300)] for _ in range(2)]
    alone = [[classifier(patches) for patches in mine] for mine in work]

    def compare(number: int) -> None:
        for patches, expected in zip(work[number], alone[number], strict=True):
            assert np.array_equal(classifier(patches), expected)

    assert at_once(compare, 2) == []


def test_replaced_file(tmp_path: Path) -> None:
    """Overwriting the file of a loaded model changes none of its answers, in old threads and new ones."""
    path = tmp_path / "model.tflite"
    path.write_bytes((DATA / "tiny.tflite").read_bytes())
    classifier = Classifier(load_bundle(path))
    before = classifier(patches_of(4))
    path.write_bytes(b"\xff" * 2000)

    def compare(_: int) -> None:
        assert np.array_equal(classifier(patches_of(4)), before)

    compare(0)
    assert at_once(compare, 2) == []
