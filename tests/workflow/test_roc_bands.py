"""What the ROC figure draws of the trainings of a network."""

from typing import Any

import numpy as np

from analysis.metrics import CURVE_GRID, FEWEST_BEHIND
from workflow.roc_bands import band


def training(rejection: float | None, n_eff: float) -> dict[str, Any]:
    row = {"rejection_50": rejection, "rejection_50_error": 1.0, "rejection_50_n_eff": n_eff}
    return {"metrics": {"auc": 0.9} | row, "rejection": [None] * len(CURVE_GRID)}


def test_quoted_points_are_drawn_as_far_as_the_curves_go() -> None:
    known, weak = training(10.0, FEWEST_BEHIND), training(1000.0, FEWEST_BEHIND - 0.1)
    none = training(None, 0.0)
    assert np.array_equal(band("mlp", "k", [known, weak, none], [0.5]).points, [[0.5, 10.0, 1.0]])
    assert len(band("mlp", "k", [weak, none], [0.5]).points) == 0
