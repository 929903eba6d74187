"""A few events that stand for many: weighted sampling by the events' own keys."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from common.hashing import uniform

STREAM = 7
"""Stream of random numbers of the keys, apart from those of splits and drawn tags."""


Drawn = tuple[NDArray[np.intp], NDArray[np.float64]]
Weighted = tuple[NDArray[np.uint64], NDArray[np.float64]]


def priority_sample(
    key: NDArray[np.uint64], weight: NDArray[np.float64], size: int, seed: int
) -> Drawn:
    """Return the events of a weighted sample, and their weights: see `streamed_sample`."""
    return streamed_sample([(key, weight)], size, seed)


def streamed_sample(parts: Iterable[Weighted], size: int, seed: int) -> Drawn:
    """Return the events of a weighted sample of all parts, and their weights.

    Priority sampling (Duffield, Lund, Thorup, J. ACM 54 (2007) 32): of priorities |w|/u, with u
    uniform in (0, 1), the `size` largest are kept; with τ the largest priority left out, each gets
    the weight max(|w|, τ). Every weighted sum over the sample estimates that over all events
    without bias; heavy events are kept for certain, light ones stand for many. Memory holds one
    part and what may be kept.

    Parameters
    ----------
    parts : iterable of (key [N] uint64, weight [N] float64)
        The keys give u. Negative weights keep their sign; events without weight are never taken.
    size : int
        Most events to keep.
    seed : int

    Returns
    -------
    rows : [M ≤ size] int
        In increasing order, counted over all parts.
    weight : [M] float64
    """
    rows, weights, priorities = np.empty(0, np.intp), np.empty(0), np.empty(0)
    first = 0
    for key, weight in parts:
        new = np.flatnonzero(weight)
        priority = np.abs(weight[new]) / (1 - uniform(key[new], seed, STREAM))
        rows = np.concatenate([rows, first + new])
        weights = np.concatenate([weights, weight[new]])
        priorities = np.concatenate([priorities, priority])
        best = np.sort(np.argsort(-priorities, kind="stable")[: size + 1])
        rows, weights, priorities = rows[best], weights[best], priorities[best]
        first += len(weight)
    if len(rows) <= size:
        return rows, weights
    order = np.argsort(-priorities, kind="stable")
    kept = np.sort(order[:size])
    threshold = priorities[order[size]]
    return rows[kept], np.sign(weights[kept]) * np.maximum(np.abs(weights[kept]), threshold)
