"""What a candidate is: pixels and candidates in, scores of a verified model out."""

from edge.classify.bundle import load_bundle
from edge.classify.classifier import Classifier
from edge.classify.measure_codes import encode_measures
from edge.classify.patch_spec import PatchSpec
from edge.classify.patches import crop
from edge.classify.pictures import prepare_all

__all__ = ["Classifier", "PatchSpec", "crop", "encode_measures", "load_bundle", "prepare_all"]
