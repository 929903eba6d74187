"""Reliability of scores."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.config.statistics import Limits, TailFit, WorkingPoint
from analysis.evaluation.calibration import reliability
from analysis.figures.calibration import Calibration, calibration_plot
from analysis.statistics.limits import Normalisation, limit_row
from common.weighted import WeightedSample
from tests.analysis.score_samples import draw_scores

N = 40_000


def events(seed: int = 1, heavier: float = 1.0) -> WeightedSample:
    """Scores that are probabilities, with background events that weigh more, and so are fewer."""
    rng = np.random.default_rng(seed)
    score = rng.beta(0.7, 0.7, N)
    signal = rng.random(N) < heavier * score / (heavier * score + 1 - score)
    weight = rng.lognormal(0, 0.5, N) * np.where(signal, 1.0, heavier)
    return WeightedSample.of_classes(score, weight, signal)


@pytest.mark.parametrize("heavier", [1.0, 20.0])
def test_a_probability_is_calibrated(heavier: float) -> None:
    found = [reliability(events(seed, heavier)) for seed in range(10)]
    inside = [(r.low <= r.score) & (r.score <= r.high) for r in found]
    assert np.mean(inside) == pytest.approx(0.68, abs=0.15)
    assert np.mean([r.error / r.noise for r in found]) == pytest.approx(1, abs=0.25)


def test_an_overconfident_score_is_not() -> None:
    plain = events()
    sharper = 1 / (1 + ((1 - plain.value) / plain.value) ** 2)
    found = reliability(replace(plain, value=sharper))
    assert found.error > 5 * found.noise
    assert found.fraction[0] > found.score[0]
    assert found.fraction[-1] < found.score[-1]


def test_bins_hold_all_events_and_empty_ones_are_left_out() -> None:
    score = np.array([0.0, 1.0, 1.0])
    found = reliability(WeightedSample.of_classes(score, np.ones(3), score > 0))
    np.testing.assert_allclose(found.weight, [1 / 3, 2 / 3])
    np.testing.assert_allclose(found.fraction, [0, 1])
    assert found.low[0] == 0
    assert found.high[1] == 1
    assert found.error == 0


def test_figure_shows_the_numbers() -> None:
    bins = reliability(events())
    axes = calibration_plot([Calibration("ours", "#3f90da", [bins])], 1000).axes[0]
    points = axes.containers[0][0]
    np.testing.assert_allclose(points.get_ydata(), bins.fraction)


@pytest.mark.parametrize(("yield_", "method"), [(5e3, "empirical"), (1e5, "tail_fit")])
def test_a_rising_line_through_the_log_odds_changes_no_limit(yield_: float, method: str) -> None:
    drawn = draw_scores(1, 4000, yield_)
    moved = replace(drawn, value=0.3 + 0.7 * drawn.value)
    lenient = WorkingPoint(tail=TailFit(max_relative_error=1.0))
    one, other = (
        limit_row(scores, Normalisation(3000.0, 0.582), lenient, Limits())
        for scores in (drawn, moved)
    )
    assert one["threshold_method"] == other["threshold_method"] == method
    assert other["limit_za_fb"] == pytest.approx(one["limit_za_fb"], rel=1e-3)
