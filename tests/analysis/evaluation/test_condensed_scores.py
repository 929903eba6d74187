"""Scores of very many events: the same statistics from a fixed number of rows."""

import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.config.statistics import BTagging, Limits, TailFit, WorkingPoint
from analysis.evaluation.metrics import known_curve, metric_row
from analysis.evaluation.score_table import ScoreTable
from analysis.evaluation.scores import read_scores
from analysis.statistics.channels import CategoryScores
from analysis.statistics.fit import fit_rows
from analysis.statistics.limits import Normalisation, limit_row
from analysis.statistics.tail_fit import fit_tail
from common.weighted import Condenser, WeightedSample
from tests.analysis.score_samples import draw_scores, write_scores

ROWS = 8192
Pair = tuple[WeightedSample, WeightedSample]
NORM = Normalisation(3000.0, 0.582)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The same 60,000 events one by one, and in a seventh of as many rows."""
    path = tmp_path_factory.mktemp("scores") / "scores.parquet"
    write_scores(path, draw_scores(1, 30_000, 2e4, 1.0))
    return read_scores(path), read_scores(path, rows=ROWS)


def test_yields_errors_and_numbers_are_kept(both: Pair) -> None:
    one, few = both
    assert (one.count == 1).all()
    assert ROWS / 2 < len(few.weight) <= ROWS
    assert few.processes == one.processes
    for k in (-1, 0, 1):
        a, b = (scores.select(scores.kind == k) for scores in both)
        assert b.raw == len(a)
        assert b.total == pytest.approx(a.total)
        assert b.n_eff == pytest.approx(a.n_eff)
        assert (b.is_signal == (k < 0)).all()
    assert few.counted().weight.sum() == len(one.weight)
    np.testing.assert_allclose(few.counted().error ** 2, few.count)
    np.testing.assert_allclose(few.scaled(3.0).error, 3 * few.error)


def test_metrics_move_by_less_than_a_tenth_of_their_errors(
    both: Pair,
) -> None:
    whole, few = map(metric_row, both)
    for name in ("test_signal", "test_background", "test_background_n_eff"):
        assert few[name] == pytest.approx(whole[name])
    for name in ("auc", "rejection_30", "rejection_50", "rejection_80"):
        error = whole[f"{name}_error"]
        assert abs(few[name] - whole[name]) < 0.1 * error
        assert few[f"{name}_error"] == pytest.approx(error, rel=0.05)
    one, other = map(known_curve, both)
    assert np.mean([(a is None) == (b is None) for a, b in zip(one, other, strict=True)]) > 0.97


@pytest.mark.parametrize("counting", ["weighted", "raw"])
def test_limits_move_by_less_than_a_fifth_of_their_errors(both: Pair, counting: str) -> None:
    point = WorkingPoint(counting=counting)
    whole, few = (limit_row(scores, NORM, point, Limits()) for scores in both)
    assert (few["status"], few["threshold_method"]) == ("ok", whole["threshold_method"])
    assert few["b_total"] == pytest.approx(whole["b_total"])
    shift = abs(few["limit_za_fb"] - whole["limit_za_fb"])
    assert shift < 0.2 * whole["limit_za_error_fb"]
    assert few["limit_za_error_fb"] == pytest.approx(whole["limit_za_error_fb"], rel=0.1)


def test_fits_move_little(both: Pair) -> None:
    whole, few = (
        fit_rows([CategoryScores("4b", scores)], WorkingPoint(), Limits(), BTagging())[0]
        for scores in both
    )
    for kind in ("count", "shape"):
        for band in ("minus2", "minus1", "median", "plus1", "plus2"):
            name = f"cls_{kind}_{band}_fb"
            assert few[name] == pytest.approx(whole[name], rel=0.02)


def test_the_tail_of_shared_rows_is_that_of_their_events() -> None:
    config = TailFit(bootstrap=100, n_eff=1000)
    found = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        score, weight = rng.logistic(size=40_000), rng.lognormal(0, 0.5, 40_000)
        condenser = Condenser(2000)
        events = WeightedSample.of_classes(score, weight, np.zeros(len(score), bool))
        condenser.add(events)
        rows = condenser.result()
        assert np.average(rows.count[rows.value > 3]) > 2
        one, few = (fit_tail(sample, config, seed) for sample in (events, rows))
        found.append([*one.threshold(2.0), *few.threshold(2.0)])
    cut, error, cut_of_rows, error_of_rows = np.array(found).T
    assert np.sqrt(np.mean((cut_of_rows - cut) ** 2)) < 0.3 * np.median(error)
    assert np.median(error_of_rows / error) == pytest.approx(1, abs=0.1)


def long_table(path: Path, groups: int) -> None:
    """Write groups of 2,048 rows."""
    writer = None
    for group in range(groups):
        scores = draw_scores(group, 1024)
        names = np.array([*scores.processes, "signal"])[scores.kind]
        table = pa.table(
            {
                "process": pa.array(names).dictionary_encode(),
                "label": scores.is_signal.astype(np.uint8),
                "log_odds": scores.value,
                "weight": scores.weight,
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks, of_arrow = [], []
    for groups in (100, 400):
        long_table(tmp_path / "scores.parquet", groups)
        steps = ScoreTable(tmp_path / "scores.parquet").steps()
        start = pa.total_allocated_bytes()
        of_arrow.append(max(pa.total_allocated_bytes() - start for _ in steps))
        tracemalloc.start()
        found = read_scores(tmp_path / "scores.parquet", rows=2000)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert found.raw == 2048 * groups
    assert peaks[1] < 1.1 * peaks[0]
    assert of_arrow[1] < 1.1 * of_arrow[0]
