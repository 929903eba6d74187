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
