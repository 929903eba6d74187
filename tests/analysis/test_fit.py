import itertools

import numpy as np
import pyhf
import pytest

from analysis.binning import best_edges, histogram
from analysis.channels import CategoryScores, background_error, btag_effect, count_channel
from analysis.config.statistics import BTagging, Limits, WorkingPoint
from analysis.fit import columns, fit_rows
from analysis.scores import Scores
from analysis.significance import NoLimitError, asimov_significance
from tests.analysis.score_samples import draw_scores

POINT, LIMITS, TAGGING = WorkingPoint(), Limits(toys=1000), BTagging()


def splits(**options) -> dict[str, Scores]:
    options = {"n": 2500} | options
    return {"validation": draw_scores(1, **options), "test": draw_scores(2, **options)}


def scaled(split: dict[str, Scores], signal: float, background: float) -> dict[str, Scores]:
    found = {}
    for name, s in split.items():
        weight = s.weight * np.where(s.signal, signal, background)
        found[name] = Scores(s.log_odds, weight, s.signal, s.process, s.processes)
    return found


def rows(*categories: CategoryScores, config: Limits = LIMITS):
    return fit_rows(categories, POINT, config, TAGGING)


def test_both_fits_give_ordered_bands_and_a_valid_workspace():
    row, workspace = rows(CategoryScores("four", splits()))
    for kind in ("count", "shape"):
        assert set(columns(kind)) <= set(row)
        bands = [
            row[f"cls_{kind}_{b}_fb"] for b in ("minus2", "minus1", "median", "plus1", "plus2")
        ]
        assert (np.diff(bands) > 0).all()
    assert row["cls_shape_median_fb"] < row["cls_count_median_fb"]
    pyhf.schema.validate(workspace, "workspace.json")
    names = pyhf.Workspace(workspace).model().config.par_names
    expected = {"luminosity", "btag", "norm_qcd", "norm_ttbar", "mu", "mc_signal_four"}
    assert expected <= set(names)


def test_further_category_improves_the_limit():
    four = CategoryScores("four", splits())
    three = CategoryScores("three", scaled(splits(), 1.3, 20.0))
    alone, _ = rows(four)
    both, _ = rows(four, three)
    for kind in ("count", "shape"):
        assert both[f"cls_{kind}_median_fb"] < alone[f"cls_{kind}_median_fb"]


def test_category_without_a_channel_is_named_and_left_out():
    four = CategoryScores("four", splits())
    none = CategoryScores("three", scaled(splits(), 1.0, 1e-4))
    both, _ = rows(four, none)
    alone, _ = rows(four)
    assert both["cls_count_median_fb"] == alone["cls_count_median_fb"]
    assert "three" in both["cls_count_reason"]


def test_no_channel_is_a_reason_and_no_number():
    row, workspace = rows(CategoryScores("four", scaled(splits(n=8), 1.0, 1e-3)))
    for kind in ("count", "shape"):
        assert row[f"cls_{kind}_median_fb"] is None
        assert row[f"cls_{kind}_reason"]
    assert workspace["status"] == "no limit"


def test_limit_outside_any_bracket_is_a_reason_and_no_number():
    point = WorkingPoint(background_events=1e19)
    beyond = CategoryScores("four", scaled(splits(), 1.0, 1e17))
    row, _ = fit_rows([beyond], point, LIMITS, TAGGING)
    for kind in ("count", "shape"):
        assert row[f"cls_{kind}_median_fb"] is None
        assert "no signal up to 1e+15 events" in row[f"cls_{kind}_reason"]


def test_few_background_events_are_treated_with_toys():
    point = WorkingPoint(background_events=5)
    row, _ = fit_rows([CategoryScores("four", splits())], point, LIMITS, TAGGING)
    assert row["cls_count_method"] == "toys"
    assert row["cls_count_error_fb"] > 0


def shifted(split: dict[str, Scores], by: float) -> dict[str, Scores]:
    """Move the background's scores."""
    return {
        name: Scores(s.log_odds + by * ~s.signal, s.weight, s.signal, s.process, s.processes)
        for name, s in split.items()
    }


@pytest.mark.parametrize("kind", ["count", "shape"])
def test_every_uncertainty_weakens_the_limit(kind):
    split = splits()
    plain = rows(CategoryScores("four", split))[0][f"cls_{kind}_median_fb"]
    worse = {
        "two-sided": CategoryScores(
            "four", split, {"jes": (shifted(split, 0.5), shifted(split, -0.5))}
        ),
        "one-sided": CategoryScores("four", split, {"shower": (shifted(split, 0.5),)}),
        "map": CategoryScores("four", split, {}, {"qcd": 0.5, "ttbar": 0.5}),
    }
    # the fit measures the background's normalisation in its many events of low score
    least = {"map": 1.0 - 1e-4} if kind == "shape" else {}
    for name, category in worse.items():
        found = rows(category)[0][f"cls_{kind}_median_fb"]
        assert found > plain * least.get(name, 1.001), name


def test_error_of_a_count_joins_all_nuisances_in_quadrature():
    channel = count_channel(CategoryScores("four", splits(n=6000)), POINT, LIMITS, TAGGING)
    b = channel.total[0]
    parts = [channel.background_error[0], 0.08 * b, 0.01 * b]
    parts += [0.1 * channel.background[name][0] for name in ("qcd", "ttbar")]
    assert background_error(channel) == pytest.approx(np.sqrt(np.sum(np.square(parts))))


def test_btag_effect_is_the_derivative_of_the_category_s_probability():
    p, step = 0.75, 1e-6
    yields = {
        "four": lambda q: q**4,
        "three": lambda q: 4 * q**3 * (1 - q),
        "two_split": lambda q: 4 * q**2 * (1 - q) ** 2,
    }
    for name, value in yields.items():
        expected = (value(p * (1 + step)) / value(p) - 1) / step
        assert btag_effect(name, TAGGING, 1.0) == pytest.approx(expected, abs=1e-4)


def n_eff(found: dict[str, np.ndarray]) -> np.ndarray:
    total, squares = found["qcd"] + found["ttbar"], found["qcd²"] + found["ttbar²"]
    return total**2 / np.maximum(squares, 1e-9)


def test_bins_hold_the_wanted_effective_number_on_both_splits():
    split = splits(spread=1.0)
    edges = best_edges(split["validation"], split["test"], LIMITS)
    assert (np.diff(edges) > 0).all()
    assert 2 <= len(edges) <= LIMITS.shape_bins
    assert (n_eff(histogram(split["validation"], edges)) >= LIMITS.min_bin_n_eff).all()
    assert (n_eff(histogram(split["test"], edges)) >= LIMITS.min_bin_n_eff / 2).all()


def test_a_heavy_event_of_low_score_costs_no_bins_above_it():
    split = splits()
    plain = best_edges(split["validation"], split["test"], LIMITS)
    for scores in split.values():
        lowest = np.flatnonzero(~scores.signal)[scores.background.log_odds.argmin()]
        scores.weight[lowest] = 100 * scores.background.weight.sum()
    edges = best_edges(split["validation"], split["test"], LIMITS)
    assert edges[0] > -np.inf
    assert len(edges) >= len(plain) - 1


def test_bins_are_the_best_of_all_choices():
    sample = draw_scores(4, n=1500)
    config = Limits(shape_bins=3, min_bin_n_eff=10.0)

    def merit(edges):
        found = histogram(sample, np.array(edges))
        b, b2 = found["qcd"] + found["ttbar"], found["qcd²"] + found["ttbar²"]
        if (n_eff(found) < 10).any():
            return -np.inf
        total = sample.background.weight.sum()
        signal = sample.weight[sample.signal].sum()
        s = found["signal"] * 0.05 / signal * np.sqrt(total)
        return (asimov_significance(s, b, np.sqrt(b2 + (0.1 * b) ** 2)) ** 2).sum()

    edges = best_edges(sample, sample, config)
    rivals = np.quantile(sample.log_odds[sample.signal], np.linspace(0.05, 0.95, 19))
    for pair in itertools.combinations(rivals, 2):
        for low in ([-np.inf], []):
            assert merit([*low, *pair]) <= merit(edges) * (1 + 1e-9)


def test_unresolved_background_allows_no_bin():
    sample = draw_scores(1, n=8)
    with pytest.raises(NoLimitError, match="no bin of the score"):
        best_edges(sample, sample, LIMITS)


def with_signal_weights(split: dict[str, Scores], change) -> dict[str, Scores]:
    """Return the test events with other weights of the signal: `change(log_odds, weight)`."""
    s = split["test"]
    weight = np.where(s.signal, change(s.log_odds, s.weight), s.weight)
    return split | {"test": Scores(s.log_odds, weight, s.signal, s.process, s.processes)}


def test_bin_with_a_negative_sum_of_signal_holds_none():
    """As for backgrounds: NLO weights may leave less than nothing in a bin."""
    plain = splits()
    edges = best_edges(plain["validation"], plain["test"], LIMITS)
    low = with_signal_weights(plain, lambda x, w: np.where(x < edges[1], -w, w))
    assert histogram(low["test"], edges)["signal"][0] < 0
    none = with_signal_weights(plain, lambda x, w: np.where(x < edges[1], 0, w))
    found, expected = (rows(CategoryScores("four", split))[0] for split in (low, none))
    assert found["cls_shape_median_fb"] == pytest.approx(expected["cls_shape_median_fb"], rel=0.02)


@pytest.mark.parametrize("sign", [0.0, -1.0])
def test_signal_of_no_positive_sum_is_a_reason_and_no_number(sign):
    row, _ = rows(CategoryScores("four", with_signal_weights(splits(), lambda _, w: sign * w)))
    for kind, reason in (("count", "no signal left"), ("shape", "signal has no")):
        assert row[f"cls_{kind}_median_fb"] is None
        assert reason in row[f"cls_{kind}_reason"]
