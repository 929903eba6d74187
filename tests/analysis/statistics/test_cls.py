import numpy as np
import pyhf
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from analysis.config.statistics import Limits
from analysis.statistics.cls import cls_at, discovery_significance, expected_limit
from analysis.statistics.profile import Profile
from analysis.statistics.significance import asimov_significance
from analysis.statistics.toys import q_tilde, toy_limit
from analysis.statistics.workspace import Channel, build_workspace, model_of
from common.errors import NoLimitError


def one_bin(b: float, sigma: float, s: float = 10.0) -> pyhf.Model:
    return pyhf.simplemodels.uncorrelated_background([s], [b], [sigma])


def channel(b=20.0, error=2.0, signal=10.0, **effects) -> Channel:
    return Channel(
        "4b", np.array([signal]), 0.0, {"qcd": np.array([b])}, np.array([error]), effects
    )


def limit_of(*channels: Channel, unit: float = 1.0) -> float:
    return expected_limit(model_of(build_workspace(channels, unit)), 0.95).scaled(unit).median


def test_reference_limit_of_ten_events_on_twenty():
    found = expected_limit(one_bin(20, 2), 0.95).scaled(10)
    np.testing.assert_allclose(found.values, [5.51, 7.51, 10.74, 15.61, 22.05], rtol=0.01)


@pytest.mark.parametrize(("b", "sigma"), [(20, 2), (3, 1), (100, 30), (0.5, 0.1)])
def test_all_bands_agree_with_pyhf_s_own_scan(b, sigma):
    model = one_bin(b, sigma, 2 * np.sqrt(b) + 2)
    data = [b, *model.config.auxdata]
    _, theirs = pyhf.infer.intervals.upper_limits.upper_limit(data, model)
    np.testing.assert_allclose(expected_limit(model, 0.95).values, theirs, rtol=1e-3)


@pytest.mark.parametrize(("b", "sigma"), [(20, 2), (3, 1), (1000, 100)])
def test_limits_put_back_give_cls_of_five_percent(b, sigma):
    model = one_bin(b, sigma, 2 * np.sqrt(b) + 2)
    for band, mu in enumerate(expected_limit(model, 0.95).values):
        assert cls_at(model, mu)[band] == pytest.approx(0.05, abs=5e-4)


def test_discovery_significance_is_that_of_z_a_without_background_error():
    model = model_of(build_workspace([channel(error=0.0)], 1.0))
    assert discovery_significance(model, 1.0) == pytest.approx(
        float(asimov_significance(10, 20)), rel=1e-3
    )


def test_unit_of_the_signal_changes_nothing():
    assert limit_of(channel(), unit=0.3) == pytest.approx(limit_of(channel(), unit=2.0), rel=1e-3)


@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.floats(1, 200), st.floats(0.01, 0.5), st.floats(1.1, 3))
def test_limit_rises_with_the_background_s_error_and_falls_with_luminosity(b, relative, factor):
    unit = (2 * np.sqrt(b) + 2) / 10
    now = limit_of(channel(b, relative * b), unit=unit)
    assert now < limit_of(channel(b, factor * relative * b), unit=unit) * (1 + 1e-4)
    later = limit_of(channel(factor * b, factor * relative * b, factor * 10), unit=unit)
    assert later < now


def test_nuisances_and_channels_do_what_they_must():
    plain = limit_of(channel())
    assert limit_of(channel(btag={"qcd": 0.2, "signal": 0.1})) > plain
    second = Channel("3b", np.array([5.0]), 0.0, {"qcd": np.array([40.0])}, np.array([4.0]))
    assert limit_of(channel(), second) < plain


def test_negligible_background_error_has_no_nuisance():
    workspace = build_workspace([channel(error=1e-3)], 1.0)
    assert model_of(workspace).config.par_order == ["mu"]
    assert limit_of(channel(error=1e-3)) == pytest.approx(limit_of(channel(error=0.05)), rel=1e-2)


def test_workspace_is_valid_and_survives_json(tmp_path):
    shaped = Channel(
        "4b",
        np.array([1.0, 4.0]),
        0.1,
        {"qcd": np.array([50.0, 10.0]), "ttbar": np.array([5.0, 2.0])},
        np.array([5.0, 3.0]),
        {"luminosity": {"signal": 0.01, "qcd": 0.01, "ttbar": 0.01}},
        {"jes": {"qcd": (np.array([52.0, 11.0]), np.array([48.0, 9.0]))}},
    )
    workspace = build_workspace([shaped], 0.5)
    pyhf.schema.validate(workspace, "workspace.json")
    names = set(model_of(workspace).config.par_names)
    assert {"mu", "luminosity", "jes", "mc_signal_4b"} <= names
    assert workspace["channels"][0]["samples"][0]["data"] == [0.5, 2.0]


@pytest.mark.parametrize(
    ("b", "signal"), [(-1.0, 10.0), (0.0, 10.0), (np.nan, 10.0), (20.0, 0.0), (20.0, -1.0)]
)
def test_impossible_yields_are_an_error(b, signal):
    with pytest.raises(NoLimitError):
        build_workspace([channel(b, 0.0, signal)], 1.0)


def test_signal_too_small_for_any_bracket_is_an_error():
    with pytest.raises(NoLimitError, match="excluded"):
        expected_limit(one_bin(1e6, 1e5, 1e-6), 0.95)


@pytest.mark.parametrize("sigma", [0.0, 2.0])
def test_toys_agree_with_the_asymptotics_at_twenty_events(sigma):
    toys = toy_limit(20, sigma, 0.95, Limits().toys, Limits().seed)
    model = one_bin(20, 2) if sigma else model_of(build_workspace([channel(error=0.0)], 1.0))
    asymptotic = expected_limit(model, 0.95).scaled(10)
    # the counts are discrete: one event moves the limit by about √20/20 of itself
    for band in (1, 2, 3):
        difference = abs(toys.values[band] - asymptotic.values[band])
        assert difference < 3 * toys.errors[band] + 0.03 * asymptotic.values[band]
    if sigma:  # the uncertain background washes the steps out
        assert abs(toys.median - asymptotic.median) < toys.errors[2]


def test_toy_limit_without_background_is_the_poisson_one():
    # with next to no background nothing is seen, and e^−s = 0.05
    assert toy_limit(1e-4, 0.0, 0.95, 10_000, 1).median == pytest.approx(-np.log(0.05), rel=0.05)


@pytest.mark.parametrize(
    ("n", "a"), [(0, 100), (12, 90), (20, 100), (26, 130), (40, 80), (70, 100)]
)
@pytest.mark.parametrize("s", [0.5, 10.0])
def test_closed_form_statistic_agrees_with_pyhf(n, a, s):
    b, tau = 20.0, 100.0
    model = one_bin(b, b / np.sqrt(tau), s)
    config = model.config
    bounds = [(0.0, 200.0), *config.suggested_bounds()[1:]]
    theirs = pyhf.infer.test_statistics.qmu_tilde(
        1.0, [n, a], model, config.suggested_init(), bounds, config.suggested_fixed()
    )
    mine = q_tilde(s, np.array([float(n)]), np.array([float(a)]), b, tau)
    assert float(mine[0]) == pytest.approx(float(theirs), rel=1e-4, abs=1e-4)


def test_toys_are_reproducible():
    first = toy_limit(5, 1, 0.95, 200, 7)
    assert first == toy_limit(5, 1, 0.95, 200, 7)
    assert first != toy_limit(5, 1, 0.95, 200, 8)


def test_large_background_of_large_uncertainty_has_a_limit():
    # 10⁵ events known to a factor of two each way, where SLSQP's steps lose their way in −2 ln L
    effects = {"norm": {"qcd": 10.0}, "other": {"signal": 0.12}}
    found = expected_limit(
        model_of(build_workspace([channel(2.8e5, 2.05e5, 48.5, **effects)], 1e4)), 0.95
    )
    assert (np.diff(found.values) > 0).all()


def test_minima_that_go_on_deepening_are_no_limit(monkeypatch):
    monkeypatch.setattr("analysis.statistics.cls.second_minimum", lambda p, mu: (0.5, p.nominal))
    with pytest.raises(NoLimitError, match="do not converge"):
        expected_limit(one_bin(20, 2), 0.95)


def test_a_deeper_minimum_is_followed(monkeypatch):
    model, whole = one_bin(20, 2), Profile._fit
    wanted = expected_limit(model, 0.95)

    def stuck(self, mu, start):
        """End too high, except from where Minuit has been."""
        told = any(start is known for known in self._starts)
        root, parameters = whole(self, mu, start)
        return root + 0.5 * (not told), parameters

    monkeypatch.setattr(Profile, "_fit", stuck)
    np.testing.assert_allclose(expected_limit(model, 0.95).values, wanted.values, rtol=1e-6)
