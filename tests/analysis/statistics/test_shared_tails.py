from dataclasses import replace

import numpy as np
import pytest

from analysis.config.statistics import BTagging, Limits, TailSharing, WorkingPoint
from analysis.statistics.channels import CategoryScores, count_channel, shape_channel
from analysis.statistics.limits import COLUMNS, Normalisation, limit_row
from analysis.statistics.projections import sample_size_rows
from analysis.statistics.shared_tails import SharedTail, find_tails, share_tails
from analysis.statistics.working_point import cut_and_count
from common.weighted import SIGNAL, Condenser, WeightedSample

CONFIG = TailSharing(n_eff=30, closure=0.2)
LENT = {"small": "large", "smaller": "large"}


def scores_of(seed: int = 1, heavy: float = 40.0) -> WeightedSample:
    """A resolved sample, two of the same shape with few heavy events, another process, signal."""
    rng = np.random.default_rng(seed)
    counts, weights = (20_000, 400, 100, 500, 3000), (1.0, heavy, heavy, 1.0, 0.01)
    value = np.concatenate([rng.exponential(1.0, n) for n in counts])
    value[-counts[-1] :] += 3
    kind = np.repeat([0, 1, 2, 3, SIGNAL], counts)
    names = ("large", "small", "smaller", "other")
    return WeightedSample.of_events(value, np.repeat(weights, counts), kind, names)


def test_what_is_above_the_start_stays_and_follows_the_reference():
    scores = scores_of()
    (tail,) = find_tails(scores, LENT, CONFIG)
    shared = share_tails(scores, (tail,), CONFIG)
    assert tail.samples == ("small", "smaller")
    assert shared.background.above(tail.start).total == pytest.approx(
        scores.background.above(tail.start).total
    )
    for cut in tail.start + np.array([0.5, 1.0, 2.0]):
        of = {k: shared.above(cut).select(shared.above(cut).kind == k) for k in range(4)}
        large = scores.above(cut).select(scores.above(cut).kind == 0)
        assert of[1].raw == of[2].raw == 0
        ratio = of[0].total / large.total
        assert ratio == pytest.approx(1 + 500 * 40 / 20_000, rel=0.4)
        assert of[3].total == scores.above(cut).select(scores.above(cut).kind == 3).total
    below = scores.value < tail.start
    assert shared.select(shared.value < tail.start).total == scores.select(below).total
    assert shared.signal.total == scores.signal.total


def test_both_sides_have_the_effective_events_above_the_start():
    scores = scores_of()
    (tail,) = find_tails(scores, LENT, CONFIG)
    above = scores.above(tail.start)
    small = above.select(np.isin(above.kind, [1, 2]))
    assert small.raw == 30  # of equal weights
    assert above.select(above.kind == 0).n_eff > 30


def test_error_of_the_scale_adds_up_linearly_and_vanishes_below():
    scores = scores_of()
    tails = find_tails(scores, LENT, CONFIG)
    shared = share_tails(scores, tails, CONFIG)
    start = tails[0].start
    above = scores.above(start)
    small = above.select(np.isin(above.kind, [1, 2]))
    large = above.select(above.kind == 0)
    relative = np.sqrt(1 / small.n_eff + 1 / large.n_eff)
    assert shared.above(start).shared_error == pytest.approx(small.total * relative)
    assert shared.above(start).assumed_error == pytest.approx(small.total * 0.2)
    below = shared.select(shared.value < start)
    assert below.shared_error == below.assumed_error == 0
    assert scores.shared_error == scores.assumed_error == 0
    assert shared.scaled(2.0).shared_error == pytest.approx(2 * shared.shared_error)
    assert shared.scaled(2.0).assumed_error == pytest.approx(2 * shared.assumed_error)


def test_the_error_covers_what_samples_of_the_same_shape_do():
    config = TailSharing(n_eff=30, closure=0.0)
    pulls = []
    for seed in range(200):
        scores = scores_of(seed)
        shared = share_tails(scores, find_tails(scores, LENT, config), config).above(4.0)
        of_large = shared.select(shared.kind == 0)
        truth = 40_000 * np.exp(-4)
        error = np.hypot(of_large.total_error, of_large.shared_error)
        pulls.append((of_large.total - truth) / error)
    assert abs(np.mean(pulls)) < 0.35  # starts are chosen by the events: no more than this
    assert 0.75 < np.std(pulls) < 1.3


def test_a_heavy_event_no_longer_decides_on_the_cut():
    point, heavy = WorkingPoint(sharing=CONFIG), scores_of(heavy=400.0)
    without = replace(heavy, value=np.where((heavy.kind == 1) & (heavy.value > 5), 4, heavy.value))
    with_one = replace(heavy, value=heavy.value.copy())
    with_one.value[np.flatnonzero(heavy.kind == 1)[0]] = 9.0
    cuts = {}
    for name, scores in (("without", without), ("with", with_one)):
        shared = share_tails(scores, find_tails(scores, LENT, CONFIG), CONFIG)
        cuts[name] = [cut_and_count(s, point)[0].threshold for s in (scores, shared)]
    moved = np.abs(np.subtract(cuts["with"], cuts["without"]))
    assert moved[0] > 5 * moved[1]


def test_the_error_reaches_limits_and_fits():
    scores = scores_of()
    shared = share_tails(scores, find_tails(scores, LENT, CONFIG), CONFIG)
    sure = replace(shared, assumed=np.zeros(len(shared)))
    exact = replace(sure, shared=np.zeros(len(shared)))
    point, config, norm = WorkingPoint(min_n_eff=5), Limits(), Normalisation(3000.0, 0.582)
    rows = [limit_row(s, norm, point, config) for s in (shared, exact, sure)]
    assert set(rows[0]) == set(COLUMNS)
    for row in rows:
        kinds = "statistical", "tail", "shared", "assumed", "process"
        parts = [row[f"sigma_b_{part}"] for part in kinds]
        own = config.background_uncertainty * row["b_expected"]
        assert row["sigma_b"] == pytest.approx(np.sqrt(np.sum(np.square([own, *parts]))))
    assert rows[0]["sigma_b_shared"] > 0 == rows[1]["sigma_b_shared"]
    assert rows[0]["limit_za_fb"] > rows[1]["limit_za_fb"]
    assert rows[0]["limit_za_fb"] > rows[2]["limit_za_fb"], "what is assumed weakens limits"
    relative = [row["limit_za_error_fb"] / row["limit_za_fb"] for row in rows]
    assert relative[0] > relative[1]
    # and is no error of the simulated statistics
    assert relative[0] == pytest.approx(relative[2], rel=0.02)
    names = ("large", "small", "smaller", "other")
    count = count_channel(CategoryScores("4b", shared), point, config, BTagging())
    assert count.normalisations["shared_tails"] == pytest.approx(
        dict.fromkeys(names, rows[0]["sigma_b_shared"] / rows[0]["b_expected"])
    )
    signal, error = rows[0]["signal_efficiency"], rows[0]["signal_efficiency_error"]
    assert count.signal_error == pytest.approx(error / signal)
    assert count.normalisations["assumed_tails"] == pytest.approx(
        dict.fromkeys(names, rows[0]["sigma_b_assumed"] / rows[0]["b_expected"])
    )
    shape = shape_channel(CategoryScores("4b", shared), config, BTagging())
    for nuisance in ("shared_tails", "assumed_tails"):
        up, down = shape.shapes[nuisance]["large"]
        assert (up > shape.background["large"]).all()
        assert (down < shape.background["large"]).all()
    plain = shape_channel(CategoryScores("4b", exact), config, BTagging())
    assert not {"shared_tails", "assumed_tails"} & set(plain.shapes)


def test_more_events_leave_what_is_assumed():
    scores = scores_of()
    shared = share_tails(scores, find_tails(scores, LENT, CONFIG), CONFIG)
    point, config, norm = WorkingPoint(min_n_eff=5), Limits(), Normalisation(3000.0, 0.582)
    row = limit_row(shared, norm, point, config)
    sizes = {r["value"]: r for r in sample_size_rows(shared, norm, point, config)}
    assert sizes[1]["limit_za_fb"] == pytest.approx(row["limit_za_fb"])
    relative = {size: r["limit_za_error_fb"] / r["limit_za_fb"] for size, r in sizes.items()}
    assert relative[100] == pytest.approx(relative[1] / 10, rel=0.25)  # to first order
    own = config.background_uncertainty * row["b_expected"]
    left = np.hypot(own, row["sigma_b_assumed"])
    assert left < sizes[100]["sigma_b"] < 1.05 * left


def test_the_fitted_tail_has_the_error_too():
    scores = scores_of(heavy=40.0)
    shared = share_tails(scores, find_tails(scores, LENT, CONFIG), CONFIG)
    point = WorkingPoint(min_n_eff=1000, background_events=20)
    cut, passing, _ = cut_and_count(shared, point)
    assert cut.method == "tail_fit"
    counted = shared.background.above(4.0)
    assert passing.shared_error / passing.expected == pytest.approx(
        counted.shared_error / counted.total, rel=0.1
    )
    assert passing.assumed_error / passing.expected == pytest.approx(
        counted.assumed_error / counted.total, rel=0.1
    )


def test_samples_too_small_to_share_keep_their_tail_with_a_warning(caplog):
    scores = scores_of()
    kept = np.isin(scores.kind, [0, SIGNAL]) | (np.arange(len(scores)) % 40 == 0)
    few = scores.select(kept)
    assert find_tails(few, LENT, CONFIG) == ()
    assert "small, smaller keep their own tail: they have 1" in caplog.text
    assert share_tails(few, (), CONFIG).background.total == few.background.total
    assert find_tails(scores, {"nothing": "large"}, CONFIG) == ()


def test_condensed_rows_share_as_events_do():
    scores = scores_of()
    tails = (SharedTail(("small", "smaller"), "large", 1.0),)
    condenser = Condenser(rows=2000)
    condenser.add(scores)
    condensed = replace(condenser.result(), processes=scores.processes)
    assert len(condensed) <= 2000
    pair = [share_tails(s, tails, CONFIG).above(1.5) for s in (scores, condensed)]
    assert pair[1].total == pytest.approx(pair[0].total, rel=1e-2)
    assert pair[1].shared_error == pytest.approx(pair[0].shared_error, rel=1e-2)
    assert pair[1].assumed_error == pytest.approx(pair[0].assumed_error, rel=1e-2)
