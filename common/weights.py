"""Sums of weights: how many events a weighted sample is worth."""

import numpy as np
from numpy.typing import NDArray


def effective_number(
    weight: NDArray[np.float64], error: NDArray[np.float64] | None = None
) -> float:
    """Return n_eff = (Σw)² / Σw², zero for no events; rows of several events have their √Σw²."""
    squares = float(np.sum((weight if error is None else error) ** 2))
    return float(np.sum(weight)) ** 2 / squares if squares > 0 else 0.0
