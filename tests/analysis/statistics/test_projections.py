import numpy as np
import pytest

from analysis.config.statistics import Limits, WorkingPoint
from analysis.statistics.limits import Normalisation, limit_row
from analysis.statistics.projections import luminosity_rows, sample_size_rows, worthwhile_size
from tests.analysis.score_samples import draw_scores

NORM, POINT, LIMITS = Normalisation(3000.0, 0.582), WorkingPoint(), Limits()


def test_limits_fall_with_luminosity_and_agree_at_the_run_s_own():
    scores = draw_scores(1, n=20_000)
    rows = luminosity_rows(scores, NORM, POINT, LIMITS)
    limits = [row["limit_za_fb"] for row in rows]
    assert (np.diff(limits) < 0).all()
    own = limit_row(scores, NORM, POINT, LIMITS)["limit_za_fb"]
    assert limits[LIMITS.projection_luminosities.index(3000.0)] == pytest.approx(own)


@pytest.mark.parametrize("background", [5e3, 1e5])
def test_limits_fall_with_the_sample_size_towards_that_without_its_errors(background):
    rows = sample_size_rows(draw_scores(1, background_yield=background), NORM, POINT, LIMITS)
    limits = [row["limit_za_fb"] for row in rows]
    assert (np.diff(limits) < 0).all()
    assert rows[-1]["sigma_b"] == pytest.approx(0.1 * rows[-1]["b_expected"], rel=0.5)
    size = worthwhile_size(rows)
    assert limits[[row["value"] for row in rows].index(size)] <= 1.05 * limits[-1]


def test_impossible_projections_are_rows_with_a_reason():
    scores = draw_scores(1, background_yield=5.0)
    for rows in (
        luminosity_rows(scores, NORM, POINT, Limits(projection_luminosities=(139.0, 3000.0))),
        sample_size_rows(scores, NORM, POINT, LIMITS),
    ):
        assert {row["status"] for row in rows} == {"no limit"}
        assert all(row["reason"] and row["limit_za_fb"] is None for row in rows)
    assert worthwhile_size(rows) is None
