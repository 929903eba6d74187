"""Weighted values of any number of events in a fixed amount of memory.

As long as there are few, every event is a row. Of more, events of one kind whose values agree to a
resolution share a row that keeps what sums need: Σw, √Σw² and their number. The resolution is the
finest power of two that leaves few enough rows, so that it depends on the events alone and not on
the order in which they come. Where events are sparse, as in a tail, each keeps a row of its own.
"""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

ROWS = 1 << 18
"""Events up to which every one has its own row, and most rows of more."""

_FINEST = 30  # binary digits behind the point from which the resolution is sought downwards


class Condensed(NamedTuple):
    """Rows of events.

    Attributes
    ----------
    value : NDArray, [M]
        Of one event, or the mean of several.
    kind : NDArray of int, [M]
        What the events of a row have in common.
    weight, error : NDArray, [M]
        Σw and √Σw²; of one event w and |w|.
    events : NDArray of int, [M]
        Their number.
    """

    value: NDArray[np.float64]
    kind: NDArray[np.int64]
    weight: NDArray[np.float64]
    error: NDArray[np.float64]
    events: NDArray[np.int64]

    @classmethod
    def of_events(
        cls, value: NDArray[np.float64], kind: NDArray[np.integer], weight: NDArray[np.float64]
    ) -> Self:
        """Return a row for each of N events."""
        ones = np.ones(len(value), np.int64)
        return cls(value, kind.astype(np.int64), weight, np.abs(weight), ones)

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """Return the rows of all parts."""
        columns: Any = map(np.concatenate, zip(*parts, strict=True))
        return cls(*columns)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        """Return some of the rows."""
        columns: Any = (column[rows] for column in self)
        return type(self)(*columns)

    def sorted(self) -> Self:
        """Return the rows by kind, sign of the weight and value."""
        return self.select(np.lexsort((self.value, self.weight < 0, self.kind)))

    def starts(self, digits: int) -> NDArray[np.intp]:
        """Return where sorted rows stop agreeing to `digits` binary digits behind the point."""
        cell = np.floor(np.ldexp(self.value, digits))
        new = np.diff(cell) != 0
        new |= (np.diff(self.kind) != 0) | np.diff(self.weight < 0)
        return np.flatnonzero(np.concatenate([[True], new]))

    def summed(self, starts: NDArray[np.intp]) -> Self:
        """Return one row for the sorted rows from each of `starts` up to the next."""
        events = np.add.reduceat(self.events, starts)
        mean = np.add.reduceat(self.value * self.events, starts) / events
        alone = np.diff(np.append(starts, len(self.value))) == 1
        return type(self)(
            np.where(alone, self.value[starts], mean),
            self.kind[starts],
            np.add.reduceat(self.weight, starts),
            np.sqrt(np.add.reduceat(self.error**2, starts)),
            events,
        )


class Condenser:
    """Takes events as they come and holds at most twice `rows` rows.

    Parameters
    ----------
    rows : int
        See `ROWS`.
    """

    def __init__(self, rows: int = ROWS) -> None:
        self.rows = rows
        self._digits: int | None = None
        self._parts: list[Condensed] = []
        self._held = 0

    def add(
        self, value: NDArray[np.float64], kind: NDArray[np.integer], weight: NDArray[np.float64]
    ) -> None:
        """Take N more events: their values, which must be finite, kinds and weights, [N] each."""
        for start in range(0, len(value), self.rows):
            part = slice(start, start + self.rows)
            self._parts.append(Condensed.of_events(value[part], kind[part], weight[part]))
            self._held += len(self._parts[-1].value)
            if self._held > 2 * self.rows:
                self._condense()

    @property
    def resolution(self) -> float:
        """Largest distance of values that share a row so far."""
        return 0.0 if self._digits is None else float(np.ldexp(1.0, -self._digits))

    def result(self) -> Condensed:
        """Return the rows; one per event, in the order that they came in, if they are few."""
        if self._held > self.rows or self._digits is not None:
            self._condense()
        nothing = Condensed.of_events(np.empty(0), np.empty(0, int), np.empty(0))
        return Condensed.joined([nothing, *self._parts])

    def _condense(self) -> None:
        rows = Condensed.joined(self._parts).sorted()
        if not np.isfinite(rows.value).all():
            raise ValueError("values to condense must be finite")
        digits = _FINEST if self._digits is None else self._digits
        while len(starts := rows.starts(digits)) > self.rows:
            digits -= 1
        self._digits, self._held = digits, len(starts)
        self._parts = [rows.summed(starts)]
