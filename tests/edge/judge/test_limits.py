"""Limits: what a cell of a table means, to the boundary."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import UsageError
from edge.judge.limits import parse_limit


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("none", ["none"]),
        ("no limit", ["any"]),
        ("any", ["any"]),
        ("any <=3; none >3", ["any <=3 um", "none >3 um"]),
        ("any <=3, none >3", ["any <=3 um", "none >3 um"]),
        ("Any <= 3 um;  None > 3um", ["any <=3 um", "none >3 um"]),
        ("4 of <=3", ["4 of <=3 um", "none >3 um"]),
        ("4 of <=3; none >3", ["4 of <=3 um", "none >3 um"]),
        ("any <2; 5 of 2 to 5; none >5", ["any <2 um", "5 of 2 to 5 um", "none >5 um"]),
        ("any <2; 5 of 2 to 5; none >=5", ["any <2 um", "5 of 2 to <5 um", "none >=5 um"]),
        ("any <2; 5 of 2 to 5", ["any <2 um", "5 of 2 to 5 um", "none >5 um"]),
        ("any <=2; 5 of 2 to 5; none >5", ["any <=2 um", "5 of 2 to 5 um", "none >5 um"]),
        (
            "any <2; 3 of 2 to <5; 1 of 5 to 10; none >10",
            ["any <2 um", "3 of 2 to <5 um", "1 of 5 to 10 um", "none >10 um"],
        ),
        ("none >10", ["any <=10 um", "none >10 um"]),
        ("none >=10", ["any <10 um", "none >=10 um"]),
        ("2 of any size", ["2 of any size"]),
        ("any <0.5; 2 of >=0.5", ["any <0.5 um", "2 of >=0.5 um"]),
        ("none >=0", ["none"]),
    ],
)
def test_a_limit_reads_as_the_tables_print_it(text, classes):
    """Every form of the grammar gives these classes, in this order."""
    assert [c.text for c in parse_limit(text).classes] == classes


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot read ''"),
        ("nothing", "cannot read 'nothing'"),
        ("any <3; ", "cannot read ''"),
        ("-1 of <=3", "cannot read"),
        ("any <1e3; none >=1e3", "cannot read"),
        ("any <nan", "cannot read"),
        ("any <=3", "add 'none >3'"),
        ("5 of 2 to 5; none >5", "add 'any <2'"),
        ("any <3; none >3", "exactly 3 um belongs to no class"),
        ("any <=3; none >=3", "exactly 3 um belongs to both classes"),
        ("any <2; 3 of 2 to 5; 1 of 5 to 10", "exactly 5 um belongs to both classes"),
        ("any <3; none >4", "one class ends at 3 um and the next begins at 4 um"),
        ("any <5; 5 of 2 to 10; none >10", "one class ends at 5 um and the next begins at 2 um"),
        ("any <2; 5 of 3 to 10; none >10", "one class ends at 2 um and the next begins at 3 um"),
        ("any <2; any <2; none >=2", "smallest sizes first"),
        ("none >5; any <=5", "smallest sizes first"),
        ("any <5; 2 of 5 to 2; none >5", "holds no size"),
        ("none >0", "holds no size"),
        ("none <0", "holds no size"),
    ],
)
def test_a_limit_that_leaves_a_size_open_is_refused(text, says):
    """What cannot be read, says nothing of a size, or says two things of it, is a UsageError that names the place."""
    with pytest.raises(UsageError, match="limit ") as error:
        parse_limit(text)
    assert says in str(error.value)


@pytest.mark.parametrize("text", ["not graded", "to be confirmed"])
def test_a_limit_may_be_absent_in_two_ways(text):
    """Not graded and not known are different, and neither has classes."""
    limit = parse_limit(text)
    assert (limit.graded, limit.known) == ((False, True) if text == "not graded" else (True, False))
    with pytest.raises(ValueError, match="expected a graded limit"):
        limit.class_of(1.0)


@settings(deadline=None, max_examples=60)
@given(
    ends=st.lists(st.integers(1, 400), min_size=1, max_size=5, unique=True).map(sorted),
    closed=st.booleans(),
    counts=st.lists(st.integers(0, 9), min_size=5, max_size=5),
    size=st.floats(0, 500, allow_nan=False) | st.integers(0, 500).map(float),
)
def test_classes_divide_all_sizes(ends, closed, counts, size):
    """Whatever the limit, each size from 0 belongs to exactly one class, and the limit reads back from its classes."""
    # Only the last end may belong to the class below it: two neighbours that both claim an end are refused.
    signs = ["<"] * (len(ends) - 1) + ["<=" if closed else "<"]
    first = f"any {signs[0]}{ends[0]}"
    middle = [
        f"{n} of {a} to {'' if sign == '<=' else '<'}{b}"
        for a, b, sign, n in zip(ends, ends[1:], signs[1:], counts, strict=False)
    ]
    limit = parse_limit("; ".join([first, *middle, f"none {'>' if closed else '>='}{ends[-1]}"]))
    assert sum(c.holds(size) for c in limit.classes) == 1
    assert limit.class_of(size).holds(size)
    ceiling = limit.ceiling_um(size)
    assert ceiling is None or (ceiling >= size and limit.class_of(math.nextafter(ceiling, math.inf)).n_allowed == 0)


@pytest.mark.parametrize("size", [-0.1, math.nan])
def test_a_size_that_is_none_has_no_class(size):
    """A negative size or one that is not a number is refused, not compared."""
    with pytest.raises(ValueError, match="size"):
        parse_limit("any <=3; none >3").class_of(size)
