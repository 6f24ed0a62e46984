from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from edge.classify import load_bundle
from edge.classify.bundle import graph_of, list_models
from edge.classify.runtime import available_runtimes
from edge.classify.still_inputs import inputs_stay

DATA = Path(__file__).parents[2] / "data"
TRIAL = Path(__file__).parents[2] / "engine_trial.py"
WORKING = [report.name for report in available_runtimes() if report.works]
TINY = ["tiny", "tiny-defects", "tiny-measures", "tiny-scores"]


@pytest.mark.parametrize("runtime", WORKING)
@pytest.mark.parametrize("name", ["tiny", "tiny-defects", "tiny-measures", "tiny-moving"])
def test_answers_are_right_in_batches_of_changing_size(name: str, runtime: str, tmp_path: Path) -> None:
    """Whether an input moves or not, every answer is that of a fresh interpreter given copies, and no signal comes."""
    path = tmp_path / "graph.tflite"
    path.write_bytes(graph_of(load_bundle(DATA / f"{name}.tflite")))
    environment = {**os.environ, "MALLOC_PERTURB_": "165"}
    ran = subprocess.run(
        [sys.executable, str(TRIAL), str(path), runtime], capture_output=True, text=True, env=environment, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "right\n"), ran.stderr


def test_which_graphs_keep_their_inputs_in_place() -> None:
    """Of models that ship and of tiny ones it is certain; of one that works out a shape while it runs it is not."""
    for path in [*list_models().values(), *(DATA / f"{name}.tflite" for name in TINY)]:
        assert inputs_stay(path.read_bytes()), path
    assert not inputs_stay((DATA / "tiny-moving.tflite").read_bytes())


def test_a_shape_that_is_no_constant_is_no_proof() -> None:
    """A RESHAPE whose shape has no bytes in the file is told apart from one whose shape stands there."""
    graph = graph_of(load_bundle(DATA / "tiny-measures.tflite"))
    shape = struct.pack("<Iii", 8, -1, 16)
    assert graph.count(shape) == 1
    assert inputs_stay(graph)
    assert not inputs_stay(graph.replace(shape, struct.pack("<Iii", 0, -1, 16)))


@pytest.mark.parametrize("name", [*TINY, "tiny-moving"])
def test_damaged_and_cut_graphs(name: str) -> None:
    """Whatever the offsets of a file point at, the answer is yes or no; of a graph cut short it is no."""
    graph = graph_of(load_bundle(DATA / f"{name}.tflite"))
    rng = random.Random(0)
    for _ in range(2000):
        damaged = bytearray(graph)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(graph) - 4)
            damaged[at : at + 4] = struct.pack("<I", rng.choice([0, 1, 255, 2**31, 2**32 - 1, rng.randrange(2**32)]))
        assert inputs_stay(bytes(damaged)) in (True, False)
    for length in range(0, 64, 5):
        assert not inputs_stay(graph[:length])
