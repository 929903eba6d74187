"""Condensed values: exact as long as they are few, the same sums and a known resolution of more."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.condensed import Condensed, Condenser

Events = tuple[np.ndarray, np.ndarray, np.ndarray]


def draw(seed: int, n: int) -> Events:
    """Values with a sparse tail, three kinds, weights of both signs."""
    rng = np.random.default_rng(seed)
    weight = rng.lognormal(0, 1, n) * np.where(rng.random(n) < 0.1, -1, 1)
    return rng.logistic(0, 2, n), rng.integers(-1, 2, n), weight


def condense(events: Events, rows: int, parts: int = 1) -> Condensed:
    condenser = Condenser(rows)
    for part in np.array_split(np.arange(len(events[0])), parts):
        condenser.add(*(column[part] for column in events))
    return condenser.result()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), parts=st.integers(1, 7))
def test_few_events_stay_as_they_are(seed: int, parts: int) -> None:
    events = draw(seed, 200)
    found = condense(events, 200, parts)
    for one, other in zip(found, Condensed.of_events(*events), strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), parts=st.integers(1, 40))
def test_sums_are_kept_and_the_order_of_events_is_of_no_account(seed: int, parts: int) -> None:
    events = draw(seed, 3000)
    found = condense(events, 250, parts)
    assert 100 < len(found.value) <= 250
    value, kind, weight = events
    for k in (-1, 0, 1):
        for sign in (False, True):
            own, rows = (x & (w < 0 if sign else w > 0) for x, w in
                         ((kind == k, weight), (found.kind == k, found.weight)))  # fmt: skip
            assert found.events[rows].sum() == own.sum()
            assert found.weight[rows].sum() == pytest.approx(weight[own].sum())
            assert (found.error[rows] ** 2).sum() == pytest.approx((weight[own] ** 2).sum())
            mean = np.average(found.value[rows], weights=found.events[rows])
            assert mean == pytest.approx(value[own].mean())
    shuffled = np.random.default_rng(seed).permutation(3000)
    again = condense(tuple(column[shuffled] for column in events), 250, 1)
    for one, other in zip(found, again, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def test_events_further_apart_than_the_resolution_keep_their_own_rows_and_values() -> None:
    value, kind, weight = draw(1, 50_000)
    condenser = Condenser(2000)
    condenser.add(value, np.zeros_like(kind), np.abs(weight))
    found, ordered = condenser.result(), np.sort(value)
    assert 0 < condenser.resolution < 2**-3
    gap = np.diff(ordered, prepend=-np.inf, append=np.inf)
    lonely = ordered[np.minimum(gap[:-1], gap[1:]) > condenser.resolution]
    alone = found.events == 1
    assert len(lonely) > 5
    assert np.isin(lonely, found.value[alone]).all()
    np.testing.assert_array_equal(found.error[alone], found.weight[alone])


def test_no_event_is_further_from_its_row_than_the_resolution() -> None:
    value, kind, weight = draw(2, 50_000)
    condenser = Condenser(3000)
    condenser.add(value, np.zeros_like(kind), np.abs(weight))
    rows = np.sort(condenser.result().value)
    place = np.searchsorted(rows, value).clip(1, len(rows) - 1)
    distance = np.minimum(np.abs(value - rows[place]), np.abs(value - rows[place - 1]))
    assert distance.max() < condenser.resolution


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        condense((np.full(10, np.nan), np.zeros(10, int), np.ones(10)), 5)


def test_nothing_is_no_row() -> None:
    assert [len(column) for column in Condenser().result()] == [0] * 5


def peak_bytes(parts: int) -> int:
    """Return the largest memory of arrays while events pass by."""
    condenser = Condenser(1000)
    tracemalloc.start()
    try:
        for part in range(parts):
            condenser.add(*draw(part, 500))
        condenser.result()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_events() -> None:
    few, many = peak_bytes(20), peak_bytes(200)
    assert many < 1.05 * few
