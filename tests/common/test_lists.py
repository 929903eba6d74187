"""Lists taken apart: what NumPy does with the columns is what awkward does with the lists."""

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.lists import Lists, concatenate, ranges

LISTS = st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 99)), max_size=6), min_size=1)
EMPTY = ak.Array([[{"pt": 1.0, "id": 1}]])[:, :0]


def events(lists: list[list[tuple[int, int]]]) -> ak.Array:
    """Return lists of {pt, id}, some of equal pt."""
    records = [[{"pt": float(pt), "id": number} for pt, number in one] for one in lists]
    return ak.concatenate([records, EMPTY])


@given(LISTS)
@settings(deadline=None)
def test_taking_apart_and_putting_together_changes_nothing(lists: list) -> None:
    array = events(lists)
    apart = Lists.of(array)
    assert ak.array_equal(apart.array(), array)
    assert apart.owners.tolist() == [i for i, one in enumerate(array) for _ in one]
    assert list(Lists.of(array, "id").columns) == ["id"]


@pytest.mark.parametrize(
    "change",
    [
        lambda array: array[::-1],
        lambda array: array[[2, 0, 0]],
        lambda array: array[:, ::-1],
        lambda array: array[array.pt > 1],
        lambda array: ak.zip({"field": array}, depth_limit=1)[[1, 2]].field,
        lambda array: ak.to_regular(array[:, :0]),
    ],
)
def test_lists_of_any_layout_are_taken_apart(change) -> None:
    array = change(events([[(1, 7), (2, 8)], [], [(3, 9), (0, 3), (2, 1)]]))
    assert Lists.of(array).array().to_list() == array.to_list()


@given(LISTS, st.integers(0, 4))
@settings(deadline=None)
def test_selections_are_those_of_awkward(lists: list, number: int) -> None:
    array = events(lists)
    apart = Lists.of(array)
    assert ak.array_equal(apart.filter(apart["id"] % 2 == 0).array(), array[array.id % 2 == 0])
    assert ak.array_equal(apart.head(number).array(), array[:, :number])
    some = np.arange(len(array))[::-2]
    assert ak.array_equal(apart.select_lists(some).array(), array[some])
    extended = apart.with_columns(pt=-apart["pt"], half=apart["id"] / 2).array()
    assert ak.all(extended.pt == -array.pt)
    assert ak.all(extended.half * 2 == array.id)


@given(LISTS)
@settings(deadline=None)
def test_descending_order_leaves_equals_as_they_are(lists: list) -> None:
    ordered = Lists.of(events(lists)).descending("pt").array()
    for found, one in zip(ordered.to_list(), lists, strict=False):
        assert [(r["pt"], r["id"]) for r in found] == sorted(one, key=lambda pair: -pair[0])


@given(LISTS, LISTS)
@settings(deadline=None)
def test_joined_lists_are_side_by_side(one: list, other: list) -> None:
    length = min(len(one), len(other))
    parts = [events(one[:length]), events(other[:length]), events(one[:length])]
    found = concatenate([Lists.of(part) for part in parts]).array()
    assert ak.array_equal(found, ak.concatenate(parts, axis=1))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=1))
@settings(deadline=None)
def test_ranges(pairs: list[tuple[int, int]]) -> None:
    expected = [first + i for first, count in pairs for i in range(count)]
    assert ranges(*np.array(pairs).T).tolist() == expected
