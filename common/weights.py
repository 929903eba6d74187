"""How many events a weighted sample is worth."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def effective_number(weight: NDArray[np.float64]) -> float:
    """Return n_eff = (Σw)² / Σw² of events with weights [N]; zero for none.

    Examples
    --------
    >>> effective_number(np.array([3.0, 1.0]))
    1.6
    """
    return float(effective_number_of_sums(np.sum(weight), np.sum(weight**2)))


def effective_number_of_sums(sum_w: ArrayLike, sum_w2: ArrayLike) -> NDArray[np.float64]:
    """Return (Σw)² / Σw² of sums of any shape; zero where Σw² is zero.

    Examples
    --------
    >>> float(effective_number_of_sums(3.0 + 1.0, 3.0**2 + 1.0**2))
    1.6
    """
    total, squares = np.asarray(sum_w, np.float64), np.asarray(sum_w2, np.float64)
    return np.where(squares > 0, total**2 / np.where(squares > 0, squares, 1.0), 0.0)
