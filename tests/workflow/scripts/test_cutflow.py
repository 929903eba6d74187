"""The N−1 table: what each cut removes of the events that pass all others."""

import pytest

from analysis.datasets.normalisation import Normalisation
from analysis.reconstruction.cutflow import Step
from workflow.scripts.cutflow import n_minus_one_rows


def counted(others: Step) -> dict[str, float]:
    steps = (Step("generated", 100, 100.0, 100.0), Step("mass", 16, 16.0, 16.0))
    found = Normalisation("qcd", 1.0, 0.0, 0.5, steps, (), n_minus_one=(others,))
    (row,) = n_minus_one_rows(found, "qcd", 10.0)
    return row


def test_efficiency_is_that_of_the_cut_alone_with_a_binomial_error() -> None:
    row = counted(Step("eta", 20, 20.0, 20.0))
    assert (row["sample"], row["cut"], row["raw"], row["raw_passing"]) == ("qcd", "eta", 20, 16)
    assert row["events"] == pytest.approx(100)
    assert row["efficiency"] == pytest.approx(0.8)
    assert row["efficiency_error"] == pytest.approx((0.8 * 0.2 / 20) ** 0.5)


def test_no_event_gives_no_efficiency() -> None:
    row = counted(Step("eta", 0, 0.0, 0.0))
    assert row["efficiency"] != row["efficiency"]
    assert row["efficiency_error"] is None
