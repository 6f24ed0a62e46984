"""Ferrule's verdicts held against right ones: how often it errs, and where."""

from edge.validation.agreement import Agreement, Case, agreement_of
from edge.validation.page import page_of
from edge.validation.truth import Truth, matched, read_truth

__all__ = ["Agreement", "Case", "Truth", "agreement_of", "matched", "page_of", "read_truth"]
