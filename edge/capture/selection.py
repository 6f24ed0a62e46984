"""Learning from use: keeps the patches that are worth a person's label, while inspecting.

Worth it are low scores and near ties, and a small share of all others, which shows what the model is wrongly sure
of. Works on Inspections and pixels as whatever logs or draws does: the stages do not know of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.arguments import check_kind, check_number, described, is_number
from edge.capture.folder import CaptureFolder, Outcome
from edge.capture.sidecar import SCHEMA, UNLABELLED, CaptureRecord, Why, folder_name, pixels_sha256
from edge.classify.patches import cut
from edge.errors import UsageError
from edge.inspection_json import iso_time
from edge.records import Finding, Frame, Inspection

_FRAMES_APART = 10
# From a block of a disk, which a single patch takes, to a petabyte.
_BUDGET_MB = (4096 / 1e6, 1e9)
_MOST_QUOTA = 10**9
_SAME_PLACE_PX = 4.0


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """What is kept, and how much of it.

    Attributes:
        budget_mb: everything in the folder together, in MB of 10^6 bytes; at least a block of a disk.
        quota: patches that may wait in `unlabelled` for each of the model's answers; at least 1.
        low_score: a score below this is low, whatever the model's threshold: more likely wrong than right.
        low_margin: a score less than this above the model's threshold is low, too.
        tie_margin: two labels whose probabilities are less than this apart nearly tie.
        random_share: of the others, chosen by their own pixels and so the same in every run; 0..1.
    """

    budget_mb: float = 200.0
    quota: int = 200
    low_score: float = 0.5
    low_margin: float = 0.1
    tie_margin: float = 0.2
    random_share: float = 0.02

    def __post_init__(self) -> None:
        for name in ("low_score", "low_margin", "tie_margin", "random_share"):
            check_number(getattr(self, name), name, 0, 1)
        check_kind(self.quota, int, "quota")
        low, high = _BUDGET_MB
        if not is_number(self.budget_mb, low, high):
            raise UsageError(
                f"capture budget of {described(self.budget_mb)} MB; expected {low:g} to {high:g}, such as 200"
            )
        if not 1 <= self.quota <= _MOST_QUOTA:
            raise UsageError(f"capture quota of {self.quota} patches; expected 1 to {_MOST_QUOTA}, such as 200")

    def reason(self, finding: Finding, threshold: float, sha256: str) -> Why | None:
        """Why a finding is worth a label; None where it is not.

        Args:
            finding: with every label's probability.
            threshold: the model's, below which its answer is `unknown`.
            sha256: of the patch.
        """
        first, second = (*sorted(finding.scores.values(), reverse=True), 0.0)[:2]
        if first < max(self.low_score, threshold + self.low_margin):
            return "low score"
        if first - second < self.tie_margin:
            return "near tie"
        return "random" if int(sha256[:8], 16) < self.random_share * 2**32 else None


class PatchCapture:
    """Keeps what is worth a label of the inspections it is shown.

    Args:
        folder: where to.
        settings: what, and how much.
        patch_px: the model's patch size.
        threshold: the model's.

    Attributes:
        kept: patches kept so far, by the reason.
        passed_over: those worth a label that were not kept, by what prevented it; `seen again` are marks that stayed
            in view from frame to frame.
    """

    def __init__(self, folder: Path, settings: CaptureSettings, patch_px: int, threshold: float) -> None:
        self.kept: Counter[Why] = Counter()
        self.passed_over: Counter[Outcome | Literal["seen again"]] = Counter()
        self.folder = CaptureFolder(folder, round(settings.budget_mb * 1e6), settings.quota)
        self._settings = settings
        self._patch_px = patch_px
        self._threshold = threshold
        self._in_view: list[_InView] = []
        self._n_frames = 0

    def keep(self, frame: Frame, inspections: Sequence[Inspection]) -> None:
        """Keeps what is worth a label of a frame's inspections; changes neither.

        Raises:
            UsageError: the folder cannot be written to any more; what was kept stays.
        """
        self._n_frames += 1
        self._in_view = [mark for mark in self._in_view if self._n_frames - mark.frame <= _FRAMES_APART]
        picture_sha256 = ""
        for inspection in inspections:
            for finding in inspection.findings:
                square = cut(frame.pixels, finding.candidate, self._patch_px)
                sha256 = pixels_sha256(square)
                why = self._settings.reason(finding, self._threshold, sha256)
                if why is None:
                    continue
                if self._was_in_view(inspection, finding):
                    self.passed_over["seen again"] += 1
                    continue
                picture_sha256 = picture_sha256 or pixels_sha256(frame.pixels)
                record = self._record(inspection, finding, why, (sha256, picture_sha256))
                outcome = self.folder.add(record, square)
                if outcome == "kept":
                    self.kept[why] += 1
                else:
                    self.passed_over[outcome] += 1
                if outcome in ("kept", "known"):
                    self._in_view.append(_InView.of(inspection, finding, self._n_frames))

    def _record(self, inspection: Inspection, finding: Finding, why: Why, hashes: tuple[str, str]) -> CaptureRecord:
        return CaptureRecord(
            schema=SCHEMA,
            sha256=hashes[0],
            file=f"{UNLABELLED}/{folder_name(finding.label)}/{hashes[0][:16]}.png",
            why=why,
            time=iso_time(inspection.time),
            source=inspection.source,
            index=inspection.index,
            fibre=inspection.fibre,
            picture_sha256=hashes[1],
            patch_px=self._patch_px,
            label=finding.label,
            score=finding.score,
            scores=dict(finding.scores),
            zone=finding.zone,
            candidate=finding.candidate,
            end_face=inspection.end_face,
            model=inspection.model,
            criteria=inspection.criteria,
        )

    def _was_in_view(self, inspection: Inspection, finding: Finding) -> bool:
        """Whether the mark was dealt with in one of the last frames: a live picture is never twice the same."""
        now = _InView.of(inspection, finding, self._n_frames)
        for number, before in enumerate(self._in_view):
            if before.frame < now.frame and before.is_same_mark(now):
                self._in_view[number] = now
                return True
        return False


@dataclass(frozen=True, slots=True)
class _InView:
    """A mark that was dealt with: where it lies on its end face, and when it was seen last."""

    source: str
    fibre: int
    x_px: float
    y_px: float
    longer_px: int
    frame: int

    @classmethod
    def of(cls, inspection: Inspection, finding: Finding, frame: int) -> _InView:
        c, face = finding.candidate, inspection.end_face
        x_px, y_px = (face.x_px, face.y_px) if face is not None else (0.0, 0.0)
        place = c.x_px + c.w_px / 2 - x_px, c.y_px + c.h_px / 2 - y_px
        return cls(inspection.source, inspection.fibre, *place, max(c.w_px, c.h_px), frame)

    def is_same_mark(self, other: _InView) -> bool:
        apart_px = max(abs(self.x_px - other.x_px), abs(self.y_px - other.y_px))
        shorter_px, longer_px = sorted((self.longer_px, other.longer_px))
        near = apart_px <= _SAME_PLACE_PX + longer_px / 4 and longer_px <= 2 * shorter_px + _SAME_PLACE_PX
        return (self.source, self.fibre) == (other.source, other.fibre) and near
