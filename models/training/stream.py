"""Labelled events that need not fit into memory: read in blocks, mixed while they pass by."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from common.columns import Columns, resized
from models.networks.hypotheses import Hypotheses


@dataclass(frozen=True)
class Stream:
    """Events on disk, in blocks that are read when their turn comes.

    It stands for a `models.networks.batch.Sample` wherever one is trained on or validated with, and
    holds nothing of any event.

    Attributes
    ----------
    read : callable
        From a block's number to its events: the arrays of `Batch` by name, `label` (1 for signal,
        0 for background) and `weight`, the training weights. A block may be empty.
    strata : ndarray [K] int
        What each block belongs to; blocks of one stratum (a file) are alike.
    length : int
        Events of all blocks.
    mean_weight : float
        Mean of their training weights.
    held : int
        Events in memory from which a random order draws; the more, the better it mixes.
    hypotheses : Hypotheses, optional
        For one network for all m_H: what background events draw from; `read` then gives `mass`
        too, m_H of signal events in GeV and NaN for background.
    """

    read: Callable[[int], Columns]
    strata: np.ndarray
    length: int
    mean_weight: float
    held: int
    hypotheses: Hypotheses | None = None

    def __len__(self) -> int:
        return self.length

    def batches(self, size: int, rng: np.random.Generator, shuffle: bool) -> Iterator[Columns]:
        """Yield all events once, `size` at a time, in the order of the blocks or a random one."""
        if not shuffle:
            return resized(map(self.read, range(len(self.strata))), size)
        parts = map(self.read, interleaved(self.strata, rng))
        return mixed(parts, self.length, max(self.held, size), size, rng)


def interleaved(strata: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the numbers of all blocks in a random order that spreads every stratum evenly.

    So any stretch of successive blocks, and what is held of them, has nearly the composition of
    the whole: each batch sees signal and backgrounds in their proportions.
    """
    position = np.empty(len(strata))
    for stratum in np.unique(strata):
        own = np.flatnonzero(strata == stratum)
        position[own] = (rng.permutation(len(own)) + rng.random()) / len(own)
    return np.argsort(position, kind="stable")


def mixed(
    parts: Iterable[Columns], length: int, held: int, size: int, rng: np.random.Generator
) -> Iterator[Columns]:
    """Yield the rows of all parts once, in random order, `size` at a time.

    Each batch is drawn from a pool of rows in memory and replaced by the next rows of the parts.

    Parameters
    ----------
    parts : iterable of Columns
        Not in memory together.
    length : int
        Their rows.
    held : int
        Rows in the pool, at least `size`; up to `size` − 1 more, so that only the last batch is
        short.
    size : int
    rng : Generator
    """
    pooled = held + (length - held) % size if held < length else length
    stream = resized(parts, size, first=pooled)
    pool = next(stream, {})
    for part in stream:
        rows = rng.choice(pooled, size, replace=False)
        yield {name: array[rows] for name, array in pool.items()}
        for name, array in pool.items():
            array[rows] = part[name]
    order = rng.permutation(pooled)
    for start in range(0, pooled, size):
        rows = order[start : start + size]
        yield {name: array[rows] for name, array in pool.items()}
