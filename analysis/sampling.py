"""A few events that stand for many: weighted sampling by the events' own keys."""

import numpy as np
from numpy.typing import NDArray

from analysis.hashing import uniform

STREAM = 7
"""Stream of random numbers of the keys, apart from those of splits and drawn tags."""


def priority_sample(
    key: NDArray[np.uint64], weight: NDArray[np.float64], size: int, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the events of a weighted sample, and their weights.

    Priority sampling (Duffield, Lund, Thorup, J. ACM 54 (2007) 32): of priorities |w|/u, with u
    uniform in (0, 1), the `size` largest are kept; with τ the largest priority left out, each gets
    the weight max(|w|, τ). Every weighted sum over the sample estimates that over all events
    without bias; heavy events are kept for certain, light ones stand for many.

    Parameters
    ----------
    key : [N] uint64
        Keys of the events; they give u.
    weight : [N] float64
        Negative ones keep their sign; events without weight are never taken.
    size : int
        Most events to keep.
    seed : int

    Returns
    -------
    rows : [M ≤ size] int
        In increasing order.
    weight : [M] float64
    """
    rows = np.flatnonzero(weight)
    if len(rows) <= size:
        return rows, weight[rows]
    priority = np.abs(weight[rows]) / (1 - uniform(key[rows], seed, STREAM))
    order = np.argsort(-priority, kind="stable")
    kept = np.sort(rows[order[:size]])
    threshold = priority[order[size]]
    return kept, np.sign(weight[kept]) * np.maximum(np.abs(weight[kept]), threshold)
