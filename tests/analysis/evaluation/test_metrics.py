from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from analysis.evaluation.metrics import (
    CURVE_GRID,
    FEWEST_EFFECTIVE,
    area,
    area_error,
    background_n_eff,
    known_curve,
    metric_row,
    rejection,
    rejection_curve,
    roc_curve,
)
from common.errors import NormalisationError
from common.weighted import WeightedSample

events = (
    st.integers(10, 60)
    .flatmap(
        lambda n: st.tuples(
            arrays(np.int64, n, elements=st.integers(-4, 4)).map(lambda x: x.astype(float)),
            arrays(np.bool_, n).filter(lambda x: x.any() and not x.all()),
            arrays(np.float64, n, elements=st.floats(0.01, 10)),
        )
    )
    .map(lambda columns: WeightedSample.of_classes(columns[0], columns[2], columns[1]))
)


def unweighted(score: np.ndarray, signal: np.ndarray) -> WeightedSample:
    return WeightedSample.of_classes(score, np.ones(len(score)), signal)


@given(events)
def test_area_agrees_with_scikit_learn(sample):
    expected = roc_auc_score(sample.is_signal, sample.value, sample_weight=sample.weight)
    assert area(roc_curve(sample)) == pytest.approx(expected, abs=1e-12)


@given(events)
def test_curve_rises_from_corner_to_corner(sample):
    roc = roc_curve(sample)
    assert (np.diff(roc.signal) >= 0).all()
    assert (np.diff(roc.background) >= 0).all()
    assert (roc.signal[0], roc.background[0]) == (0, 0)
    assert (roc.signal[-1], roc.background[-1]) == pytest.approx((1, 1))


# ε_S ± its error are 0.25 and 0.75, where the curve jumps: which side must not depend on rounding
AT_JUMPS = WeightedSample.of_classes(
    np.array([0.0, 2.0, 4.0, 6.0, 1.0, 5.0]), np.full(6, 0.1), np.arange(6) < 4
)


@given(events)
@example(AT_JUMPS)
def test_scale_of_weights_and_monotone_maps_of_scores_change_nothing(sample):
    moved = replace(sample, value=np.exp(sample.value)).scaled(7)
    plain, scaled = metric_row(sample), metric_row(moved)
    assert {k: v for k, v in plain.items() if v is not None} == pytest.approx(
        {k: v for k, v in scaled.items() if v is not None}
    )


def test_gaussian_scores_give_the_closed_form():
    rng = np.random.default_rng(5)
    signal = np.arange(200_000) < 100_000
    score = rng.normal(np.where(signal, 2.0, 0.0))
    row = metric_row(unweighted(score, signal))
    assert row["auc"] == pytest.approx(norm.cdf(2 / np.sqrt(2)), abs=5 * row["auc_error"])
    for efficiency in (30, 50, 80):
        expected = 1 / norm.sf(2 + norm.isf(efficiency / 100))
        error = row[f"rejection_{efficiency}_error"]
        assert abs(row[f"rejection_{efficiency}"] - expected) < 4 * error
        assert error < 0.1 * expected


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_quoted_errors_are_the_spread_over_pseudo_experiments(spread):
    rng = np.random.default_rng(6)
    n = 2000
    signal = np.arange(n) < n // 2
    rows = []
    for _ in range(300):
        score = rng.normal(np.where(signal, 1.0, 0.0))
        sample = unweighted(score, signal).scaled(rng.lognormal(0, spread, n))
        rows.append(metric_row(sample, (0.5,)))
    for name in ("auc", "rejection_50"):
        values = np.array([[row[name], row[f"{name}_error"]] for row in rows])
        assert values[:, 0].std() == pytest.approx(np.median(values[:, 1]), rel=0.15)


def test_no_background_behind_the_cut_is_no_number():
    score, signal = np.array([2.0, 1.0, 0.0, -1.0]), np.array([True, True, False, False])
    found = rejection(unweighted(score, signal), 0.5)
    assert found["value"] is None
    assert found["raw"] == 0
    assert area_error(unweighted(score, signal)) == 0


def test_one_class_alone_is_an_error():
    with pytest.raises(NormalisationError, match="background"):
        roc_curve(unweighted(np.zeros(3), np.ones(3, bool)))


@given(events)
def test_effective_background_is_that_behind_the_cut_of_each_efficiency(sample):
    grid = np.array([0.3, 0.5, 0.8, 1.0])
    found = background_n_eff(sample, grid)
    expected = [rejection(sample, efficiency)["n_eff"] for efficiency in grid]
    np.testing.assert_allclose(found, expected)


def test_the_curve_ends_where_the_sample_does() -> None:
    rng = np.random.default_rng(5)
    signal = np.repeat([True, False], 400)
    sample = unweighted(rng.normal(signal.astype(float)), signal)
    curve = np.array(known_curve(sample), dtype=float)
    full = rejection_curve(roc_curve(sample), CURVE_GRID)
    n_eff = background_n_eff(sample, CURVE_GRID)
    known = np.isfinite(curve)
    assert 0 < known.sum() < len(curve)
    assert np.array_equal(known, n_eff >= FEWEST_EFFECTIVE)  # unit weights: a rising count
    assert np.array_equal(curve[known], full[known])
