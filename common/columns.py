"""Columns: arrays of equal length by name, and cutting a stream of them anew."""

from collections.abc import Iterable, Iterator

import numpy as np

Columns = dict[str, np.ndarray]


def resized(parts: Iterable[Columns], size: int, first: int | None = None) -> Iterator[Columns]:
    """Yield the rows of all parts in their order, `size` at a time; the last time what is left.

    Memory holds one part and what is yielded.

    Parameters
    ----------
    parts : iterable of Columns
        All with the same names, types and trailing shapes, of any length.
    size : int
        Rows of each yield.
    first : int, optional
        Rows of the first one, if another number.
    """
    wanted, filled = size if first is None else first, 0
    block: Columns = {}
    for part in parts:
        length, start = len(next(iter(part.values()))), 0
        while start < length:
            if not filled:
                block = {n: np.empty((wanted, *a.shape[1:]), a.dtype) for n, a in part.items()}
            stop = min(length, start + wanted - filled)
            for name, array in part.items():
                block[name][filled : filled + stop - start] = array[start:stop]
            filled, start = filled + stop - start, stop
            if filled == wanted:
                yield block
                wanted, filled = size, 0
    if filled:
        yield {name: array[:filled] for name, array in block.items()}
