from dataclasses import replace

import numpy as np
import pytest

from analysis.config.statistics import Limits, Mixing, TailSharing, WorkingPoint
from analysis.statistics.limits import (
    Normalisation,
    limit_row,
    scan_background_events,
    simulated_above,
)
from analysis.statistics.mixed_tails import (
    MixedTail,
    find_mixed_tails,
    follow_factors,
    with_mixed_tails,
)
from analysis.statistics.shared_tails import find_tails, share_tails
from analysis.statistics.working_point import cut_and_count, find_cut
from common.weighted import SIGNAL, WeightedSample

CONFIG = Mixing(n_eff=50, closure=0.1)


def scores_of(seed: int = 1) -> WeightedSample:
    """A sample of weight 20, a smaller one, another process, and signal."""
    rng = np.random.default_rng(seed)
    counts, weights = (1000, 100, 500, 3000), (20.0, 40.0, 0.1, 0.01)
    value = np.concatenate([rng.exponential(1.0, n) for n in counts])
    value[-counts[-1] :] += 4
    kind = np.repeat([0, 1, 2, SIGNAL], counts)
    return WeightedSample.of_events(value, np.repeat(weights, counts), kind, ("qcd", "few", "top"))


def mixed_of(seed: int = 2, count: int = 40_000) -> dict[str, WeightedSample]:
    rng = np.random.default_rng(seed)
    value, weight = rng.exponential(1.0, count), np.full(count, 3.0)
    events = WeightedSample.of_events(value, weight, np.zeros(count, int))
    return {"qcd": replace(events, error=2 * events.error)}


def test_what_is_above_the_start_stays_and_follows_the_mixed_events() -> None:
    scores = scores_of()
    (tail,) = find_mixed_tails(scores, mixed_of(), CONFIG)
    own = scores.of_process("qcd")
    assert own.above(tail.start).raw == 50, "of equal weights"
    mixed = with_mixed_tails(scores, (tail,), CONFIG)
    assert mixed.above(tail.start).of_process("qcd").total == pytest.approx(50 * 20)
    for depth in (1.0, 2.0):
        left = mixed.above(tail.start + depth).of_process("qcd").total
        assert left == pytest.approx(1000 * np.exp(-depth), rel=0.1)
    for name in ("few", "top"):
        assert mixed.of_process(name).total == scores.of_process(name).total
    assert mixed.signal.total == scores.signal.total
    below = scores.select(scores.value < tail.start)
    assert mixed.select(mixed.value < tail.start).total == pytest.approx(below.total)


def test_error_of_the_scale_is_shared_and_that_of_the_shape_is_not() -> None:
    scores = scores_of()
    tails = find_mixed_tails(scores, mixed_of(), CONFIG)
    mixed = with_mixed_tails(scores, tails, CONFIG).of_process("qcd")
    above = mixed.above(tails[0].start + 1)
    assert above.shared_error == pytest.approx(above.total / np.sqrt(50))
    assert above.assumed_error == pytest.approx(above.total * 0.1)
    assert above.n_eff == pytest.approx(above.raw / 4), "rows that are as good as a quarter each"
    below = mixed.select(mixed.value < tails[0].start)
    assert below.shared_error == below.assumed_error == 0


def test_a_cut_on_mixed_events_says_so() -> None:
    scores, point = scores_of(), WorkingPoint(mixing=CONFIG)
    assert find_cut(scores, point).method == "tail_fit"
    mixed = with_mixed_tails(scores, find_mixed_tails(scores, mixed_of(), CONFIG), CONFIG)
    assert find_cut(mixed, point).method == "mixed"
    assert find_cut(mixed, point, events=3000.0).method == "empirical", "below the start"
    regrouped = mixed.regrouped(("all", "top"), np.array([0, 0, 1]))
    assert find_cut(regrouped, point).method == "mixed"


def test_scores_without_an_event_of_the_sample_stay_as_they_are() -> None:
    scores = scores_of()
    tails = find_mixed_tails(scores, mixed_of(), CONFIG)
    names = tuple(name for name in scores.processes if name != "qcd")
    places = [names.index(name) if name in names else 0 for name in scores.processes]
    without = scores.select(scores.kind != scores.processes.index("qcd"))
    varied = without.regrouped(names, np.array(places))
    assert with_mixed_tails(varied, tails, CONFIG) == varied


def test_a_mixed_tail_is_not_fitted_but_cut_looser() -> None:
    scores, point = scores_of(), WorkingPoint(mixing=CONFIG)
    tails = find_mixed_tails(scores, mixed_of(count=900), CONFIG)
    mixed = with_mixed_tails(scores, tails, CONFIG)
    cut, passing, reason = cut_and_count(mixed, point)
    assert cut.method == "resolved"
    assert passing.n_eff >= 10
    assert "mixed events are as good as fewer than 10" in reason
    assert find_cut(mixed, point).method == "tail_fit", "where it is asked for as it is"


def test_the_limit_is_better_and_names_what_is_simulated_above() -> None:
    scores, norm, config = scores_of(), Normalisation(3000.0, 0.582), Limits()
    mixed = with_mixed_tails(scores, find_mixed_tails(scores, mixed_of(), CONFIG), CONFIG)
    own, better = (limit_row(s, norm, WorkingPoint(mixing=CONFIG), config) for s in (scores, mixed))
    assert float(better["limit_za_error_fb"]) < float(own["limit_za_error_fb"])
    assert own["threshold_method"] == "resolved"
    assert better["threshold_method"] == "mixed"
    assert float(better["n_eff"]) > 10
    above = scores.background.above(float(better["threshold_log_odds"]))
    found = simulated_above(scores, better)
    assert found == {
        "b_simulated": above.total,
        "b_simulated_error": above.total_error,
        "b_simulated_raw": above.raw,
    }
    nothing = simulated_above(scores, {"threshold_log_odds": None})
    assert set(nothing.values()) == {None}


def test_raw_counts_simulated_events() -> None:
    scores, point = scores_of(), WorkingPoint(mixing=CONFIG)
    mixed = with_mixed_tails(scores, find_mixed_tails(scores, mixed_of(), CONFIG), CONFIG)
    common = Normalisation(3000.0, 0.582), point, Limits()
    rows = scan_background_events(mixed, *common, simulated=scores)
    own = scan_background_events(scores, *common)
    raw = [row for row in rows if row["counting"] == "raw"]
    assert raw == [row for row in own if row["counting"] == "raw"]
    assert [row["b_raw"] for row in raw[1:]] == [10, 20, 50, 100, 200]
    assert rows[0] != own[0], "weighted are counted on mixed events"


def test_other_samples_borrow_a_mixed_tail() -> None:
    scores, sharing = scores_of(), TailSharing(n_eff=20)
    mixed = with_mixed_tails(scores, find_mixed_tails(scores, mixed_of(), CONFIG), CONFIG)
    (lent,) = find_tails(mixed, {"few": "qcd"}, sharing)
    both = share_tails(mixed, (lent,), sharing)
    assert both.above(lent.start).of_process("few").raw == 0
    cut = mixed.mixed_above + 1
    of_mixing = mixed.above(cut).assumed_error
    ratio = both.above(cut).of_process("qcd").total / mixed.above(cut).of_process("qcd").total
    borrowed = (ratio - 1) * mixed.above(cut).of_process("qcd").total
    assert both.above(cut).assumed_error == pytest.approx(
        np.hypot(ratio * of_mixing, 0.2 * borrowed)
    )
    assert both.above(cut).shared_error > ratio * mixed.above(cut).shared_error
    assert both.mixed_above == mixed.mixed_above


def test_a_small_sample_keeps_its_tail_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    scores = scores_of()
    config = Mixing(n_eff=2000)
    assert find_mixed_tails(scores, mixed_of(), config) == ()
    assert "qcd keeps its own tail" in caplog.text
    assert with_mixed_tails(scores, (), config) is scores


def test_mixed_events_follow_the_factors_of_simulated_ones() -> None:
    """Above all cuts that simulated events resolve, and not where the factors are one."""
    rng = np.random.default_rng(5)
    value, kinds = rng.exponential(1.0, 4000), np.zeros(4000, int)
    factor = np.exp(-0.3 * value)
    nominal, varied = (
        WeightedSample.of_events(value, weight, kinds, ("qcd",))
        for weight in (np.ones(4000), factor)
    )
    many = rng.exponential(1.0, 40_000)
    mixed = WeightedSample.of_events(many, np.full(40_000, 0.1), np.zeros(40_000, int))
    tails = (MixedTail("qcd", 1.0, mixed.above(1.0)),)
    (same,) = follow_factors(tails, nominal, nominal)
    assert np.array_equal(same.events.weight, tails[0].events.weight)
    found = with_mixed_tails(varied, follow_factors(tails, nominal, varied), Mixing())
    plain = with_mixed_tails(nominal, tails, Mixing())
    for cut in (1.0, 2.0, 3.0, 4.0):
        expected = np.average(factor[value >= cut])
        assert found.above(cut).total / plain.above(cut).total == pytest.approx(expected, rel=0.04)
    unshaped = with_mixed_tails(varied, tails, Mixing())
    assert unshaped.above(4.0).total > 1.5 * found.above(4.0).total, "its shape would stay"
