"""How well a picture can be judged: pixels and an `EndFace` in, a `Quality` out."""

from edge.quality.assessment import assess
from edge.quality.settings import QualitySettings

__all__ = ["QualitySettings", "assess"]
