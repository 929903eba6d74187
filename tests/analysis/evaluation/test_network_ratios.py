"""Ratios between networks and their errors."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import poisson

from analysis.evaluation.metrics import rejection
from analysis.evaluation.network_ratios import (
    PairedTables,
    PairedTest,
    bootstrap,
    doubt,
    ratio_rows,
)
from analysis.evaluation.replicas import ReplicaSums, candidate_cuts, poisson_counts
from common.errors import InputFileError
from common.hashing import mix
from common.weighted import WeightedSample
from tests.analysis.score_samples import write_scores


def draw(seed: int, n: int = 3000, noise: tuple[float, float] = (0.3, 1.5)) -> PairedTest:
    """Two networks that see the same quantity, each with its own noise."""
    rng = np.random.default_rng(seed)
    signal = np.arange(2 * n) < n
    truth = rng.normal(np.where(signal, 1.0, -1.0), 1.0)
    first, second = (truth + width * rng.normal(size=2 * n) for width in noise)
    key = rng.integers(0, 2**63, 2 * n).astype(np.uint64)
    return PairedTest(key, signal, rng.lognormal(0, 0.3, 2 * n), first, second)


def background_efficiency(
    score: np.ndarray, signal: np.ndarray, weight: np.ndarray, signal_efficiencies: Sequence[float]
) -> np.ndarray:
    """ε_B [E, K] for K sets of weights [K, N], all cuts tried on all events in memory."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    kept = []
    for kind in (signal, ~signal):
        behind = np.cumsum(np.where(kind[order], weight[:, order], 0.0), axis=1)[:, ends]
        kept.append(behind / behind[:, -1:])
    rows = np.arange(len(weight))
    wanted = np.asarray(signal_efficiencies) * (1 - 1e-12)
    return np.stack([kept[1][rows, np.argmax(kept[0] >= e, axis=1)] for e in wanted])


POINTS = (0.3, 0.5, 0.8, 1.0)


@pytest.mark.parametrize("n", [8, 200, 3000])
def test_replicas_of_events_that_pass_by_are_those_of_events_in_memory(n: int) -> None:
    test = draw(4, n)
    score = np.round(test.first, 2)  # some ties
    sample = WeightedSample.of_classes(score, test.weight, test.signal)
    counts = poisson_counts(test.key, 100, 1)
    sums = ReplicaSums(candidate_cuts(sample.signal, POINTS), 100)
    for part in np.array_split(np.arange(2 * n), 3):
        sums.add(sample.select(part), counts[part])
    expected = background_efficiency(score, test.signal, counts.T * test.weight, POINTS)
    np.testing.assert_allclose(sums.background_efficiency(POINTS), expected, atol=1e-12)


def test_counts_are_poisson_numbers_that_belong_to_the_events() -> None:
    key = mix(np.arange(20_000, dtype=np.uint64))
    counts = poisson_counts(key, 30, 1)
    np.testing.assert_array_equal(poisson_counts(key[::-1], 30, 1)[::-1], counts)
    assert (poisson_counts(key, 30, 2) != counts).any()
    frequency = np.bincount(counts.astype(int).ravel(), minlength=12) / counts.size
    np.testing.assert_allclose(frequency[:12], poisson.pmf(np.arange(12), 1.0), atol=0.004)
    correlation = np.corrcoef(counts.T) - np.eye(30)
    assert np.abs(correlation).max() < 6 / np.sqrt(len(key))


def test_tables_are_compared_as_events_in_memory(tmp_path: Path) -> None:
    test = draw(5, 4000)
    paths = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    for path, sample in zip(paths, test.samples, strict=True):
        write_scores(path, sample)
    key = np.arange(len(test.key), dtype=np.uint64)  # as `write_scores` gives them
    whole = PairedTest(key, test.signal, test.weight, test.first, test.second)
    assert ratio_rows([PairedTables(*paths)], replicas=50) == ratio_rows([whole], replicas=50)
    write_scores(paths[1], sample.select(slice(100)))
    with pytest.raises(InputFileError, match="other events"):
        ratio_rows([PairedTables(*paths)], replicas=50)


def test_background_efficiency_is_that_of_the_metrics() -> None:
    test = draw(1, 200)
    score = np.round(test.first, 1)  # many ties
    sample = WeightedSample.of_classes(score, test.weight, test.signal)
    sums = ReplicaSums(candidate_cuts(sample.signal, (0.3, 0.5, 1.0)), 1)
    sums.add(sample, np.ones((len(score), 1)))
    found = sums.background_efficiency((0.3, 0.5, 1.0))
    for efficiency, value in zip((0.3, 0.5, 1.0), found[:, 0], strict=True):
        wanted = rejection(sample, efficiency)["value"]
        assert 1 / value == pytest.approx(wanted)


def test_a_replica_without_signal_or_background_has_no_ratio() -> None:
    sample = WeightedSample.of_classes(np.array([2.0, 1.0]), np.ones(2), np.array([True, False]))
    sums = ReplicaSums(candidate_cuts(sample.signal, (0.5,)), 4)
    sums.add(sample, np.array([[1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]]))
    np.testing.assert_array_equal(sums.background_efficiency((0.5,)), [[0, *[np.nan] * 3]])


def test_a_network_is_as_good_as_itself_in_every_replica() -> None:
    test = draw(1, 300)
    same = PairedTest(test.key, test.signal, test.weight, test.first, test.first)
    assert (bootstrap([same], (0.5, 0.8), 50) == 1).all()
    assert all(row["supported"] == "no" for row in ratio_rows([same], replicas=50))


def test_exchanged_networks_have_the_inverse_ratio() -> None:
    test = draw(2, 500)
    other = PairedTest(test.key, test.signal, test.weight, test.second, test.first)
    one, two = (bootstrap([t], (0.5,), 40) for t in (test, other))
    np.testing.assert_allclose(one * two, 1)


def test_error_is_the_spread_of_independent_samples_and_knows_the_correlation() -> None:
    def ratio(test: PairedTest) -> float:
        first, second = (
            background_efficiency(score, test.signal, test.weight[np.newaxis], (0.8,)).item()
            for score in (test.first, test.second)
        )
        return float(np.log(second / first))

    noise = (0.1, 0.3)
    spread = np.std([ratio(draw(seed, 1000, noise)) for seed in range(150)])
    mean = np.mean([np.log(bootstrap([draw(s, 1000, noise)], (0.8,), 200)).std() for s in range(8)])
    assert mean == pytest.approx(spread, rel=0.25)
    one, other = draw(1, 1000, noise), draw(2, 1000, noise)
    unrelated = PairedTest(one.key, one.signal, one.weight, one.first, other.second)
    assert mean < 0.7 * np.log(bootstrap([unrelated], (0.8,))).std()


def test_an_event_of_several_seeds_is_drawn_once() -> None:
    test = draw(3, 300)
    twice = bootstrap([test, test], (0.5,), 30)
    np.testing.assert_array_equal(twice[0], twice[1])


def test_clear_difference_is_supported_and_small_statistics_are_not() -> None:
    (row,) = ratio_rows([draw(seed) for seed in (1, 2)], (0.8,), 200)
    assert row["supported"] == "yes"
    assert 1 < row["low95"] < row["low"] < row["ratio"] < row["high"] < row["high95"]
    assert row["min"] <= row["ratio"] <= row["max"]
    (small,) = ratio_rows([draw(1, 8)], (0.3,), 200)
    assert small["supported"] == "no"
    assert "n_eff" in small


def test_trainings_on_both_sides_of_one_are_a_doubt() -> None:
    row = {"n_eff": 90.0, "low95": 1.1, "high95": 1.6, "min": 0.9, "max": 1.7}
    assert "both sides" in doubt(row)
    assert not doubt(row | {"min": 1.2})
