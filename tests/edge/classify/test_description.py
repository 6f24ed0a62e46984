from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.classify import load_bundle
from edge.classify.description import Description
from edge.errors import UsageError

TINY = load_bundle(Path(__file__).parents[2] / "data" / "tiny-measures.tflite").description


def test_json_and_back() -> None:
    """The description's JSON round-trips to an equal description."""
    assert msgspec.json.decode(msgspec.json.encode(TINY), type=Description) == TINY


def test_golden_patches_are_of_the_size_that_is_asked_for() -> None:
    """They come as they were packed, read-only; another size is refused."""
    patches = TINY.golden.patches_of(4)
    assert patches.shape == (TINY.golden.n_patches, 4, 4)
    assert patches.dtype == np.uint8
    assert not patches.flags.writeable
    for size in (3, 5, 1024):
        with pytest.raises(UsageError, match="golden patches"):
            TINY.golden.patches_of(size)


def test_what_does_not_hold_together_is_not_made() -> None:
    """Golden answers of another number of patches, measures or labels than the description's."""
    golden = TINY.golden
    for changed in (
        {"n_patches": golden.n_patches + 1},
        {"measures": golden.measures + b"\0"},
        {"logits": golden.logits[1:]},
        {"logits": tuple((*row, 0.0) for row in golden.logits)},
    ):
        with pytest.raises(UsageError, match="golden"):
            msgspec.structs.replace(TINY, golden=msgspec.structs.replace(golden, **changed))
