"""Few events for many: what a priority sample keeps, and that it is unbiased."""

import tracemalloc

import numpy as np
import pytest

from analysis.datasets.sampling import priority_sample, streamed_sample
from common.hashing import mix

KEYS = mix(np.arange(1000, dtype=np.uint64))
WEIGHTS = np.random.default_rng(1).pareto(1.5, 1000)


def test_small_samples_are_kept_whole():
    weight = np.array([1.0, 0.0, -2.0])
    rows, found = priority_sample(KEYS[:3], weight, 5, 1)
    assert rows.tolist() == [0, 2]
    assert found.tolist() == [1.0, -2.0]


def test_sums_are_estimated_without_bias():
    values = np.cos(np.arange(1000))
    estimates = []
    for seed in range(400):
        rows, weight = priority_sample(KEYS, WEIGHTS, 50, seed)
        assert len(rows) == 50
        estimates.append([weight.sum(), (weight * values[rows]).sum()])
    mean = np.mean(estimates, axis=0)
    error = np.std(estimates, axis=0) / np.sqrt(len(estimates))
    assert (abs(mean - [WEIGHTS.sum(), (WEIGHTS * values).sum()]) < 4 * error).all()


def test_heavy_events_are_always_there_with_their_own_weight():
    weight = np.ones(1000)
    weight[7] = 1e6
    for seed in range(20):
        rows, found = priority_sample(KEYS, weight, 20, seed)
        assert found[rows == 7] == pytest.approx(1e6)


def test_an_event_is_drawn_by_its_own_key():
    order = np.random.default_rng(2).permutation(1000)
    rows, weight = priority_sample(KEYS, WEIGHTS, 50, 3)
    again, same = priority_sample(KEYS[order], WEIGHTS[order], 50, 3)
    assert set(KEYS[rows]) == set(KEYS[order][again])
    assert weight.sum() == pytest.approx(same.sum())


@pytest.mark.parametrize("size", [0, 1, 50, 700, 1000])
def test_events_that_pass_by_are_drawn_as_those_in_memory(size):
    weight = np.where(np.arange(1000) % 7 == 0, 0, WEIGHTS)
    parts = [(KEYS[k], weight[k]) for k in np.array_split(np.arange(1000), 13)]
    for one, other in zip(
        priority_sample(KEYS, weight, size, 3), streamed_sample(parts, size, 3), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_memory_does_not_grow_with_the_number_of_events():
    peaks = []
    for count in (20, 200):
        rng = np.random.default_rng(1)
        parts = (
            (rng.integers(0, 2**63, 1000).astype(np.uint64), np.ones(1000)) for _ in range(count)
        )
        tracemalloc.start()
        streamed_sample(parts, 100, 1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
