"""How long everything takes here: a patch, a frame, a start."""

from edge.bench.benchmark import BenchSettings, run

__all__ = ["BenchSettings", "run"]
