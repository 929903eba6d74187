import numpy as np
import pyhf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import brentq

from analysis.config.statistics import Limits, WorkingPoint
from analysis.statistics.cls import expected_limit
from analysis.statistics.counting import (
    COLUMNS,
    asymptotic_limit,
    background_count,
    counting_row,
    disagreeing,
    exact_cls,
    exact_limit,
    exact_upper_limit,
)
from analysis.statistics.limits import Normalisation, limit_row
from analysis.statistics.toys import toy_limit
from common.errors import NoLimitError
from tests.analysis.score_samples import draw_scores

NORM, LIMITS = Normalisation(3000.0, 0.582), Limits(toys=1000)
NO_EVENT = -np.log(0.05)

backgrounds = st.floats(0.1, 1000)
errors = st.floats(0.01, 1.0)


def likely_counts(b: float, relative: float = 0.0) -> np.ndarray:
    return background_count(b, relative * b).ppf([0.03, 0.3, 0.5, 0.8, 0.97])


def gamma_prior(b: float, sigma: float):
    return stats.gamma((b / sigma) ** 2, scale=sigma**2 / b)


def integrated_cls(n: int, s: float, prior) -> float:
    """CLs by numerical integration over the background."""
    low, high = prior.ppf([1e-12, 1 - 1e-12])

    def at_most(signal: float) -> float:
        return quad(lambda b: prior.pdf(b) * stats.poisson.cdf(n, signal + b), low, high)[0]

    return at_most(s) / at_most(0.0)


@given(st.integers(0, 200), st.floats(0, 100), st.floats(0, 100))
def test_known_background_is_a_ratio_of_poisson_probabilities(n, s, b):
    below = stats.poisson.cdf(n, b)
    if below > 1e-9:
        expected = stats.poisson.cdf(n, s + b) / below
        assert float(exact_cls(n, s, b)) == pytest.approx(expected, rel=1e-10, abs=1e-300)


@pytest.mark.parametrize(("b", "sigma"), [(0.1, 0.05), (3, 1), (20, 2), (20, 20), (100, 30)])
@pytest.mark.parametrize("factor", [0.5, 1.0, 1.3])
def test_closed_form_is_the_integral_over_the_gamma_distribution(b, sigma, factor):
    n, s = int(factor * b), 2 * np.sqrt(b)
    expected = integrated_cls(n, s, gamma_prior(b, sigma))
    assert float(exact_cls(n, s, b, sigma)) == pytest.approx(expected, rel=1e-6)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.1, 15), errors)
def test_no_event_seen_excludes_three_whatever_the_background(b, relative):
    for sigma in (0.0, relative * b):
        assert float(exact_upper_limit(0, b, sigma)) == pytest.approx(NO_EVENT, rel=1e-8)


def test_no_event_seen_without_background_excludes_three():
    assert float(exact_upper_limit(0, 0.0)) == pytest.approx(NO_EVENT, rel=1e-8)
    np.testing.assert_allclose(exact_limit(0.0, 0.0, 0.95).values, NO_EVENT)
    assert exact_limit(0.1, 0.01, 0.95).median == pytest.approx(NO_EVENT, rel=1e-8)


@settings(deadline=None, max_examples=25)
@given(backgrounds, errors, st.floats(1.0, 3.0))
def test_limit_of_a_count_rises_with_the_background_s_error(b, relative, factor):
    n = likely_counts(b)
    known, narrow, wide = (
        exact_upper_limit(n, b, sigma) for sigma in (0, relative * b, factor * relative * b)
    )
    assert (narrow >= known * (1 - 1e-8)).all()
    assert (wide >= narrow * (1 - 1e-8)).all()


@settings(deadline=None, max_examples=25)
@given(backgrounds, st.floats(0, 1))
def test_limits_put_back_give_cls_of_five_percent_and_rise_with_the_count(b, relative):
    n = np.unique(likely_counts(b, relative))
    limits = exact_upper_limit(n, b, relative * b)
    np.testing.assert_allclose(exact_cls(n, limits, b, relative * b), 0.05, rtol=1e-6)
    assert (np.diff(limits) > 0).all()
    np.testing.assert_allclose(limits, [exact_upper_limit(k, b, relative * b) for k in n])


@settings(deadline=None, max_examples=25)
@given(backgrounds, st.floats(0, 1))
def test_count_has_the_quantiles_and_moments_of_a_poisson_in_an_uncertain_background(b, relative):
    count = background_count(b, relative * b)
    assert count.mean() == pytest.approx(b)
    if relative > 1e-3:
        assert count.var() == pytest.approx(b + (relative * b) ** 2)
    share = stats.norm.cdf([-2, -1, 0, 1, 2])
    n = count.ppf(share)
    assert (count.cdf(n) >= share - 1e-12).all()
    assert (count.cdf(n - 1) < share).all()


@pytest.mark.parametrize("relative", [0.0, 0.1])
def test_exact_and_asymptotic_limits_agree_at_a_thousand_events(relative):
    exact = exact_limit(1000, 1000 * relative, 0.95)
    asymptotic = asymptotic_limit(1000, 1000 * relative, 0.95)
    assert exact.median == pytest.approx(asymptotic.median, rel=0.02)
    if not relative:
        np.testing.assert_allclose(exact.values, asymptotic.values, rtol=0.02)


def test_asymptotic_reference_of_twenty_events_known_to_two():
    found = asymptotic_limit(20, 2, 0.95)
    assert found.median == pytest.approx(10.74, rel=0.002)  # of a scan; the root is 10.72
    np.testing.assert_allclose(found.values, [5.51, 7.51, 10.74, 15.61, 22.05], rtol=0.01)


@pytest.mark.parametrize(("b", "sigma"), [(0.5, 0.1), (20, 2), (1000, 300)])
def test_closed_form_asymptotics_are_those_of_the_fit(b, sigma):
    unit = 2 * np.sqrt(b) + sigma
    model = pyhf.simplemodels.uncorrelated_background([unit], [b], [sigma])
    expected = expected_limit(model, 0.95).scaled(unit)
    np.testing.assert_allclose(asymptotic_limit(b, sigma, 0.95).values, expected.values, rtol=1e-5)


@pytest.mark.parametrize("b", [0.1, 3.0, 20.0])
def test_toys_of_a_known_background_find_the_exact_limit(b):
    toys = toy_limit(b, 0.0, 0.95, 20_000, 1, (0,))
    assert abs(toys.median - exact_limit(b, 0.0, 0.95).median) < 3 * toys.errors[2]


def test_toys_of_one_band_are_those_of_all():
    one, every = (toy_limit(5, 1, 0.95, 1000, 7, *bands) for bands in (((0,),), ()))
    assert (one.median, one.errors[2]) == (every.median, every.errors[2])
    assert np.isnan(one.values[0])


@pytest.mark.parametrize(
    "prior",
    [
        stats.lognorm(np.sqrt(np.log(1.01)), scale=20 / np.sqrt(1.01)),
        stats.truncnorm(-10, np.inf, 20, 2),
    ],
)
def test_other_distributions_of_the_background_move_the_limit_by_less_than_half_a_percent(prior):
    other = brentq(lambda s: integrated_cls(20, s, prior) - 0.05, 1, 50)
    assert float(exact_upper_limit(20, 20, 2)) == pytest.approx(other, rel=5e-3)


@pytest.mark.parametrize(
    ("b", "sigma", "message"),
    [
        (-1.0, 0.0, "b = -1"),
        (np.nan, 0.0, "b = nan"),
        (1e9, 0.0, "from 0 to 1e"),
        (1.0, -1.0, "sigma_b = -1"),
        (1.0, np.inf, "sigma_b = inf"),
        (0.0, 1.0, "take sigma_b = 0 or b > 0"),
    ],
)
def test_unusable_yields_are_named(b, sigma, message):
    for function in (exact_limit, asymptotic_limit):
        with pytest.raises(NoLimitError, match=message):
            function(b, sigma, 0.95)


def test_unusable_counts_are_named():
    with pytest.raises(NoLimitError, match="n and s must be finite"):
        exact_cls(-1, 1.0, 20.0)
    with pytest.raises(NoLimitError, match="n = 0 is too low for b = 100"):
        exact_upper_limit([90, 0], 100.0)
    with pytest.raises(NoLimitError, match="take b > 0"):
        asymptotic_limit(0.0, 0.0, 0.95)


@pytest.mark.parametrize(
    ("asymptotic", "toys", "flag"),
    [(10.4, 9.6, ""), (9.4, 10.0, "asymptotic"), (10.0, 10.6, "toys"), (9, 11, "asymptotic+toys")],
)
def test_limits_more_than_five_percent_apart_are_named(asymptotic, toys, flag):
    assert disagreeing(10.0, {"asymptotic": asymptotic, "toys": toys}) == flag


def test_columns_are_the_limits_of_the_z_a_limit_s_own_count():
    row = limit_row(draw_scores(1, 2500), NORM, WorkingPoint(), LIMITS)
    found = counting_row(row, NORM, LIMITS)
    assert tuple(found) == COLUMNS
    assert not set(found) & set(row)
    exact = exact_limit(row["b_expected"], row["sigma_b"], 0.95).median
    per_event = row["limit_za_fb"] / row["s_up"]
    assert found["cls_exact_median_fb"] == pytest.approx(exact * per_event)
    assert found["cls_asymptotic_fb"] == pytest.approx(found["cls_exact_median_fb"], rel=0.1)
    assert found["cls_toys_error_fb"] > 0
    assert found["cls_exact_reason"] == ""
    assert counting_row(row, NORM, LIMITS) == found


def test_row_without_a_limit_says_why():
    row = limit_row(draw_scores(1, 8, 5.0), NORM, WorkingPoint(), LIMITS)
    found = counting_row(row, NORM, LIMITS)
    assert found["cls_exact_reason"] == row["reason"] != ""
    beyond = row | {"status": "ok", "signal_efficiency": 0.1, "b_expected": 1e19, "sigma_b": 1e18}
    assert "from 0 to 1e+08" in counting_row(beyond, NORM, LIMITS)["cls_exact_reason"]
    for column in COLUMNS[:-1]:
        assert found[column] is None
