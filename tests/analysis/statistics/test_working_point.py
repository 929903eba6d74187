from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.config.statistics import Limits, TailFit, WorkingPoint
from analysis.statistics.limits import Normalisation, asimov_limit, background_error
from analysis.statistics.significance import signal_for_significance
from analysis.statistics.tail_fit import fit_tail
from analysis.statistics.working_point import (
    count_background,
    cut_and_count,
    empirical_threshold,
    find_cut,
)
from benchmarks.coverage import TOTALS, TRAINING, pull
from common.errors import NoLimitError
from common.weighted import WeightedSample
from common.weights import effective_number
from tests.analysis.score_samples import draw_scores

LENIENT = WorkingPoint(tail=TailFit(max_relative_error=1.0))
"""Uses fits that the default finds too uncertain."""


def test_empirical_cut_leaves_the_wanted_yield_within_one_event():
    sample = draw_scores(1)
    cut = find_cut(sample, WorkingPoint())
    assert cut.method == "empirical"
    background = sample.background
    left = background.weight[background.value >= cut.threshold]
    assert 20 - background.weight.max() < left.sum() <= 20 + 1e-9


def test_cut_leaves_exactly_what_was_asked_for():
    sample = draw_scores(1)
    for target in (5.0, 20.0, 77.7):
        cut, passing, reason = cut_and_count(sample, WorkingPoint(min_n_eff=1), target)
        assert (cut.method, reason, passing.tail_error) == ("empirical", "", 0)
        assert passing.expected == pytest.approx(target)
        assert passing.per_process.sum() == pytest.approx(target)
        assert count_background(sample, cut, WorkingPoint()).expected == pytest.approx(target)


def test_reading_mc_leaves_twenty_raw_events():
    sample, config = draw_scores(1, n=8000), WorkingPoint(counting="raw")
    cut, passing, _ = cut_and_count(sample, config)
    assert np.count_nonzero(sample.background.value >= cut.threshold) == passing.raw == 20


@pytest.mark.parametrize(("spread", "weight"), [(0.0, 2.0), (0.5, 1.64), (1.0, 1.03)])
def test_counting_the_events_that_set_the_cut_biases_neither_background_nor_limit(spread, weight):
    n, experiments = 2000, 300
    total = weight * n  # such that the 20 events behind the cut are 10 effective ones
    point, config, norm = WorkingPoint(min_n_eff=1e-3), Limits(), Normalisation(3000.0, 0.582)
    counted, limits = [], []
    for seed in range(experiments):
        scores = draw_scores(seed, n, total, spread)
        cut, passing, _ = cut_and_count(scores, point)
        row = asimov_limit(scores, cut, passing, norm, config)
        there = stats.logistic(-2).sf(cut.threshold) * total
        counted.append((passing.expected, there, passing.statistical_error, passing.n_eff))
        same_relative = passing.statistical_error * there / passing.expected
        true = replace(passing, expected=there, statistical_error=same_relative)
        signal = stats.logistic(2).sf(cut.threshold) * 100 / norm.produced
        sigma = background_error(true, config.background_uncertainty)
        s_up = signal_for_significance(config.z_target, there, sigma)
        limits.append(
            (row["limit_za_fb"], norm.cross_section(s_up, signal), row["limit_za_error_fb"])
        )
    b, true_b, error, n_eff = np.array(counted).T
    limit, true_limit, limit_error = np.array(limits).T
    assert np.mean(n_eff) == pytest.approx(10, abs=0.6)
    assert abs(np.mean(b - true_b)) < 0.1 * np.mean(error)
    for found, true, quoted in ((b, true_b, error), (limit, true_limit, limit_error)):
        pull = (found - true) / quoted
        assert abs(np.median(pull)) < 0.25
        assert np.mean(np.abs(pull) < 1) == pytest.approx(0.68, abs=0.08)


@given(st.lists(st.tuples(st.integers(-5, 5), st.floats(0.01, 10)), min_size=2, max_size=40))
def test_empirical_cut_rises_as_fewer_events_are_kept(events):
    score, weight = np.array(events, float).T
    sample = WeightedSample.of_classes(score, weight, np.zeros(len(score)))
    targets = np.linspace(0.01, weight.sum(), 9)
    cuts = [empirical_threshold(sample, target) for target in targets]
    assert (np.diff(cuts) <= 0).all()
    assert cuts[-1] == pytest.approx(score.min())


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=20))
def test_effective_number_lies_between_one_and_the_raw_number(weights):
    assert 1 - 1e-9 <= effective_number(np.array(weights)) <= len(weights) + 1e-9


def test_unresolved_threshold_comes_from_the_tail_and_finds_the_true_one():
    target_total = 1e5  # 4000 events of yield 25 each: the cut at 20 events is unresolved
    sample = draw_scores(1, background_yield=target_total)
    cut, passing, _ = cut_and_count(sample, LENIENT)
    true = stats.logistic(-2, 1).isf(20 / target_total)
    assert cut.method == "tail_fit"
    assert abs(cut.threshold - true) < 3 * cut.error
    assert passing.statistical_error == 0
    assert passing.tail_error > 0
    assert passing.expected == pytest.approx(20)


@pytest.mark.parametrize("name", ["logistic", "normal"])
def test_quoted_error_covers_the_true_threshold_in_68_percent(name):
    # the first 300 seeds of the protocol of benchmarks.coverage: 2.7% of statistical error
    seeds, total = range(1, 301), TOTALS["near"]
    pulls = np.array([pull(TRAINING[name], total, s, TailFit(bootstrap=200)) for s in seeds])
    assert np.mean(np.abs(pulls) < 1) == pytest.approx(0.68, abs=0.05 + 2 * 0.027)


def test_threshold_is_unbiased_far_beyond_the_sample():
    config = TailFit(bootstrap=200)
    pulls = [pull(TRAINING["logistic"], TOTALS["far"], seed, config) for seed in range(1, 301)]
    assert abs(np.median(pulls)) < 3 * 1.25 / np.sqrt(300)  # three errors of a median


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_tail_fit_follows_shift_and_scale_of_the_scores(scale, shift):
    sample = draw_scores(3, background_yield=1e5).background
    config = TailFit(bootstrap=20)
    plain = fit_tail(sample, config, 1).threshold(20)
    moved = fit_tail(replace(sample, value=scale * sample.value + shift), config, 1).threshold(20)
    assert moved[0] == pytest.approx(scale * plain[0] + shift, rel=1e-6, abs=1e-6)
    assert moved[1] == pytest.approx(scale * plain[1], rel=1e-6)


def test_tail_of_fewer_events_is_a_harder_cut():
    sample = draw_scores(3, background_yield=1e5).background
    tail = fit_tail(sample, TailFit(bootstrap=20), 1)
    cuts = [tail.threshold(n)[0] for n in (5, 10, 20, 50, 100, 200)]
    assert (np.diff(cuts) < 0).all()
    for n, cut in zip((5, 20), (cuts[0], cuts[2]), strict=True):
        assert tail.events(cut)[0] == pytest.approx(n)


def test_one_event_that_outweighs_all_others_gives_no_limit():
    sample = draw_scores(1, background_yield=1e5)
    heaviest = np.flatnonzero(~sample.is_signal)[0]
    sample.value[heaviest] = 0.0
    sample.weight[heaviest] = sample.error[heaviest] = 4e7
    with pytest.raises(NoLimitError, match="effective events"):
        find_cut(sample, WorkingPoint())


def test_background_below_the_target_gives_no_limit():
    with pytest.raises(NoLimitError, match="background_events"):
        find_cut(draw_scores(1, background_yield=10), WorkingPoint())


def test_no_background_behind_the_cut_gives_no_limit():
    sample, moved = draw_scores(1), draw_scores(2)
    moved.value[~moved.is_signal] -= 30
    with pytest.raises(NoLimitError, match="no background left"):
        count_background(moved, find_cut(sample, WorkingPoint()), WorkingPoint())


def small_sample() -> WeightedSample:
    """Few events for a large yield: the cut that leaves 20 is beyond the sample."""
    return draw_scores(0, n=300, background_yield=3e5)


def test_beyond_the_sample_the_cut_is_the_hardest_that_it_resolves():
    sample = small_sample()
    config = WorkingPoint(tail=TailFit(min_n_eff=1e6))
    cut, passing, reason = cut_and_count(sample, config)
    background = sample.background
    harder = background.select(background.value > cut.threshold)
    assert cut.method == "resolved"
    assert background.above(cut.threshold).n_eff >= config.min_n_eff
    assert harder.n_eff < config.min_n_eff
    assert passing.expected > config.background_events
    assert "effective events" in reason


def test_no_resolved_cut_is_harder_than_the_wanted_one():
    # 12 events of weight 1 are resolved, 20 are not: a heavy event lies between
    weight = np.r_[np.ones(12), 30.0, np.ones(200)]
    background = np.zeros(len(weight))
    value = np.r_[np.arange(len(weight), 0.0, -1), 300.0]
    sample = WeightedSample.of_classes(value, np.r_[weight, 1.0], np.r_[background, 1.0])
    cut, passing, _ = cut_and_count(sample, WorkingPoint(tail=TailFit(min_n_eff=1e6)))
    assert cut.method == "resolved"
    assert passing.n_eff >= 10
    assert passing.expected == pytest.approx(99)  # 99² / (12 + 30² + 57) is the first above 10


def test_without_fallback_or_for_a_given_number_there_is_no_limit():
    sample = small_sample()
    strict = TailFit(min_n_eff=1e6)
    with pytest.raises(NoLimitError):
        cut_and_count(sample, WorkingPoint(tail=strict, fallback="none"))
    with pytest.raises(NoLimitError):
        cut_and_count(sample, WorkingPoint(tail=strict), events=20.0)


@pytest.mark.parametrize(("signals", "method"), [(9, "resolved"), (10, "tail_fit")])
def test_a_fitted_cut_needs_ten_signal_events_above_it(signals, method):
    sample = draw_scores(1, background_yield=1e5)
    fitted = find_cut(sample, LENIENT)
    above = np.flatnonzero(sample.is_signal & (sample.value >= fitted.threshold))
    fewer = sample.select(~np.isin(np.arange(len(sample.value)), above[signals:]))
    cut, _, reason = cut_and_count(fewer, LENIENT)
    assert cut.method == method
    assert ("9 simulated signal events" in reason) == (method == "resolved")


def test_a_resolved_sample_needs_no_fallback():
    sample = draw_scores(0, background_yield=100.0)
    cut, passing, reason = cut_and_count(sample, WorkingPoint())
    assert (cut.method, reason) == ("empirical", "")
    assert passing.expected == pytest.approx(20)


@pytest.mark.parametrize("share", [0.2, 0.3])
def test_negative_weights_never_make_a_cut_that_leaves_another_yield(share: float) -> None:
    """A fit to the tail is right or refused: its scale is positive, its cut inside the tail."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        value = np.append(rng.exponential(1, 300), rng.exponential(1, 200) + 4)
        weight = np.append(np.where(rng.random(300) < share, -10.0, 10.0), np.full(200, 0.01))
        scores = WeightedSample.of_classes(value, weight, np.append(np.zeros(300), np.ones(200)))
        point = WorkingPoint(min_n_eff=25, fallback="none")
        try:
            cut, passing, _ = cut_and_count(scores, point)
        except NoLimitError:
            continue
        if cut.method == "tail_fit":
            assert passing.expected == pytest.approx(20, rel=0.05)
