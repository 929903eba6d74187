from dataclasses import replace

import hist
import numpy as np
import pyhf
import pytest
from scipy import stats

from analysis.config.statistics import BTagging, Limits, TailFit, WorkingPoint
from analysis.statistics.binning import GROWTH, histogram, rising_edges, yields
from analysis.statistics.channels import (
    CategoryScores,
    background_error,
    btag_effect,
    count_channel,
    shape_channel,
)
from analysis.statistics.fit import columns, fit_rows
from common.errors import NoLimitError
from common.weighted import SIGNAL, Condenser, WeightedSample
from tests.analysis.score_samples import draw_scores

POINT, LIMITS, TAGGING = WorkingPoint(), Limits(toys=1000), BTagging()


def drawn(**options) -> WeightedSample:
    return draw_scores(1, **({"n": 2500} | options))


def scaled(scores: WeightedSample, signal: float, background: float) -> WeightedSample:
    return scores.scaled(np.where(scores.is_signal, signal, background))


def rows(*categories: CategoryScores, config: Limits = LIMITS):
    return fit_rows(categories, POINT, config, TAGGING)


def test_both_fits_give_ordered_bands_and_a_valid_workspace():
    row, workspace = rows(CategoryScores("4b", drawn()))
    for kind in ("count", "shape"):
        assert set(columns(kind)) <= set(row)
        bands = [
            row[f"cls_{kind}_{b}_fb"] for b in ("minus2", "minus1", "median", "plus1", "plus2")
        ]
        assert (np.diff(bands) > 0).all()
    assert row["cls_shape_median_fb"] < row["cls_count_median_fb"]
    pyhf.schema.validate(workspace, "workspace.json")
    names = pyhf.Workspace(workspace).model().config.par_names
    expected = {"luminosity", "btag", "norm_qcd", "norm_ttbar", "mu", "mc_signal_4b"}
    assert expected <= set(names)


def test_further_category_improves_the_limit():
    four = CategoryScores("4b", drawn())
    three = CategoryScores("3b", scaled(drawn(), 1.3, 20.0))
    alone, _ = rows(four)
    both, _ = rows(four, three)
    for kind in ("count", "shape"):
        assert both[f"cls_{kind}_median_fb"] < alone[f"cls_{kind}_median_fb"]


def test_category_without_a_channel_is_named_and_left_out():
    four = CategoryScores("4b", drawn())
    none = CategoryScores("3b", scaled(drawn(), 1.0, 1e-4))
    both, _ = rows(four, none)
    alone, _ = rows(four)
    assert both["cls_count_median_fb"] == alone["cls_count_median_fb"]
    assert "3b" in both["cls_count_reason"]


def test_no_channel_is_a_reason_and_no_number():
    row, workspace = rows(CategoryScores("4b", scaled(drawn(n=8), 1.0, 1e-3)))
    for kind in ("count", "shape"):
        assert row[f"cls_{kind}_median_fb"] is None
        assert row[f"cls_{kind}_reason"]
    assert workspace["status"] == "no limit"


def test_limit_outside_any_bracket_is_a_reason_and_no_number():
    point = WorkingPoint(background_events=1e19)
    beyond = CategoryScores("4b", scaled(drawn(), 1.0, 1e17))
    row, _ = fit_rows([beyond], point, LIMITS, TAGGING)
    for kind in ("count", "shape"):
        assert row[f"cls_{kind}_median_fb"] is None
        assert "no signal up to 1e+15 events" in row[f"cls_{kind}_reason"]


def test_few_background_events_are_treated_with_toys():
    point = WorkingPoint(background_events=5, tail=TailFit(max_relative_error=1.0))
    row, _ = fit_rows([CategoryScores("4b", drawn())], point, LIMITS, TAGGING)
    assert row["cls_count_method"] == "toys"
    assert row["cls_count_error_fb"] > 0


def shifted(scores: WeightedSample, by: float) -> WeightedSample:
    """Move the background's scores."""
    return replace(scores, value=scores.value + by * ~scores.is_signal)


@pytest.fixture(scope="module")
def uncertain() -> dict[str, dict[str, float]]:
    """The limits without and with each uncertainty."""
    scores = drawn()
    categories = {
        "plain": CategoryScores("4b", scores),
        "two-sided": CategoryScores(
            "4b", scores, {"jes": (shifted(scores, 0.5), shifted(scores, -0.5))}
        ),
        "one-sided": CategoryScores("4b", scores, {"shower": (shifted(scores, 0.5),)}),
        "map": CategoryScores("4b", scores, {}, {"qcd": 0.5, "ttbar": 0.5}),
    }
    return {name: rows(category)[0] for name, category in categories.items()}


@pytest.mark.parametrize("kind", ["count", "shape"])
def test_every_uncertainty_weakens_the_limit(uncertain, kind):
    limits = {name: row[f"cls_{kind}_median_fb"] for name, row in uncertain.items()}
    plain = limits.pop("plain")
    # the fit measures the background's normalisation in its many events of low score
    least = {"map": 1.0 - 1e-4} if kind == "shape" else {}
    for name, found in limits.items():
        assert found > plain * least.get(name, 1.001), name


def test_error_of_a_count_joins_all_nuisances_in_quadrature():
    channel = count_channel(CategoryScores("4b", drawn(n=6000)), POINT, LIMITS, TAGGING)
    b = channel.total[0]
    parts = [channel.background_error[0], 0.08 * b, 0.01 * b]
    parts += [0.1 * channel.background[name][0] for name in ("qcd", "ttbar")]
    assert background_error(channel) == pytest.approx(np.sqrt(np.sum(np.square(parts))))


def test_btag_effect_is_the_derivative_of_the_category_s_probability():
    p, step = 0.75, 1e-6
    yields = {
        "4b": lambda q: q**4,
        "3b": lambda q: 4 * q**3 * (1 - q),
        "2b": lambda q: 4 * q**2 * (1 - q) ** 2,
    }
    for name, value in yields.items():
        expected = (value(p * (1 + step)) / value(p) - 1) / step
        assert btag_effect(name, TAGGING, 1.0) == pytest.approx(expected, abs=1e-4)


def background(found: hist.Hist) -> tuple[np.ndarray, np.ndarray]:
    return found.values()[1:].sum(axis=0), found.variances()[1:].sum(axis=0)


def test_bins_hold_the_wanted_effective_number_and_grow():
    scores = drawn(spread=1.0)
    edges = rising_edges(scores, LIMITS)
    assert (np.diff(edges) > 0).all()
    assert 2 <= len(edges) <= LIMITS.shape_bins
    total, variance = background(histogram(scores, edges))
    assert (total**2 / variance >= LIMITS.min_bin_n_eff * (1 - 1e-9)).all()
    assert (total[:-1] >= GROWTH * total[1:] * (1 - 1e-9)).all()


def test_histogram_is_that_of_filling_by_weight_and_keeps_the_errors_of_shared_rows():
    scores = drawn(spread=1.0)
    edges = rising_edges(scores, LIMITS)
    found = histogram(scores, edges)
    names = np.array([*scores.processes, "signal"])[scores.kind]
    filled = hist.Hist(*found.axes, storage=hist.storage.Weight())
    filled.fill(names, scores.value, weight=scores.weight)
    assert found == filled
    condenser = Condenser(500)
    condenser.add(scores)
    shared = histogram(condenser.result(), edges)
    assert shared.sum().variance == pytest.approx(found.sum().variance, rel=0.1)


def test_a_heavy_event_of_low_score_changes_no_bin_above_it():
    scores = drawn()
    plain = rising_edges(scores, Limits(shape_bins=20))
    lowest = np.flatnonzero(~scores.is_signal)[scores.background.value.argmin()]
    factor = np.ones(len(scores))
    factor[lowest] = 100 * scores.background.total / scores.weight[lowest]
    edges = rising_edges(scores.scaled(factor), Limits(shape_bins=20))
    np.testing.assert_array_equal(edges, plain[-len(edges) :])
    assert len(edges) >= len(plain) - 1


@pytest.mark.parametrize("spread", [0.5, 1.0])
def test_counting_the_events_that_set_the_bins_biases_no_yield(spread):
    total, counted, true = 5e3, [], []
    for seed in range(200):
        scores = draw_scores(seed, 1500, total, spread)
        edges = rising_edges(scores, LIMITS)[-4:]
        behind = stats.logistic(-2).sf(edges) * total
        true.append(behind - np.append(behind[1:], 0))
        counted.append(background(histogram(scores, edges))[0])
    difference = np.array(counted) - np.array(true)
    error = difference.std(axis=0) / np.sqrt(len(difference))
    assert (np.abs(difference.mean(axis=0)) < 4 * error).all()
    assert (np.abs(difference.mean(axis=0)) < 0.05 * np.mean(true, axis=0)).all()


def test_unresolved_background_allows_no_bin():
    sample = draw_scores(1, n=8)
    with pytest.raises(NoLimitError, match="no bin of the score"):
        rising_edges(sample, LIMITS)


def with_signal_weights(scores: WeightedSample, change) -> WeightedSample:
    """Return the events with other weights of the signal: `change(log_odds, weight)`."""
    changed = change(scores.value, scores.weight)
    weight = np.where(scores.is_signal, changed, scores.weight)
    return WeightedSample.of_events(scores.value, weight, scores.kind, scores.processes)


def test_bin_with_a_negative_sum_of_signal_holds_none():
    """As for backgrounds: NLO weights may leave less than nothing in a bin."""
    plain = drawn()
    edges = rising_edges(plain, LIMITS)
    low = with_signal_weights(plain, lambda x, w: np.where(x < edges[1], -w, w))
    assert yields(histogram(low, edges))["signal"][0] < 0
    none = with_signal_weights(plain, lambda x, w: np.where(x < edges[1], 0, w))
    found, expected = (rows(CategoryScores("4b", scores))[0] for scores in (low, none))
    assert found["cls_shape_median_fb"] == pytest.approx(expected["cls_shape_median_fb"], rel=0.02)


@pytest.mark.parametrize("sign", [0.0, -1.0])
def test_signal_of_no_positive_sum_is_a_reason_and_no_number(sign):
    row, _ = rows(CategoryScores("4b", with_signal_weights(drawn(), lambda _, w: sign * w)))
    for kind, reason in (("count", "no signal left"), ("shape", "signal has no")):
        assert row[f"cls_{kind}_median_fb"] is None
        assert reason in row[f"cls_{kind}_reason"]


def test_error_of_a_k_factor_is_a_nuisance_of_its_process_beside_the_tag_map_s():
    scores = drawn()
    both = CategoryScores("4b", scores, {}, {"qcd": 0.3}, {"qcd": 0.4, "other": 0.2})
    assert both.process_errors == pytest.approx({"qcd": 0.5, "other": 0.2})
    plain, wider = (
        count_channel(category, POINT, LIMITS, TAGGING)
        for category in (CategoryScores("4b", scores, {}, {"qcd": 0.3}), both)
    )
    assert wider.normalisations["k_factor_qcd"] == {"qcd": 0.4}
    assert set(wider.normalisations) - set(plain.normalisations) == {"k_factor_qcd"}
    qcd = float(wider.background["qcd"][0])
    added = background_error(wider) ** 2 - background_error(plain) ** 2
    assert added == pytest.approx((0.4 * qcd) ** 2)


def test_equal_scores_are_in_one_bin():
    """A bin ends behind all events of a score, so that edges rise and contents keep to the rule."""
    rng = np.random.default_rng(4)
    value = np.repeat([5.0, 3.0, 2.0, 1.0], [60, 120, 200, 400])
    scores = WeightedSample.of_classes(
        np.append(value, rng.choice(value, 50)),
        np.append(np.full(len(value), 0.5), np.full(50, 0.01)),
        np.append(np.zeros(len(value)), np.ones(50)),
    )
    edges = rising_edges(scores, Limits())
    assert edges.tolist() == [1.0, 3.0, 5.0]
    contents = yields(histogram(scores, edges))["background"]
    assert contents.tolist() == [300.0, 60.0, 30.0]


def test_toys_of_one_bin_know_what_templates_are_uncertain_by():
    rng = np.random.default_rng(5)
    value = np.append(rng.exponential(1, 20), rng.exponential(1, 200) + 2)
    signal = np.append(np.zeros(20), np.ones(200))
    nominal = WeightedSample.of_classes(value, np.where(signal, 0.02, 0.4), signal)
    shifted = nominal.select(slice(None)).scaled(np.where(signal, 1.0, 1.6))
    plain = shape_channel(CategoryScores("4b", nominal), Limits(), BTagging())
    assert len(plain.signal) == 1
    varied = CategoryScores("4b", nominal, {"jes": (shifted,)})
    channel = shape_channel(varied, Limits(), BTagging())
    assert background_error(channel) == pytest.approx(
        np.hypot(background_error(plain), 0.6 * channel.total[0])
    )


def test_a_process_that_some_scores_lack_counts_nothing_there():
    """Nominal and varied tables name the processes that they have events of."""
    rng = np.random.default_rng(6)
    kind = rng.choice([SIGNAL, 0, 1], 3000, p=[0.3, 0.5, 0.2])
    value = rng.exponential(1, 3000) + (kind == SIGNAL)
    both = WeightedSample.of_events(value, np.full(3000, 0.1), kind, ("qcd", "ttbar"))
    alone = replace(both.select(both.kind != 1), processes=("qcd",))
    for nominal, side in ((both, alone), (alone, both)):
        scores = CategoryScores("4b", nominal, {"jes": (side,)}).aligned()
        assert scores.nominal.processes == scores.variations["jes"][0].processes
        count = count_channel(scores, WorkingPoint(), Limits(), BTagging())
        shape = shape_channel(scores, Limits(), BTagging())
        for channel in (count, shape):
            assert np.isfinite(channel.total).all()
        up, _ = shape.shapes["jes"]["ttbar"]
        assert (up.sum() > 0) == (side is both)
    row, workspace = fit_rows([scores], WorkingPoint(), Limits(), BTagging())
    assert row["cls_shape_median_fb"] > 0
    assert "channels" in workspace
