"""What the ROC figure draws of the trainings of a network."""

from typing import Any

import numpy as np

from analysis.evaluation.metrics import CURVE_GRID
from workflow.reporting.roc_bands import band


def training(rejection: float | None, ends_at: float) -> dict[str, Any]:
    row = {"auc": 0.9, "rejection_50": rejection, "rejection_50_error": 1.0}
    curve = [1 / e if e > ends_at - 1e-9 else None for e in CURVE_GRID]
    return {"metrics": row, "rejection": curve}


def test_quoted_points_are_drawn_as_far_as_the_curves_go() -> None:
    known, weak = training(10.0, 0.5), training(1000.0, 0.51)
    none = training(None, 0.9)
    assert np.array_equal(band("mlp", "k", [known, weak, none], [0.5]).points, [[0.5, 10.0, 1.0]])
    assert len(band("mlp", "k", [weak, none], [0.5]).points) == 0


def test_the_line_breaks_where_a_training_ends() -> None:
    first, second = training(10.0, 0.3), training(10.0, 0.6)
    second["rejection"] = [None if x is None else 2 * x for x in second["rejection"]]
    median = band("mlp", "k", [first, second], [0.5]).median
    at = {e: float(median[np.argmin(np.abs(CURVE_GRID - e))]) for e in (0.45, 0.59, 0.6, 0.75)}
    assert np.isnan(at[0.6])
    assert at[0.45] == 1 / 0.45
    assert np.isclose(at[0.59], 1 / 0.59)
    assert np.isclose(at[0.75], 1.5 / 0.75)
