"""Patches in, scores out: a verified model, run.

Whatever the recipe, a pixel reaches the graph through the input's own scale and zero point. For the default
recipe these are exactly 1 and -128, so that quantising is `pixel - 128`: the same bits as `pixel ^ 0x80`.
Scores are the softmax of the graph's logits at the fitted temperature. Graphs with float logits bring it along, where
it costs a tenth of a microsecond; for others it is computed here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge.arguments import check_kind, described
from edge.classify.bundle import Bundle
from edge.classify.engine import Engine
from edge.classify.patch_spec import PatchSpec
from edge.classify.runtime import REFUSALS, build_interpreter, choose_runtime, one_line
from edge.classify.still_inputs import inputs_stay
from edge.errors import ModelError, UsageError
from edge.labels import UNKNOWN
from edge.records import Identity

GOLDEN_TOLERANCE = 0.03
"""How far logits may lie from the golden ones, as a share of the golden logits' span: runtimes and processors
round integers differently in a few rows, a damaged or misread graph is out by the whole span."""

SCORES_TOLERANCE = 1e-4
"""How far the graph's own scores may lie from the softmax of its logits at the temperature that is described."""

_CANNOT_RUN = (ModelError, *REFUSALS)
_UINT8 = np.dtype(np.uint8)


class Classifier:
    """A model, ready to score patches; safe to call from several threads.

    Each thread that calls it gets interpreters of its own, made at its first call (one for single patches,
    one for batches), so that none waits for another and none reads another's answer.

    Args:
        bundle: a verified model.
        runtime: one of `edge.classify.runtime.RUNTIMES`; None: the first that works.

    Attributes:
        labels: what the columns of the scores mean.
        spec: what the patches have to look like.
        threshold: below this probability a patch is `unknown`.
        identity: name and hash of the model, and what runs it.

    Raises:
        ModelError: the graph does not keep the model's contract or does not give its golden logits here.
        RuntimeUnavailableError: no such runtime works here.
    """

    def __init__(self, bundle: Bundle, runtime: str | None = None) -> None:
        check_kind(bundle, Bundle, "bundle")
        description = bundle.description
        report = choose_runtime(runtime)
        self.labels: tuple[str, ...] = description.labels
        self.spec: PatchSpec = description.patch
        self.threshold: float = description.threshold
        self.identity = Identity(description.name, bundle.sha256, report.identity)
        self._bundle = bundle
        self._runtime = report.name
        self._temperature = description.temperature
        self._one_patch = (1, self.spec.size, self.spec.size)
        self._n_measures = len(self.spec.measures)
        self._still = inputs_stay(bundle.content)
        self._own = threading.local()
        self._verify_golden()

    def __call__(self, patches: NDArray[np.uint8], measures: NDArray[np.uint8] | None = None) -> NDArray[np.float32]:
        """Scores of the patches: one invoke for all of them.

        Args:
            patches: (n, size, size) uint8, as `edge.classify.crop` gives them; not changed.
            measures: (n, k) uint8, as `edge.classify.encode_measures` gives them; None: nothing is known (all zero).

        Returns:
            (n, number of labels) float32, rows sum to 1; (0, number of labels) for no patches. Logits have the same
            bits in any batch. Scores that the graph computes may differ in their last digits from those of the same
            patch in a batch of another size, by less than 1e-6: the runtime takes the exponential of four or eight
            figures at once where it can, by another formula than of the rest.

        Raises:
            UsageError: another shape or dtype.
            ModelError: the runtime cannot run the graph on that many, or it answers in another shape.
        """
        return self._answer(patches, measures, self._scores)

    def logits(self, patches: NDArray[np.uint8], measures: NDArray[np.uint8] | None = None) -> NDArray[np.float32]:
        """What the graph itself says of the patches, before temperature and softmax.

        Args:
            patches: as for a call.
            measures: as for a call.

        Returns:
            (n, number of labels) float32, a new array; of each patch the same bits whatever else is in the batch.

        Raises:
            UsageError: another shape or dtype.
            ModelError: the runtime cannot run the graph on that many, or it answers in another shape.
        """
        return self._answer(patches, measures, Engine.logits)

    def name(self, scores: NDArray[np.float32]) -> list[tuple[str, float]]:
        """The best label of each row and its probability; `unknown` where that is below the threshold.

        Args:
            scores: (n, number of labels), as a call returns them. Of equal scores the first label wins.

        Raises:
            UsageError: another shape, or no real numbers.
        """
        if not isinstance(scores, np.ndarray) or scores.dtype.kind != "f" or scores.shape[1:] != (len(self.labels),):
            raise UsageError(f"scores {described(scores)}: expected floating point (n, {len(self.labels)})")
        best = scores.argmax(axis=1)
        return [
            (self.labels[i] if score >= self.threshold else UNKNOWN, score)
            for i, score in zip(best.tolist(), scores[np.arange(len(scores)), best].tolist(), strict=True)
        ]

    def _answer(
        self,
        patches: NDArray[np.uint8],
        measures: NDArray[np.uint8] | None,
        read: Callable[[Engine], NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        """What `read` reads off this thread's engine after it has run on the patches."""
        engine = self._engine_for(patches, measures)
        if engine is None:
            return np.empty((0, len(self.labels)), np.float32)
        try:
            engine.run(patches, measures)
            return read(engine)
        except _CANNOT_RUN as error:
            raise self._refused(error) from error

    def _scores(self, engine: Engine) -> NDArray[np.float32]:
        return engine.scores() if engine.scores is not None else _softmax(engine.logits(), self._temperature)

    def _engine_for(self, patches: NDArray[np.uint8], measures: NDArray[np.uint8] | None) -> Engine | None:
        """This thread's engine for arrays that fit the model; None for no patches."""
        if not isinstance(patches, np.ndarray):
            raise self._unfit("patches", patches, f"(n, {self.spec.size}, {self.spec.size}) uint8")
        shape = patches.shape
        fits = shape == self._one_patch or (len(shape) == 3 and shape[1:] == self._one_patch[1:])  # slicing costs
        if not fits or patches.dtype != _UINT8:
            raise self._unfit("patches", patches, f"(n, {self.spec.size}, {self.spec.size}) uint8")
        n = shape[0]
        if measures is not None and (
            not isinstance(measures, np.ndarray) or measures.dtype != _UINT8 or measures.shape != (n, self._n_measures)
        ):
            raise self._unfit("measures", measures, f"({n}, {self._n_measures}) uint8")
        try:
            if n == 1:
                return self._own.single  # type: ignore[no-any-return]  # threading.local is untyped
            return self._own.batch if n else None
        except AttributeError:
            return self._new_engine(n)

    def _new_engine(self, n: int) -> Engine:
        """This thread's interpreter for single patches, or for batches."""
        interpreter = build_interpreter(self._bundle.content, self._runtime)
        try:
            engine = Engine(interpreter, self.spec, len(self.labels), self._still)
        except _CANNOT_RUN as error:
            raise self._refused(error) from error
        if n == 1:
            self._own.single = engine
        else:
            self._own.batch = engine
        return engine

    def _verify_golden(self) -> None:
        """Refuses a graph that does not answer here as it did where it was made."""
        golden = self._bundle.description.golden
        patches = golden.patches_of(self.spec.size)
        measures = np.frombuffer(golden.measures, np.uint8).reshape(len(patches), -1) if self._n_measures else None
        expected = np.array(golden.logits, np.float32)
        together = self.logits(patches, measures)
        alone = self.logits(patches[:1], None if measures is None else measures[:1])
        scores = self(patches, measures)
        off = max(np.abs(together - expected).max(), np.abs(alone - expected[:1]).max())
        tolerance = GOLDEN_TOLERANCE * max(float(np.ptp(expected)), 1e-6)
        if not off <= tolerance:  # NaN is refused too
            raise ModelError(
                f"{self._bundle.source}: on {self.identity.runtime} the golden logits are off by {off:.3g}, "
                f"at most {tolerance:.3g} expected; use another runtime or convert the model again"
            )
        off = np.abs(scores - _softmax(together, self._temperature)).max()
        if not off <= SCORES_TOLERANCE:
            raise ModelError(
                f"{self._bundle.source}: the graph's scores are off by {off:.3g} from its logits at temperature "
                f"{self._temperature}, at most {SCORES_TOLERANCE:.3g} expected; convert the model again"
            )

    def _refused(self, error: Exception) -> ModelError:
        is_told = isinstance(error, ModelError)
        said = str(error) if is_told else f"{self.identity.runtime} cannot run it: {one_line(error)}"
        return ModelError(f"{self._bundle.source}: {said}; convert the model again")

    def _unfit(self, what: str, got: object, expected: str) -> UsageError:
        maker = "crop" if what == "patches" else "encode_measures"
        return UsageError(
            f"{what} {described(got)}: the model {self.identity.name} expects {expected}; "
            f"make them with edge.classify.{maker}"
        )


def _softmax(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Probabilities, rows sum to 1; each row the same bits whatever the others are."""
    scaled = logits * np.float32(1 / temperature)
    scaled -= scaled.max(axis=1, keepdims=True)
    np.exp(scaled, scaled)
    scores: NDArray[np.float32] = scaled / scaled.sum(axis=1, keepdims=True)
    return scores
