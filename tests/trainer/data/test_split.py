from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import UsageError
from trainer.data.split import Split, SplitSettings, split

LABELS = ("a", "b", "c")


def parts_of(parts: Split) -> list[np.ndarray]:
    """The three, in order."""
    return [parts.train, parts.validation, parts.test]


@given(
    counts=st.lists(st.integers(3, 60), min_size=3, max_size=3),
    shares=st.tuples(st.floats(0.05, 0.5), st.floats(0.05, 0.4)),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=40)
def test_parts_are_disjoint_whole_and_hold_every_label(
    counts: list[int], shares: tuple[float, float], seed: int
) -> None:
    """Every picture is in exactly one part, and every label in every part, however few its pictures."""
    codes = np.repeat(np.arange(3), counts)
    parts = split(codes, LABELS, None, SplitSettings(shares[0], shares[1], seed))
    assert np.array_equal(np.sort(np.concatenate(parts_of(parts))), np.arange(len(codes)))
    for part in parts_of(parts):
        assert set(codes[part]) == {0, 1, 2}
        assert np.array_equal(part, np.sort(part))


def test_shares_hold_for_every_label() -> None:
    """Of each label a fifth is for testing and a tenth of all for validation."""
    codes = np.repeat(np.arange(3), (1000, 100, 50))
    parts = split(codes, LABELS, None, SplitSettings(0.1, 0.2))
    assert np.bincount(codes[parts.test]).tolist() == [200, 20, 10]
    assert np.bincount(codes[parts.validation]).tolist() == [100, 10, 5]


def test_the_same_seed_gives_the_same_split_and_another_one_another() -> None:
    """The split depends on labels and seed alone."""
    codes = np.repeat(np.arange(3), 40)
    first, again, other = (split(codes, LABELS, None, SplitSettings(seed=s)) for s in (5, 5, 6))
    assert np.array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)


@given(seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=20)
def test_no_group_is_on_two_sides(seed: int) -> None:
    """Pictures of one group are all learned from, all for choosing, or all for testing."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 20, 300).astype(np.str_)
    codes = rng.integers(0, 3, 300)
    parts = split(codes, LABELS, groups, SplitSettings(seed=seed))
    sides = [set(groups[part]) for part in parts_of(parts)]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    assert sum(map(len, parts_of(parts))) == 300
    assert set(codes[parts.train]) == {0, 1, 2}


def test_a_share_of_nothing_gives_an_empty_part() -> None:
    """Without a test share everything is for learning and choosing."""
    parts = split(np.repeat(np.arange(3), 10), LABELS, None, SplitSettings(validation=0.1, test=0.0))
    assert len(parts.test) == 0
    assert len(parts.train) + len(parts.validation) == 30


@pytest.mark.parametrize("groups", [None, np.array(["x", "y"] * 9 + ["z"] * 9)])
def test_a_label_with_too_few_pictures_or_groups_is_named(groups: np.ndarray | None) -> None:
    """Two pictures, or one group, cannot be in three parts: the message says which label and how many."""
    codes = np.array([0] * 18 + [1] * 7 + [2] * 2) if groups is None else np.repeat(np.arange(3), 9)
    expected = "label 'c' has 2 pictures" if groups is None else "label 'a' has 2 groups of pictures"
    with pytest.raises(UsageError, match=expected):
        split(codes, LABELS, groups, SplitSettings())


@pytest.mark.parametrize("share", [-0.1, 0.51, float("nan")])
def test_shares_out_of_range_are_refused(share: float) -> None:
    """A share is 0 to 0.5, and NaN is none."""
    with pytest.raises(UsageError, match=r"expected 0 to 0\.5"):
        SplitSettings(validation=share)
