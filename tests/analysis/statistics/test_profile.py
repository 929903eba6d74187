"""Limits of extreme models, each put back by a minimiser and a likelihood that are not ours."""

import os

import numpy as np
import pyhf
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from iminuit import Minuit
from pyhf.infer.mle import twice_nll
from scipy.stats import norm

from analysis.config.statistics import Limits
from analysis.statistics.cls import BANDS, expected_limit
from analysis.statistics.fit import unit_near_limit
from analysis.statistics.profile import Profile, deviance_residual
from analysis.statistics.workspace import Channel, build_workspace, model_of

EXAMPLES = int(os.environ.get("CLS_EXAMPLES", "12"))  # 100 in the long version


NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""An example takes seconds, and the smallest failing one would take minutes to find."""


@st.composite
def channels(draw: st.DrawFn) -> Channel:
    """One channel: b from 0.1 to 10⁶, σ_b/b from 0 to 1, signal at 1 fb from 10⁻⁴ to 100."""
    bins = draw(st.integers(1, 8))
    shares = st.lists(st.floats(0.05, 1.0), min_size=bins, max_size=bins).map(np.array)
    background, ttbar, signal = draw(shares), 0.2 * draw(shares), draw(shares)
    error = draw(st.lists(st.floats(0, 1), min_size=bins, max_size=bins).map(np.array))
    yield_b = 10 ** draw(st.floats(-1, 6)) / (background + ttbar).sum()
    yield_s = 10 ** draw(st.floats(-4, 2)) / signal.sum()
    signal[0] *= draw(st.sampled_from([0.0, 1.0])) if bins > 1 else 1.0  # a bin without signal
    b = {"qcd": yield_b * background, "ttbar": yield_b * ttbar}
    effects = {f"norm_{name}": {name: draw(st.floats(0, 1))} for name in b}
    effects["btag"] = dict.fromkeys(("signal", *b), draw(st.floats(0, 0.3)))
    shift = draw(st.floats(-0.8, 0.8)) * np.linspace(-0.5, 1, bins)
    shapes = {"jes": {n: (y * (1 + shift), y * (1 - 0.7 * shift)) for n, y in b.items()}}
    total = sum(b.values())
    mc_signal = draw(st.floats(0, 0.3))
    return Channel("4b", yield_s * signal, mc_signal, b, error * total, effects, shapes)


ENDING_VALLEY = Channel(
    "4b",
    np.array([0.0, 0.68110002]),
    0.0,
    {
        "qcd": np.array([647694.03313645, 143391.81678676]),
        "ttbar": np.array([66708.87589766, 142205.27417913]),
    },
    np.array([7351.84613905, 225945.25242466]),
    {"norm_qcd": {"qcd": 0.9757596054596771}, "norm_ttbar": {"ttbar": 0.134159}},
    {
        "jes": {
            "qcd": (
                np.array([755183.45228874, 95798.03852402]),
                np.array([572451.43972986, 176707.46157068]),
            ),
            "ttbar": (
                np.array([77779.68704566, 95005.3262411]),
                np.array([58959.30809406, 175245.23773575]),
            ),
        }
    },
)
"""Its √q jumps from 1.25 to 3.04 at 0.51 of the unit, where the lower of two minima ends. The
limits at −1, 0 and 1 σ lie at the jump."""

TWO_VALLEYS = Channel(
    "4b",
    np.array([0.0, 0.00101266]),
    0.0,
    {
        "qcd": np.array([147.89264973, 421.58776743]),
        "ttbar": np.array([53.63119392, 116.38109477]),
    },
    np.array([33.8306131, 398.75465971]),
    {
        "norm_qcd": {"qcd": 0.6793974063544402},
        "norm_ttbar": {"ttbar": 0.6403797394373177},
        "btag": {"signal": 0.0143, "qcd": 0.0143, "ttbar": 0.0143},
    },
    {
        "jes": {
            "qcd": (
                np.array([110.9194873, 632.38165114]),
                np.array([173.77386343, 274.03204883]),
            ),
            "ttbar": (
                np.array([40.22339544, 174.57164216]),
                np.array([63.01665285, 75.6477116]),
            ),
        }
    },
)
"""At its limit of +2 σ a fit that goes on from the nearest μ ends in the shallower valley."""


def minuit_cls(model: pyhf.Model, mu: float) -> list[float]:
    """Return the expected CLs, −2 … 2 σ, by Minuit from pyhf's own likelihood.

    Minuit ends above the minimum now and then, and says so; the lowest of its ends is taken, from
    the nominal parameters, from two others and from where our minimiser ended.
    """
    nominal = np.array(model.config.suggested_init(), dtype=float)
    nominal[model.config.poi_index] = 0.0
    data = np.asarray(model.expected_data(nominal))
    best = float(twice_nll(nominal, data, model)[0])
    shifts = np.random.default_rng(1).normal(0, 0.2, (2, len(nominal)))
    shifts[:, model.config.suggested_fixed()] = 0.0
    bounds = list(model.config.suggested_bounds())
    bounds[model.config.poi_index] = (None, None)
    starts = [nominal, *(nominal + shifts), Profile(model, 0.0).parameters(mu)]
    values = []
    for start in starts:
        start[model.config.poi_index] = mu
        minuit = Minuit(lambda p: float(twice_nll(p, data, model)[0]) - best, start)
        minuit.limits = bounds
        minuit.fixed = model.config.suggested_fixed()
        minuit.fixed[model.config.poi_index] = True
        minuit.strategy, minuit.tol = 2, 1e-3
        values.append(minuit.migrad().fval)
    root = np.sqrt(max(min(values), 0.0))
    return [float(norm.sf(root - band) / norm.cdf(band)) for band in BANDS]


@settings(max_examples=EXAMPLES, deadline=None, phases=NO_SHRINKING)
@given(channels())
@example(ENDING_VALLEY)
@example(TWO_VALLEYS)
def test_any_usable_background_has_a_limit_that_excludes_at_95_percent(channel):
    unit = unit_near_limit([channel], Limits())
    model = model_of(build_workspace([channel], unit))
    found = expected_limit(model, 0.95)
    assert (np.diff(found.values) > 0).all()
    for band, mu in enumerate(found.values):
        found_cls = minuit_cls(model, mu)[band]
        if found_cls != pytest.approx(0.05, abs=5e-4):  # where a valley ends, CLs jumps over it
            assert found_cls < 0.05 < minuit_cls(model, 0.98 * mu)[band]


@given(st.floats(-1, 7).map(lambda x: 10**x), st.floats(-8, 0).map(lambda x: 10**x))
def test_deviance_keeps_its_precision_near_its_minimum(n, relative):
    rate = n * (1 + relative)
    residual = deviance_residual(np.array([n]), np.array([rate]))[0]
    x = (rate - n) / n
    series = np.sqrt(n) * x * np.sqrt(1 - 2 * x / 3 + x**2 / 2 - 2 * x**3 / 5)
    if x < 1e-3:
        assert residual == pytest.approx(series, rel=1e-9)
    direct = 2 * (rate - n + n * np.log(n / rate))
    assert residual**2 == pytest.approx(direct, rel=1e-6, abs=1e-14 * n)


def test_deviance_of_no_events_is_twice_the_rate():
    found = deviance_residual(np.zeros(2), np.array([0.5, 8.0]))
    np.testing.assert_allclose(found, [1.0, 4.0])


def test_deviance_is_that_of_pyhf():
    spec = pyhf.simplemodels.correlated_background([5.0, 9.0], [50, 20], [60, 22], [41, 17])
    profile = Profile(spec, 0.0)
    rng = np.random.default_rng(1)
    for parameters in rng.uniform([0, -2], [3, 2], (5, 2)):
        theirs = twice_nll(parameters, profile.data, spec)[0]
        theirs -= twice_nll(profile.nominal, profile.data, spec)[0]
        assert profile.deviance(parameters) == pytest.approx(theirs, rel=1e-9)


def test_poisson_constraints_are_those_of_pyhf():
    spec = pyhf.simplemodels.uncorrelated_background([5.0, 9.0], [50, 20], [7, 5])
    profile = Profile(spec, 1.0)
    parameters = np.array([0.3, 1.1, 0.7])
    theirs = twice_nll(parameters, profile.data, spec)[0]
    theirs -= twice_nll(profile.nominal, profile.data, spec)[0]
    assert profile.deviance(parameters) == pytest.approx(theirs, rel=1e-9)


def test_correlation_is_that_of_another_minimiser_s_second_derivatives() -> None:
    shape = Channel(
        "4b",
        np.array([3.0, 5.0, 8.0]),
        0.05,
        {"qcd": np.array([200.0, 60.0, 12.0])},
        np.array([15.0, 0.0, 3.0]),
        {"norm_qcd": {"qcd": 0.3}, "btag": {"signal": 0.08, "qcd": 0.06}},
    )
    profile = Profile(model_of(build_workspace([shape], 1.0)), 0.0)
    names, found = profile.correlation()
    assert names[0] == "mu"
    assert "mc_4b_1" not in names  # a bin without error is fixed
    minuit = Minuit(profile.deviance, profile.nominal)
    minuit.strategy = 2
    minuit.fixed = ~profile.free
    minuit.fixed[profile.model.config.poi_index] = False
    minuit.hesse()
    fitted = ~np.array(minuit.fixed)
    theirs = np.array(minuit.covariance.correlation())[np.ix_(fitted, fitted)]
    np.testing.assert_allclose(found, theirs, atol=5e-3)
    assert abs(found[0, 1:]).max() > 0.3
