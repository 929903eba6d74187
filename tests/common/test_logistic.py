"""Lines through log-odds: what they find, how well they know it, and what bounds them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.logistic import fit_line
from common.weighted import WeightedSample


def draw(seed: int, offset: float = 0.0, slope: float = 1.0, n: int = 4000) -> WeightedSample:
    """Log-odds whose calibrated ones lie on a line; signal weighs less than background."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(0, 2, n)
    prior = 3.0  # background events weigh three times as much, so there are fewer of them
    odds = prior * np.exp(offset + slope * log_odds)
    signal = rng.random(n) < odds / (1 + odds)
    weight = rng.lognormal(0, 0.5, n) * np.where(signal, 1.0, prior)
    return WeightedSample.of_classes(log_odds, weight, signal)


@pytest.mark.parametrize(("offset", "slope"), [(0.0, 1.0), (0.4, 0.6), (-0.3, 1.4)])
def test_the_line_is_found_with_an_honest_error(offset: float, slope: float) -> None:
    lines = [fit_line(draw(seed, offset, slope)) for seed in range(100)]
    found = np.array([(line.offset, line.slope) for line in lines])
    errors = np.array([line.errors for line in lines])
    pulls = (found - (offset, slope)) / errors
    assert np.abs(pulls.mean(0)).max() < 0.4
    np.testing.assert_allclose(pulls.std(0), 1, atol=0.25)


def test_chi2_has_two_degrees_of_freedom_for_calibrated_scores() -> None:
    found = [fit_line(draw(seed)).chi2 for seed in range(200)]
    assert np.mean(found) == pytest.approx(2, abs=0.5)
    assert fit_line(draw(1, slope=0.7)).chi2 > 30


def test_slope_alone_keeps_the_offset_at_zero() -> None:
    line = fit_line(draw(1, 0.0, 0.6, 20_000), offset=False)
    assert line.offset == 0
    assert line.slope == pytest.approx(0.6, abs=4 * line.errors[1])
    assert line.chi2 == pytest.approx(((line.slope - 1) / line.errors[1]) ** 2)


def test_the_scale_of_the_weights_does_not_matter() -> None:
    sample = draw(1)
    one, other = fit_line(sample), fit_line(sample.scaled(1e6))
    np.testing.assert_allclose([one.offset, one.slope], [other.offset, other.slope], rtol=1e-9)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-6)


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(
        st.tuples(st.floats(-80, 80), st.booleans(), st.floats(1e-6, 1e3)), min_size=2, max_size=12
    )
)
def test_few_or_separated_events_give_a_rising_finite_line(
    values: list[tuple[float, bool, float]],
) -> None:
    log_odds, signal, weight = (np.array(column) for column in zip(*values, strict=True))
    line = fit_line(WeightedSample.of_classes(log_odds, weight, signal))
    assert np.isfinite([line.offset, line.slope, *line.covariance.ravel()]).all()
    assert 0 < line.slope < 100
    assert abs(line.offset) < 20
