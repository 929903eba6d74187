"""The ROC curve of each network over its trainings: median, range, quoted points."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.evaluation.metrics import CURVE_GRID, SIGNAL_EFFICIENCIES
from analysis.figures.roc import RocBand
from common.tables import over_seeds

Metrics = dict[str, Any]
"""What rule metrics writes: `metrics`, the row of the table, and `rejection`, the curve."""


def by_name(contents: Sequence[Metrics], key: str) -> dict[str, list[Metrics]]:
    """Return the trainings of each network (or whatever `key` names)."""
    groups: dict[str, list[Metrics]] = {}
    for content in contents:
        groups.setdefault(content["metrics"][key], []).append(content)
    return groups


def band(
    name: str,
    colour: str,
    members: Sequence[Metrics],
    signal_efficiencies: Sequence[float] = SIGNAL_EFFICIENCIES,
) -> RocBand:
    """Return median and range over the trainings of a network.

    Where another number of trainings has a curve, the median jumps: there it is left out.
    """
    values = np.array([m["rejection"] for m in members], dtype=np.float64)
    curves = over_seeds(list(values))
    number = np.isfinite(values).sum(axis=0)
    curves.median[1:][(np.diff(number) != 0) & (number[:-1] > 0)] = np.nan
    auc = float(over_seeds([m["metrics"]["auc"] for m in members]).median)
    label, points = name.replace("_", " "), _points(members, signal_efficiencies)
    return RocBand(label, colour, CURVE_GRID, *curves, points, auc)


def _points(members: Sequence[Metrics], signal_efficiencies: Sequence[float]) -> np.ndarray:
    """Median rejection over seeds at each quoted ε_S, with the median of its errors.

    A training counts as far as its curve goes.
    """
    points = []
    for efficiency in signal_efficiencies:
        name = f"rejection_{100 * efficiency:.0f}"
        index = int(np.argmin(np.abs(CURVE_GRID - efficiency)))
        resolved = [m["metrics"] for m in members if m["rejection"][index] is not None]
        values = [(row[name], row[f"{name}_error"]) for row in resolved]
        if values:
            points.append([efficiency, *over_seeds(values).median])
    return np.array(points).reshape(-1, 3)
