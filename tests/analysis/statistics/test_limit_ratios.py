"""Ratios of limits: exact where they are known, and as certain as their events."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.config.statistics import Limits, WorkingPoint
from analysis.evaluation.mixed_pairs import paired_errors
from analysis.evaluation.scores import read_mixed, read_scores
from analysis.statistics.limit_ratios import SignalBehindCut, ratio_row, signal_behind_cut
from analysis.statistics.limits import Normalisation, limit_row
from analysis.statistics.shared_tails import Tails
from common.weighted import WeightedSample
from tests.analysis.score_samples import draw_scores, write_scores

POINT = WorkingPoint(background_events=20.0)
LENDS = {"ttbar": "qcd"}
"""Of `draw_scores`: what lends its tail to what, where samples are processes."""


def scored(path: Path, seed: int = 1, **drawn: float) -> tuple[Path, WeightedSample]:
    scores = draw_scores(seed, **drawn)
    write_scores(path, scores)
    return path, scores


def write_mixed(path: Path, scores: WeightedSample, pairs: int = 20_000) -> Path:
    """Mix events of `qcd`: the log-odds of a pair is half of each; rare ones are drawn often."""
    rng = np.random.default_rng(3)
    own = np.flatnonzero((scores.kind == 0) & (scores.value > -1))
    first, second = rng.choice(own, (2, pairs))
    value = (scores.value[first] + scores.value[second]) / 2
    weight = scores.weight[first] * scores.weight[second]
    table = {
        "sample": "qcd",
        "log_odds": value,
        "weight": weight,
        "error": paired_errors(value, weight, first, second),
        "first": first.astype(np.uint64),
        "second": second.astype(np.uint64),
    }
    pd.DataFrame(table).to_parquet(path)
    return path


def test_signal_is_that_of_the_limit(tmp_path: Path) -> None:
    path, scores = scored(tmp_path / "scores.parquet", n=20_000)
    mixed = write_mixed(tmp_path / "mixed.parquet", scores)
    tails = Tails.find(read_scores(path, by="sample"), read_mixed(mixed), LENDS, POINT)
    assert tails.mixed
    assert tails.lent
    norm = Normalisation(luminosity=3000.0, branching_ratio=0.582)
    row = limit_row(read_scores(path, adapt=tails.put), norm, POINT, Limits())
    assert row["threshold_method"] == "mixed"
    found = signal_behind_cut(path, mixed, LENDS, POINT, replicas=5)
    assert found.total == pytest.approx(row["signal_efficiency"] * norm.produced)
    assert found.n_eff == pytest.approx(row["n_eff"])


def test_network_is_as_good_as_itself(tmp_path: Path) -> None:
    path, scores = scored(tmp_path / "scores.parquet")
    mixed = write_mixed(tmp_path / "mixed.parquet", scores)
    found = signal_behind_cut(path, mixed, LENDS, POINT)
    row = ratio_row([found], [found])
    assert row["ratio"] == row["low95"] == row["high95"] == 1.0
    assert row["supported"] == "no"


def test_shifted_scores_make_the_same_limit_and_worse_ones_a_weaker(tmp_path: Path) -> None:
    path, scores = scored(tmp_path / "scores.parquet", n=20_000)
    ours = signal_behind_cut(path, None, {}, POINT)
    shifted, noisy = tmp_path / "shifted.parquet", tmp_path / "noisy.parquet"
    write_scores(shifted, replace(scores, value=2 * scores.value + 1))
    same = ratio_row([ours], [signal_behind_cut(shifted, None, {}, POINT)])
    assert [same[name] for name in ("ratio", "low95", "high95")] == pytest.approx([1, 1, 1])
    noise = np.random.default_rng(2).normal(0, 3, len(scores))
    write_scores(noisy, replace(scores, value=scores.value + noise))
    worse = ratio_row([ours], [signal_behind_cut(noisy, None, {}, POINT)])
    assert worse["low95"] > 1
    assert worse["supported"] == "yes"


def test_interval_is_the_scatter_of_samples(tmp_path: Path) -> None:
    """Of 40 samples, the standard deviation of the replicas of each is that between them."""
    totals, widths = [], []
    for seed in range(40):
        path, _ = scored(tmp_path / f"{seed}.parquet", seed)
        found = signal_behind_cut(path, None, {}, POINT, replicas=60)
        totals.append(found.total)
        widths.append(np.std(found.drawn))
    assert np.mean(widths) == pytest.approx(np.std(totals), rel=0.4)
    assert np.std(totals) > 0.01 * np.mean(totals)


def test_replicas_of_pairs_scatter_as_the_events_do(tmp_path: Path) -> None:
    """Many pairs of few events know no more than these events."""
    path, scores = scored(tmp_path / "scores.parquet", n=1500)
    spreads = [
        np.std(signal_behind_cut(path, write_mixed(tmp_path / "m", scores, n), {}, POINT).drawn)
        for n in (10_000, 40_000)
    ]
    assert spreads[1] == pytest.approx(spreads[0], rel=0.25)


def test_background_too_small_for_the_cut_gives_no_ratio(tmp_path: Path) -> None:
    path, _ = scored(tmp_path / "scores.parquet", background_yield=10.0)
    found = signal_behind_cut(path, None, {}, POINT)
    assert np.isnan(found.total)
    row = ratio_row([found], [found])
    assert row["supported"] == "no"
    assert row["n_eff"] == 0
    assert "ratio" not in row


def test_worst_training_decides_what_is_supported() -> None:
    drawn = np.linspace(1.9, 2.1, 100)
    good, poor = SignalBehindCut(2.0, drawn, 50.0), SignalBehindCut(2.0, drawn, 5.0)
    one = SignalBehindCut(1.0, np.ones(100), 50.0)
    assert ratio_row([good, good], [one, one])["supported"] == "yes"
    row = ratio_row([good, poor], [one, one])
    assert row["supported"] == "no"
    assert "only 5.0 effective" in row["verdict"]
