"""What a candidate is: pixels and candidates in, scores of a verified model out."""

from edge.classify.bundle import load_bundle
from edge.classify.classifier import Classifier
from edge.classify.patch_spec import PatchSpec
from edge.classify.patches import crop, measure, prepare_all

__all__ = ["Classifier", "PatchSpec", "crop", "load_bundle", "measure", "prepare_all"]
