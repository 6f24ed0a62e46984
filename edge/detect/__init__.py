"""What may be a mark: pixels and an `EndFace` in, `Candidate`s out; the standard is not known here."""

from edge.detect.detector import DetectSettings, detect

__all__ = ["DetectSettings", "detect"]
