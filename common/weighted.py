"""Weighted events: one type for all that is counted, summed or fitted with weights.

As long as there are few, every event is a row. Of more, events of one kind whose values agree to a
resolution share a row that keeps what sums need: Σw, √Σw² and their number. The resolution is the
finest power of two that leaves few enough rows, so that it depends on the events alone and not on
the order in which they come. Where events are sparse, as in a tail, each keeps a row of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from common.weights import effective_number_of_sums

SIGNAL = -1
"""The kind of signal; 0, 1, … are the background processes."""
ROWS = 1 << 18
"""Events up to which every one has its own row, and most rows of more."""

_FINEST = 30  # binary digits behind the point from which the resolution is sought downwards
_COLUMNS = ("value", "weight", "error", "count", "kind", "shared", "assumed")


@dataclass(frozen=True)
class WeightedSample:
    """Rows of weighted events, signal and background.

    Attributes
    ----------
    value : NDArray, [M]
        What is cut on, say a score or its log-odds; of several events their mean.
    weight, error : NDArray, [M]
        Σw and √Σw² of the row's events; of one event w and |w|.
    count : NDArray of int, [M]
        Their number.
    kind : NDArray of int, [M]
        `SIGNAL`, or an index into `processes`.
    shared : NDArray, [M]
        Statistical error that a row shares with all others of its process: such errors add up
        linearly.
    assumed : NDArray, [M]
        Error of an assumption, shared in the same way: more events do not make it smaller.
    processes : tuple of str
        Names of the background processes.
    mixed_above : float
        Value above which rows of background stand for mixed events; infinity for none.

    Examples
    --------
    >>> sample = WeightedSample.of_classes(
    ...     np.array([2.0, 1.0, 0.0]), np.array([1.0, 3.0, 1.0]), np.array([True, False, False])
    ... )
    >>> sample.background.total, sample.background.n_eff, sample.above(1.0).raw
    (4.0, 1.6, 2)
    """

    value: NDArray[np.float64]
    weight: NDArray[np.float64]
    error: NDArray[np.float64]
    count: NDArray[np.int64]
    kind: NDArray[np.int64]
    shared: NDArray[np.float64]
    assumed: NDArray[np.float64]
    processes: tuple[str, ...] = ("background",)
    mixed_above: float = np.inf

    @classmethod
    def of_events(
        cls,
        value: NDArray[np.float64],
        weight: NDArray[np.float64],
        kind: NDArray[np.integer],
        processes: tuple[str, ...] = ("background",),
    ) -> Self:
        """Return a row for each of N events."""
        ones, none = np.ones(len(value), np.int64), np.zeros(len(value))
        kinds = kind.astype(np.int64)
        return cls(value, weight, np.abs(weight), ones, kinds, none, none, processes)

    @classmethod
    def of_classes(
        cls, value: NDArray[np.float64], weight: NDArray[np.float64], signal: NDArray
    ) -> Self:
        """Return a row for each of N events that are signal (true or 1) or background."""
        return cls.of_events(value, weight, np.where(signal, SIGNAL, 0))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of all parts, which name the same processes; at least one part."""
        columns = {n: np.concatenate([getattr(part, n) for part in parts]) for n in _COLUMNS}
        start = min(part.mixed_above for part in parts)
        return cls(**columns, processes=parts[0].processes, mixed_above=start)

    def __len__(self) -> int:
        return len(self.value)

    @property
    def is_signal(self) -> NDArray[np.bool_]:
        """Whether a row is signal, [M]."""
        return self.kind == SIGNAL

    @property
    def signal(self) -> Self:
        """The signal alone."""
        return self.select(self.is_signal)

    @property
    def background(self) -> Self:
        """The background alone."""
        return self.select(~self.is_signal)

    @property
    def total(self) -> float:
        """Σw, the yield."""
        return float(self.weight.sum())

    @property
    def total_error(self) -> float:
        """√Σw², the statistical error of the yield."""
        return float(np.sqrt(np.sum(self.error**2)))

    @property
    def shared_error(self) -> float:
        """What the rows of each process share of the error of the yield, processes apart."""
        return self._linear(self.shared)

    @property
    def assumed_error(self) -> float:
        """The same of the error of assumptions."""
        return self._linear(self.assumed)

    def _linear(self, error: NDArray[np.float64]) -> float:
        backgrounds = self.kind != SIGNAL
        sums = np.bincount(self.kind[backgrounds], error[backgrounds])
        return float(np.sqrt(np.sum(sums**2)))

    @property
    def raw(self) -> int:
        """Number of events."""
        return int(self.count.sum())

    @property
    def n_eff(self) -> float:
        """Effective number of events, (Σw)² / Σw²; zero for none."""
        return float(effective_number_of_sums(self.weight.sum(), np.sum(self.error**2)))

    def above(self, threshold: float) -> Self:
        """Return the rows whose value is at least `threshold`."""
        return self.select(self.value >= threshold)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Self:
        """Return the rows of a mask, of a list of numbers or of a slice."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    def of_process(self, name: str) -> Self:
        """Return the rows of one process."""
        return self.select(self.kind == self.processes.index(name))

    def hardest_resolved(self, n_eff: float) -> float | None:
        """Return the highest value above which there are that many effective events, if any.

        Examples
        --------
        >>> WeightedSample.of_classes(np.arange(9.0), np.ones(9), np.zeros(9)).hardest_resolved(4.0)
        5.0
        """
        ordered = self.falling()
        total = np.maximum(np.cumsum(ordered.weight), 0)
        effective = effective_number_of_sums(total, np.cumsum(ordered.error**2))
        resolved = np.flatnonzero(effective >= n_eff)
        return float(ordered.value[resolved[0]]) if len(resolved) else None

    def falling(self) -> Self:
        """Return the rows by falling value; equal values stay in their order."""
        return self.select(np.argsort(-self.value, kind="stable"))

    def scaled(self, factor: float | NDArray[np.float64]) -> Self:
        """Return the rows with `factor` (one for all, or [M]) times their weight."""
        size = np.abs(factor)
        errors = {name: getattr(self, name) * size for name in ("error", "shared", "assumed")}
        return replace(self, weight=self.weight * factor, **errors)

    def regrouped(self, processes: tuple[str, ...], index: NDArray[np.integer]) -> Self:
        """Return the rows with other kinds: of kind k, number `index[k]` of `processes`."""
        kind = np.where(self.is_signal, SIGNAL, index[np.maximum(self.kind, 0)])
        return replace(self, kind=kind.astype(np.int64), processes=processes)

    def naming(self, processes: tuple[str, ...]) -> Self:
        """Return the rows with other names of processes, in another order, its own among them."""
        return self.regrouped(processes, np.array([processes.index(n) for n in self.processes]))

    def counted(self) -> Self:
        """Return the rows with weight one for each event."""
        count = self.count.astype(np.float64)
        return replace(self, weight=count, error=np.sqrt(count))


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
        self._parts: list[WeightedSample] = []
        self._held = 0

    def add(self, events: WeightedSample) -> None:
        """Take more events, whose values must be finite."""
        for start in range(0, len(events), self.rows):
            self._parts.append(events.select(slice(start, start + self.rows)))
            self._held += len(self._parts[-1])
            if self._held > 2 * self.rows:
                self._condense()

    @property
    def resolution(self) -> float:
        """Largest distance of values that share a row so far."""
        return 0.0 if self._digits is None else float(np.ldexp(1.0, -self._digits))

    def result(self) -> WeightedSample:
        """Return the rows; one per event, in the order that they came in, if they are few."""
        if self._held > self.rows or self._digits is not None:
            self._condense()
        nothing = WeightedSample.of_classes(np.empty(0), np.empty(0), np.empty(0, bool))
        return WeightedSample.joined(self._parts or [nothing])

    def _condense(self) -> None:
        rows = WeightedSample.joined(self._parts)
        rows = rows.select(np.lexsort((rows.value, rows.weight < 0, rows.kind)))
        if not np.isfinite(rows.value).all():
            raise ValueError("values to condense must be finite")
        digits = _FINEST if self._digits is None else self._digits
        while len(starts := _starts(rows, digits)) > self.rows:
            digits -= 1
        self._digits, self._held = digits, len(starts)
        self._parts = [_summed(rows, starts)]


def _starts(rows: WeightedSample, digits: int) -> NDArray[np.intp]:
    """Return where sorted rows stop agreeing to `digits` binary digits behind the point."""
    cell = np.floor(np.ldexp(rows.value, digits))
    new = np.diff(cell) != 0
    new |= (np.diff(rows.kind) != 0) | np.diff(rows.weight < 0)
    return np.flatnonzero(np.concatenate([[True], new]))


def _summed(rows: WeightedSample, starts: NDArray[np.intp]) -> WeightedSample:
    """Return one row for the sorted rows from each of `starts` up to the next."""
    count = np.add.reduceat(rows.count, starts)
    mean = np.add.reduceat(rows.value * rows.count, starts) / count
    alone = np.diff(np.append(starts, len(rows))) == 1
    return replace(
        rows,
        value=np.where(alone, rows.value[starts], mean),
        weight=np.add.reduceat(rows.weight, starts),
        error=np.sqrt(np.add.reduceat(rows.error**2, starts)),
        count=count,
        kind=rows.kind[starts],
        shared=np.add.reduceat(rows.shared, starts),
        assumed=np.add.reduceat(rows.assumed, starts),
    )
