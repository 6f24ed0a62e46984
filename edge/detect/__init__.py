"""What may be a mark: pixels and an `EndFace` in, `Candidate`s out; the standard is not known here."""

from edge.detect.detector import detect
from edge.detect.settings import DetectSettings

__all__ = ["DetectSettings", "detect"]
