"""Weighted samples: exact as long as they are few, the same sums and a known resolution of more."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.weighted import Condenser, WeightedSample

COLUMNS = ("value", "weight", "error", "count", "kind")


def draw(seed: int, n: int) -> WeightedSample:
    """Values with a sparse tail, three kinds, weights of both signs."""
    rng = np.random.default_rng(seed)
    weight = rng.lognormal(0, 1, n) * np.where(rng.random(n) < 0.1, -1, 1)
    value, kind = rng.logistic(0, 2, n), rng.integers(-1, 2, n)
    return WeightedSample.of_events(value, weight, kind, ("qcd", "ttbar"))


def of_one_kind(seed: int) -> WeightedSample:
    drawn = draw(seed, 50_000)
    return replace(drawn, kind=np.zeros_like(drawn.kind), weight=drawn.error)


def condense(events: WeightedSample, rows: int, parts: int = 1) -> WeightedSample:
    condenser = Condenser(rows)
    for part in np.array_split(np.arange(len(events)), parts):
        condenser.add(events.select(part))
    return condenser.result()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), parts=st.integers(1, 7))
def test_few_events_stay_as_they_are(seed: int, parts: int) -> None:
    events = draw(seed, 200)
    found = condense(events, 200, parts)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(events, name))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), parts=st.integers(1, 40))
def test_sums_are_kept_and_the_order_of_events_is_of_no_account(seed: int, parts: int) -> None:
    events = draw(seed, 3000)
    found = condense(events, 250, parts)
    assert 100 < len(found.value) <= 250
    value, kind, weight = events.value, events.kind, events.weight
    for k in (-1, 0, 1):
        for sign in (False, True):
            own, rows = (x & (w < 0 if sign else w > 0) for x, w in
                         ((kind == k, weight), (found.kind == k, found.weight)))  # fmt: skip
            assert found.count[rows].sum() == own.sum()
            assert found.weight[rows].sum() == pytest.approx(weight[own].sum())
            assert (found.error[rows] ** 2).sum() == pytest.approx((weight[own] ** 2).sum())
            mean = np.average(found.value[rows], weights=found.count[rows])
            assert mean == pytest.approx(value[own].mean())
    shuffled = np.random.default_rng(seed).permutation(3000)
    again = condense(events.select(shuffled), 250, 1)
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(found, name), getattr(again, name), rtol=1e-9, atol=1e-9)


def test_events_further_apart_than_the_resolution_keep_their_own_rows_and_values() -> None:
    events = of_one_kind(1)
    condenser = Condenser(2000)
    condenser.add(events)
    found, ordered = condenser.result(), np.sort(events.value)
    assert 0 < condenser.resolution < 2**-3
    gap = np.diff(ordered, prepend=-np.inf, append=np.inf)
    lonely = ordered[np.minimum(gap[:-1], gap[1:]) > condenser.resolution]
    alone = found.count == 1
    assert len(lonely) > 5
    assert np.isin(lonely, found.value[alone]).all()
    np.testing.assert_array_equal(found.error[alone], found.weight[alone])


def test_no_event_is_further_from_its_row_than_the_resolution() -> None:
    events = of_one_kind(2)
    value, condenser = events.value, Condenser(3000)
    condenser.add(events)
    rows = np.sort(condenser.result().value)
    place = np.searchsorted(rows, value).clip(1, len(rows) - 1)
    distance = np.minimum(np.abs(value - rows[place]), np.abs(value - rows[place - 1]))
    assert distance.max() < condenser.resolution


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        condense(WeightedSample.of_classes(np.full(10, np.nan), np.ones(10), np.zeros(10)), 5)


def test_nothing_is_no_row() -> None:
    assert len(Condenser().result()) == 0


def peak_bytes(parts: int) -> int:
    """Return the largest memory of arrays while events pass by."""
    condenser = Condenser(1000)
    tracemalloc.start()
    try:
        for part in range(parts):
            condenser.add(draw(part, 500))
        condenser.result()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_events() -> None:
    few, many = peak_bytes(20), peak_bytes(200)
    assert many < 1.05 * few


def test_sums_of_a_sample_are_those_of_its_weights() -> None:
    sample = draw(3, 500)
    background = sample.background
    weight = sample.weight[sample.kind >= 0]
    assert background.total == pytest.approx(weight.sum())
    assert background.total_error == pytest.approx(np.sqrt((weight**2).sum()))
    assert background.n_eff == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    assert sample.signal.raw + background.raw == sample.raw == len(sample) == 500
    assert sample.above(0.5).raw == (sample.value >= 0.5).sum()
    assert (np.diff(sample.falling().value) <= 0).all()


def test_scaling_and_counting_keep_what_a_row_stands_for() -> None:
    rows = condense(draw(4, 3000), 250)
    scaled = rows.scaled(-2.0)
    np.testing.assert_array_equal(scaled.weight, -2 * rows.weight)
    np.testing.assert_array_equal(scaled.error, 2 * rows.error)
    assert rows.counted().total == rows.raw == 3000
    assert rows.counted().total_error == pytest.approx(np.sqrt(3000))
    assert rows.select(rows.value > 99).n_eff == 0
