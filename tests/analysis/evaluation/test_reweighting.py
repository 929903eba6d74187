"""Weights from a ratio of densities, and closure: toys whose ratio is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from analysis.evaluation.closure import Events, agreement, bin_edges, separation
from analysis.evaluation.density_ratio import Factors, Normalisation
from analysis.evaluation.scores import read_scores
from common.errors import InputFileError, NormalisationError

SHIFT = 0.4
"""Mean of the alternative's Gaussian, of width 1 as the nominal one about 0."""


def known_log_odds(x: np.ndarray) -> np.ndarray:
    """Return ln of the ratio of both Gaussians."""
    return SHIFT * x - SHIFT**2 / 2


def toys(seed: int, n: int = 2000) -> tuple[Events, Events]:
    """Return nominal and alternative events; the weights depend on the value, as physical ones."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, n), rng.normal(SHIFT, 1, n)
    nominal, alternative = (
        Events(x, rng.uniform(0.5, 1.5, n), rng.integers(0, 2, n)) for x in values
    )
    return nominal, alternative


def reweighted(nominal: Events, log_odds: np.ndarray) -> Events:
    return Events(nominal.value, nominal.weight * np.exp(log_odds), nominal.fold)


def test_the_known_ratio_closes_and_p_values_are_uniform() -> None:
    p_values = []
    for seed in range(200):
        nominal, alternative = toys(seed)
        after = reweighted(nominal, known_log_odds(nominal.value))
        edges = bin_edges([nominal, after, alternative])
        assert agreement(nominal, alternative, edges).p_value < 1e-4
        p_values.append(agreement(after, alternative, edges).p_value)
    assert kstest(p_values, "uniform").pvalue > 0.01


def test_half_the_ratio_does_not_close() -> None:
    nominal, alternative = toys(1, 8000)
    half = reweighted(nominal, known_log_odds(nominal.value) / 2)
    assert agreement(half, alternative, bin_edges([nominal, half, alternative])).p_value < 1e-3


def test_factors_have_the_yield_of_the_alternative_whatever_the_offset() -> None:
    nominal, alternative = toys(3)
    log_odds = known_log_odds(nominal.value)
    norm = Normalisation.fit(log_odds, nominal.weight, 1.2 * alternative.weight)
    assert norm.mean == pytest.approx(1, abs=0.05), "a perfect classifier, up to statistics"
    assert norm.yield_ratio == pytest.approx(1.2, abs=4 * norm.yield_ratio_error)
    assert norm.yield_ratio_error == pytest.approx(1.2 * np.sqrt(2 * 1.083 / 2000), rel=0.02)
    total = (nominal.weight * norm.factor(log_odds)).sum()
    assert total == pytest.approx(1.2 * alternative.weight.sum())
    moved = Normalisation.fit(log_odds + 3, nominal.weight, 1.2 * alternative.weight)
    np.testing.assert_allclose(moved.factor(log_odds + 3), norm.factor(log_odds))
    with pytest.raises(NormalisationError, match="alternative sample has a yield of 0"):
        Normalisation.fit(log_odds, nominal.weight, np.zeros(3))


def test_the_known_ratio_is_calibrated_and_leaves_nothing_to_tell_apart() -> None:
    nominal, alternative = toys(4, 20000)
    log_odds = known_log_odds(np.concatenate([nominal.value, alternative.value]))
    weight = np.concatenate([nominal.weight, alternative.weight])
    label = np.repeat([False, True], 20000)
    curve, columns = separation(log_odds, weight, np.exp(log_odds), label)
    assert curve.error < 3 * curve.noise
    assert columns["auc_before"] == pytest.approx(0.611, abs=0.015)  # Φ(0.4 / √2)
    assert columns["auc_after"] == pytest.approx(0.5, abs=4 * columns["auc_after_error"])
    assert columns["n_eff_reweighted"] < columns["n_eff_nominal"] < 20000


def test_bins_of_whole_numbers_and_few_events_are_those_that_there_are() -> None:
    rng = np.random.default_rng(5)
    few = [Events(rng.integers(0, 3, 80).astype(float), np.ones(80), np.arange(80) % 2)] * 2
    edges = bin_edges(few)
    assert 2 <= len(edges) <= 3
    assert agreement(*few, edges).chi2 == 0
    same = [Events(np.ones(80), np.ones(80), np.arange(80) % 2)] * 2
    assert agreement(*same, bin_edges(same)).p_value == 1


def table(path: Path, **columns: list) -> Path:
    content = {
        "key": np.array([1, 2, 1], np.uint64),
        "alternative": [False, False, True],
        "factor": [2.0, 0.5, 9.0],
    }
    pd.DataFrame(content | columns).to_parquet(path)
    return path


def test_factors_multiply_the_yields_of_their_events_alone(tmp_path: Path) -> None:
    scores = pd.DataFrame(
        {
            "key": np.array([2, 3, 1, 4], np.uint64),
            "process": ["signal", "qcd", "signal", "qcd"],
            "label": [1, 0, 1, 0],
            "log_odds": [0.0, 1.0, 2.0, 3.0],
            "weight": [1.0, 10.0, 100.0, 1000.0],
        }
    )
    scores.to_parquet(tmp_path / "scores.parquet")
    factors = Factors.read(table(tmp_path / "weights.parquet"))
    found = read_scores(tmp_path / "scores.parquet", factors=factors)
    assert found.weight.tolist() == [0.5, 10.0, 200.0, 1000.0]


@pytest.mark.parametrize(
    "columns",
    [{"key": np.array([1, 1, 1], np.uint64)}, {"factor": [np.inf, 1.0, 1.0]}],
)
def test_bad_tables_are_named(tmp_path: Path, columns: dict[str, list]) -> None:
    with pytest.raises(InputFileError, match=r"bad\.parquet holds factors that are not finite, or"):
        Factors.read(table(tmp_path / "bad.parquet", **columns))
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputFileError, match="is not a table of weights"):
        Factors.read(tmp_path / "broken.parquet")
