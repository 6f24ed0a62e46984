"""Labelled pictures of every kind as `Examples`: patches, measures and labels."""

from trainer.data.dataset import Dataset, Source, open_dataset
from trainer.data.examples import Examples

__all__ = ["Dataset", "Examples", "Source", "open_dataset"]
