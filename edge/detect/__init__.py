"""What may be a mark: pixels and an `EndFace` in, `Candidate`s out; the standard is not known here."""

from edge.detect.detector import detect
from edge.detect.settings import DetectSettings
from edge.detect.visibility import smallest_marks_um, too_small

__all__ = ["DetectSettings", "detect", "smallest_marks_um", "too_small"]
