"""One look at one picture: locate, detect, crop, classify, judge, in this order and nowhere else.

What could not be read never passes: without an end face, or on a picture that cannot be judged, the verdict is
UNREADABLE and nothing is classified.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from edge.arguments import check_kind
from edge.bounds import MOST_CLEANINGS
from edge.classify import Classifier, crop, encode_measures, load_bundle
from edge.classify.bundle import DEFAULT_MODEL
from edge.detect import DetectSettings, detect, smallest_marks_um, too_small
from edge.errors import UsageError
from edge.judge import (
    DEFAULT_CRITERIA,
    Auto,
    Criteria,
    believed_name,
    fibre_problem,
    judge,
    judge_badly_seen,
    load_any,
    open_profiles,
    unreadable,
    zone_of,
)
from edge.judge.verdict import ADVICE_CALIBRATE, ADVICE_PROFILE, ADVICE_RETAKE
from edge.locate import LocateSettings, locate_fibres, scale_problem
from edge.quality import assess
from edge.records import Candidate, EndFace, Finding, Frame, Inspection, Quality, Status, Unlocated, Verdict

NO_END_FACE = "no end face found"
CORE_UNSEEN = "the core does not tell whether this is single-mode or multimode: say which with --criteria"


@dataclass(frozen=True)
class Inspector:
    """Everything that a verdict depends on, apart from the picture.

    Attributes:
        n_cleanings: how often the connector was cleaned before this look; after as many as the criteria say,
            contamination counts as permanent.
    """

    classifier: Classifier
    criteria: Criteria | Auto
    locate_settings: LocateSettings = field(default_factory=LocateSettings)
    detect_settings: DetectSettings = field(default_factory=DetectSettings)
    n_cleanings: int = 0

    def inspect(self, frame: Frame) -> tuple[Inspection, ...]:
        """One Inspection for each fibre of the frame; exactly one, UNREADABLE, when none is found."""
        return inspect_frame(frame, self)

    def unread(self, source: str, index: int, time: datetime, problem: str) -> Inspection:
        """The UNREADABLE Inspection of a frame that never arrived, so that records have no holes."""
        return Inspection(
            source=source,
            index=index,
            time=time,
            verdict=unreadable([problem]),
            criteria=self.criteria.identity,
            model=self.classifier.identity,
            end_face=None,
            quality=None,
            findings=(),
            timings_ms={},
        )


def load_inspector(
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    criteria: str | os.PathLike[str] = DEFAULT_CRITERIA,
    runtime: str | None = None,
    locate_settings: LocateSettings | None = None,
    n_cleanings: int = 0,
) -> Inspector:
    """An Inspector from names or files.

    Args:
        model: a shipped model's name, or a .tflite made by `ferrule-train convert`.
        criteria: a shipped profile's name, a TOML file, or `auto`.
        runtime: force one of `edge.classify.runtime.RUNTIMES`; None: the first that works.
        locate_settings: scale, cladding and number of fibres; None: those of the criteria.
        n_cleanings: cleanings so far.

    Raises:
        UsageError: an unknown model, criteria or runtime, or a profile with an error.
        ModelError: the model was refused, or no runtime works.
    """
    check_kind(criteria, (str, os.PathLike), "criteria")
    check_kind(locate_settings, (LocateSettings, type(None)), "locate_settings")
    check_kind(n_cleanings, int, "n_cleanings")
    if not 0 <= n_cleanings <= MOST_CLEANINGS:
        raise UsageError(f"{n_cleanings} cleanings; expected 0 to {MOST_CLEANINGS}")
    profile = load_any(os.fspath(criteria))
    return Inspector(
        classifier=Classifier(load_bundle(model), runtime),
        criteria=profile,
        locate_settings=locate_settings or LocateSettings(cladding_um=profile.cladding_um, n_fibres=profile.fibres),
        n_cleanings=n_cleanings,
    )


def inspect_frame(frame: Frame, inspector: Inspector) -> tuple[Inspection, ...]:
    """One Inspection for each fibre, left to right then top to bottom; one UNREADABLE when there is none.

    A fibre that belongs to the picture and was not located is UNREADABLE, with the place where it must be.

    All marks of all fibres go through the model in one call. `timings_ms` are of the whole frame, the same on
    each of its Inspections; only stages that ran are in it, and `total` is from pixels to verdicts.

    Raises:
        UsageError: no Frame, or no Inspector.
    """
    check_kind(frame, Frame, "frame")
    check_kind(inspector, Inspector, "inspector")
    pixels, watch = frame.pixels, _Stopwatch()
    fibres = locate_fibres(pixels, inspector.locate_settings)
    watch.lap("locate")
    looks = [_look(frame, fibre, inspector, len(fibres) > 1) for fibre in fibres or (None,)]
    watch.lap("quality")
    for look in looks:
        if look.face is not None and look.quality.is_trusted:
            settings = inspector.detect_settings
            if look.quality.rough_grey:  # its grain is no mark
                settings = replace(settings, reach=min(look.reach, 1.0))
            elif look.reach > settings.reach:
                settings = replace(settings, reach=look.reach)
            look.candidates = detect(pixels, look.face, settings)
    watch.lap("detect")
    _name(pixels, looks, inspector, watch)
    verdicts = [_judged(look, inspector) for look in looks]
    watch.lap("judge")
    timings_ms = watch.timings_ms()
    return tuple(
        Inspection(
            source=frame.source,
            index=frame.index,
            time=frame.time,
            verdict=verdict,
            criteria=look.profiles[0].identity if len(look.profiles) == 1 else inspector.criteria.identity,
            model=inspector.classifier.identity,
            end_face=look.face,
            quality=look.quality,
            findings=look.findings,
            timings_ms=timings_ms,
            fibre=k,
            n_fibres=len(looks),
            unlocated=look.unlocated,
        )
        for k, (look, verdict) in enumerate(zip(looks, verdicts, strict=True))
    )


@dataclass
class _Look:
    """What is known so far about one fibre of the frame."""

    face: EndFace | None
    quality: Quality
    unlocated: Unlocated | None = None
    profiles: tuple[Criteria, ...] = ()
    advice: str = ADVICE_RETAKE
    reach: float = 0.0
    candidates: tuple[Candidate, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        if self.unlocated is not None:
            return (self.unlocated.why,)
        none_found = (NO_END_FACE,) if self.face is None else ()
        return self.quality.problems or none_found


def _look(frame: Frame, fibre: EndFace | Unlocated | None, inspector: Inspector, several: bool) -> _Look:
    """The picture quality at a fibre: all that the criteria judge must be in view, and marks that matter must show."""
    if not isinstance(fibre, EndFace):
        return _Look(None, assess(frame.pixels, None), fibre)
    profiles = open_profiles(inspector.criteria, fibre, several)
    rings = profiles[0].judged_rings
    quality = assess(frame.pixels, fibre, rings, coloured=frame.coloured)
    if quality.rough_grey and not several:  # only ferrules for several fibres are of such a material
        return _look(frame, fibre, inspector, several=True)
    wrong = scale_problem(fibre, inspector.locate_settings)
    if wrong is not None:  # no size means anything
        untrusted = replace(quality, problems=(wrong,), is_trusted=False)
        return _Look(fibre, untrusted, profiles=profiles, advice=ADVICE_CALIBRATE)
    smallest_um = smallest_marks_um(quality.seeing, fibre.um_per_px, inspector.detect_settings)
    problems = quality.problems or too_small(rings, smallest_um)
    quality = replace(quality, smallest_um=smallest_um, problems=problems)
    reach = max(profile.judged_radius_um for profile in profiles) / fibre.cladding_r_um
    return _Look(fibre, quality, profiles=profiles, reach=reach)


def _name(pixels: NDArray[np.uint8], looks: Sequence[_Look], inspector: Inspector, watch: _Stopwatch) -> None:
    """Gives every candidate of every fibre its name and zone, in one call of the model."""
    classifier = inspector.classifier
    candidates = [candidate for look in looks for candidate in look.candidates]
    if not candidates:
        return
    patches = crop(pixels, candidates, classifier.spec)
    measures = np.concatenate([encode_measures(look.candidates, look.face, classifier.spec) for look in looks])
    watch.lap("crop")
    scores = classifier(patches, measures if classifier.spec.measures else None)
    names = classifier.name(scores)
    watch.lap("classify")
    at = 0
    for look in looks:
        findings = []
        for candidate in look.candidates:
            by_label = dict(zip(classifier.labels, scores[at].tolist(), strict=True))
            label, score = believed_name(candidate, names[at][0], by_label)
            zone = zone_of(candidate, label, look.profiles[0])
            findings.append(Finding(candidate, label, score, by_label, zone))
            at += 1
        look.findings = tuple(findings)


def _judged(look: _Look, inspector: Inspector) -> Verdict:
    if look.face is None or not look.quality.is_trusted:
        return unreadable(look.problems, look.advice)
    misfit = fibre_problem(look.face, look.profiles[0])
    if misfit is not None:
        return unreadable([misfit], ADVICE_PROFILE)
    verdicts = [_judged_by(profile, look, inspector.n_cleanings) for profile in look.profiles]
    if len(verdicts) == 1:
        return verdicts[0]
    # what fails by the more lenient one of both fails in any case
    lenient = min(verdicts, key=lambda verdict: len(verdict.reasons))
    if all(verdict.status is Status.FAIL for verdict in verdicts):
        return lenient
    return unreadable([*look.problems, CORE_UNSEEN], ADVICE_PROFILE)


def _judged_by(profile: Criteria, look: _Look, n_cleanings: int) -> Verdict:
    if look.problems:
        return judge_badly_seen(look.findings, profile, look.problems, n_cleanings, look.quality.unseen)
    return judge(look.findings, profile, n_cleanings)


class _Stopwatch:
    """Time per stage in ms, and from its making to the last lap."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps_ms: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._laps_ms[stage] = (now - self._last) * 1e3
        self._last = now

    def timings_ms(self) -> dict[str, float]:
        return {**self._laps_ms, "total": (self._last - self._start) * 1e3}
