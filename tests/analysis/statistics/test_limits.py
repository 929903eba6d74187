import numpy as np
import pyarrow.parquet as pq
import pytest

from analysis.config.statistics import Limits, TailFit, WorkingPoint
from analysis.evaluation.scores import read_scores
from analysis.statistics.limits import COLUMNS, Normalisation, limit_row, scan_background_events
from common.errors import InputFileError, NormalisationError
from common.tables import read_csv, summarise_seeds, write_csv
from tests.analysis.score_samples import draw_scores, write_scores

NORM = Normalisation(3000.0, 0.582)


def test_the_specification_s_sanity_numbers():
    assert NORM.cross_section(8.7, 0.05) == pytest.approx(0.17, abs=0.005)
    assert NORM.cross_section(8.7, 0.10) == pytest.approx(0.086, abs=0.0005)


def test_row_is_consistent_with_its_own_columns():
    row = limit_row(draw_scores(1), NORM, WorkingPoint(), Limits())
    assert row["status"] == "ok"
    expected = row["s_up"] / (3000 * row["signal_efficiency"] * 0.582**2)
    assert row["limit_za_fb"] == pytest.approx(expected)
    assert row["sigma_b"] == pytest.approx(
        np.hypot(0.1 * row["b_expected"], row["sigma_b_statistical"])
    )
    # the signal at the limit reaches the target, at 1 fb accordingly more or less
    assert row["limit_za_error_fb"] < row["limit_za_fb"]
    assert row["discovery_5sigma_fb"] > 2 * row["limit_za_fb"]


def test_tail_fit_is_marked_and_enters_the_background_error():
    lenient = WorkingPoint(tail=TailFit(max_relative_error=1.0))
    row = limit_row(draw_scores(1, background_yield=1e5), NORM, lenient, Limits())
    assert row["threshold_method"] == "tail_fit"
    assert row["sigma_b"] ** 2 == pytest.approx(
        (0.1 * row["b_expected"]) ** 2 + row["sigma_b_tail"] ** 2
    )


def test_scan_raises_the_signal_efficiency_with_the_background_kept():
    rows = scan_background_events(draw_scores(1), NORM, WorkingPoint(), Limits())
    for counting in ("weighted", "raw"):
        own = [row for row in rows if row["counting"] == counting]
        assert [row["background_events"] for row in own] == list(WorkingPoint().scan)
        assert (np.diff([row["signal_efficiency"] for row in own]) > 0).all()


def test_impossible_working_point_is_a_row_with_a_reason_and_no_number():
    row = limit_row(draw_scores(1, background_yield=5.0), NORM, WorkingPoint(), Limits())
    assert (row["status"], row["threshold_method"]) == ("no limit", "none")
    assert "background_events" in row["reason"]
    assert row["limit_za_fb"] is None
    assert tuple(row) == COLUMNS


def test_zero_signal_behind_the_cut_is_a_row_with_a_reason():
    scores = draw_scores(1)
    scores.value[scores.is_signal] -= 50
    row = limit_row(scores, NORM, WorkingPoint(), Limits())
    assert row["status"] == "no limit"
    assert "no signal" in row["reason"]


def test_limit_outside_any_bracket_is_a_row_with_a_reason():
    # 10²⁰ background events known to 10%: no signal that double precision can tell apart
    row = limit_row(
        draw_scores(1, background_yield=1e20), NORM, WorkingPoint(background_events=1e19), Limits()
    )
    assert (row["status"], row["limit_za_fb"]) == ("no limit", None)
    assert "no signal up to 1e+15 events" in row["reason"]


def test_scores_survive_the_file(tmp_path):
    scores = draw_scores(1)
    write_scores(tmp_path / "scores.parquet", scores)
    found = read_scores(tmp_path / "scores.parquet")
    np.testing.assert_array_equal(found.value, scores.value)
    np.testing.assert_array_equal(found.kind, scores.kind)
    assert found.processes == ("qcd", "ttbar")


def test_scores_that_are_not_finite_are_an_error(tmp_path):
    scores = draw_scores(1)
    scores.value[3] = np.nan
    write_scores(tmp_path / "scores.parquet", scores)
    with pytest.raises(InputFileError, match="1 of 8000 values of log_odds"):
        read_scores(tmp_path / "scores.parquet")


@pytest.mark.parametrize("factor", [0.0, -1.0])
def test_empty_or_negative_process_is_an_error(tmp_path, factor):
    scores = draw_scores(1)
    scores.weight[scores.kind == 1] *= factor
    write_scores(tmp_path / "scores.parquet", scores)
    with pytest.raises(NormalisationError, match=r"holds .* of ttbar"):
        read_scores(tmp_path / "scores.parquet")


def test_missing_column_and_unreadable_file_are_errors(tmp_path):
    path = tmp_path / "scores.parquet"
    write_scores(path, draw_scores(1))
    pq.write_table(pq.read_table(path).drop_columns(["weight"]), path)
    with pytest.raises(InputFileError, match="weight"):
        read_scores(path)
    path.write_bytes(b"PAR1 cut short")
    with pytest.raises(InputFileError, match=r"scores\.parquet"):
        read_scores(path)


def test_table_is_sorted_and_independent_of_the_order_of_rows(tmp_path):
    rows = [
        {"network": n, "mass_gev": m, "seed": s, "limit_za_fb": 0.1 * s + 1 / 3, "reason": ""}
        for n in "ba"
        for m in (1000.0, 600.0)
        for s in (2, 1)
    ]
    write_csv(rows, tmp_path / "one.csv")
    write_csv(rows[::-1], tmp_path / "two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    found = read_csv(tmp_path / "one.csv")
    assert [(r["network"], r["mass_gev"], r["seed"]) for r in found[:3]] == [
        ("a", 600, 1),
        ("a", 600, 2),
        ("a", 1000, 1),
    ]


def test_summary_is_median_and_range_and_counts_what_has_no_limit():
    values = [0.3, 0.1, None, 0.2]
    rows = [
        {"network": "n", "mass_gev": 1000, "seed": k, "limit_za_fb": v, "threshold_method": "m"}
        for k, v in enumerate(values)
    ]
    (summary,) = summarise_seeds(rows, ["limit_za_fb"])
    assert (summary["seeds"], summary["valid"]) == (4, 3)
    assert summary["limit_za_fb_median"] == 0.2
    assert (summary["limit_za_fb_min"], summary["limit_za_fb_max"]) == (0.1, 0.3)
