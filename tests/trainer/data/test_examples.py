import numpy as np
import pytest

from trainer.data import Examples
from trainer.data.examples import batches, joined


def some(n: int, k: int) -> Examples:
    """Patches whose first pixel is their number."""
    patches = np.zeros((n, 4, 4), np.uint8)
    patches[:, 0, 0] = np.arange(n)
    measures = np.arange(n * k, dtype=np.uint8).reshape(n, k)
    return Examples(patches, measures, np.arange(n) % 2, np.array([str(i % 3) for i in range(n)], np.str_))


@pytest.mark.parametrize(("n", "sizes"), [(0, []), (3, [3]), (4, [4]), (10, [4, 4, 2])])
def test_batches_are_all_of_it_in_order(n: int, sizes: list[int]) -> None:
    """Nothing twice, nothing left out, the last batch smaller; measures go with their patches."""
    examples = some(n, 2)
    parts = list(batches(examples.patches, examples.measures, 4))
    assert [len(patches) for patches, _ in parts] == sizes
    if n:
        assert np.array_equal(np.concatenate([patches for patches, _ in parts]), examples.patches)
        known = [measures for _, measures in parts if measures is not None]
        assert np.array_equal(np.concatenate(known), examples.measures)


@pytest.mark.parametrize("measures", [None, np.zeros((5, 0), np.uint8)])
def test_a_model_without_measures_is_given_none(measures: np.ndarray | None) -> None:
    """Whether there are none, or none was asked for."""
    assert [given for _, given in batches(some(5, 0).patches, measures, 2)] == [None, None, None]


def test_taking_and_joining_keep_rows_together() -> None:
    """Patch, measures, label and group of an example stay in one row."""
    examples = some(6, 1)
    odd = examples.take(examples.labels == 1)
    again = joined([odd, examples.take(np.array([4]))])
    assert again.patches[:, 0, 0].tolist() == again.measures[:, 0].tolist() == [1, 3, 5, 4]
    assert again.groups.tolist() == ["1", "0", "2", "1"]
    assert len(again) == 4


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    """Another length or another dtype is told with what was given."""
    good = some(3, 1)
    with pytest.raises(ValueError, match="3 labels, patches"):
        Examples(good.patches[:2], good.measures, good.labels, good.groups)
    with pytest.raises(ValueError, match="uint8, got"):
        Examples(good.patches.astype(np.float32), good.measures, good.labels, good.groups)
