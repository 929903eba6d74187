import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf
from scipy.special import lambertw

from analysis.statistics.significance import asimov_significance, signal_for_significance
from common.errors import NoLimitError

REFERENCE = {  # σ_b/b: s at Z = 1.645, 1.96, 2 for b = 20
    0.0: (7.795, 9.385, 9.589),
    0.1: (8.685, 10.490, 10.722),
    0.2: (11.062, 13.458, 13.769),
    0.3: (14.456, 17.732, 18.160),
}

backgrounds = st.floats(-3, 6).map(lambda x: 10.0**x)
relative_errors = st.one_of(st.just(0.0), st.floats(1e-9, 1.0))


def exact(s: float, b: float, sigma: float) -> float:
    with mp.workdps(60):
        s, b, sigma = mpf(s), mpf(b), mpf(sigma)
        if sigma == 0:
            return float(mp.sqrt(2 * ((s + b) * mp.log(1 + s / b) - s)))
        v = sigma**2
        first = (s + b) * mp.log((s + b) * (b + v) / (b**2 + (s + b) * v))
        second = b**2 / v * mp.log(1 + v * s / (b * (b + v)))
        return float(mp.sqrt(2 * (first - second)))


@pytest.mark.parametrize("relative", REFERENCE)
def test_reference_table_of_the_signal_at_twenty_background_events(relative):
    found = [signal_for_significance(z, 20, 20 * relative) for z in (1.645, 1.96, 2)]
    np.testing.assert_allclose(found, REFERENCE[relative], atol=5.1e-4)


@given(backgrounds, relative_errors, st.floats(-6, 4).map(lambda x: 10.0**x))
def test_agrees_with_sixty_digits(b, relative, ratio):
    s, sigma = ratio * b, relative * b
    assert float(asimov_significance(s, b, sigma)) == pytest.approx(exact(s, b, sigma), rel=1e-10)


@given(backgrounds, relative_errors, st.floats(0.1, 8))
def test_inverse_puts_the_target_back(b, relative, z):
    s = signal_for_significance(z, b, relative * b)
    assert float(asimov_significance(s, b, relative * b)) == pytest.approx(z, abs=1e-9)


@given(backgrounds, st.floats(0.1, 8))
def test_closed_form_without_background_uncertainty(b, z):
    # u ln u − u + 1 = z²/2b with u = 1 + s/b, solved by Lambert's W
    a = z**2 / (2 * b)
    closed = b * (np.exp(1 + lambertw((a - 1) / np.e).real) - 1)
    assert signal_for_significance(z, b) == pytest.approx(closed, rel=1e-5)


@given(backgrounds, st.floats(0, 1), st.floats(0, 1))
def test_limit_rises_with_the_background_uncertainty(b, one, other):
    low, high = sorted((one, other))
    assert signal_for_significance(1.645, b, low * b) <= signal_for_significance(
        1.645, b, high * b
    ) * (1 + 1e-12)


@given(backgrounds, st.floats(0, 1), st.floats(1.01, 100))
def test_cross_section_limit_falls_with_luminosity(b, relative, factor):
    now = signal_for_significance(1.645, b, relative * b)
    later = signal_for_significance(1.645, b * factor, relative * b * factor)
    assert later / factor < now


@pytest.mark.parametrize(
    ("s", "b", "sigma"),
    [(1, 0, 0), (1, -1, 0), (-1, 1, 0), (1, 1, -1), (np.nan, 1, 0), (1, np.inf, 0)],
)
def test_unusable_yields_are_an_error(s, b, sigma):
    with pytest.raises(NoLimitError):
        asimov_significance(s, b, sigma)


def test_a_signal_beyond_any_bracket_is_an_error():
    with pytest.raises(NoLimitError, match="no signal up to"):
        signal_for_significance(5.0, 1e-3, 1e20)
