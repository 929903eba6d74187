"""The weights of the loss, from events that need not fit into memory."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from analysis.errors import EmptySampleError

Weighted = tuple[NDArray[np.uint8], NDArray[np.float64]]
"""Labels and physical weights of some events, [N] each."""

_DIGIT = 16  # bits


class TrainingWeights(NamedTuple):
    """Turns physical weights into those of the loss: mean one, signal and background equal sums.

    Within the background the absolute physical weights are capped at a quantile, so that no
    event dominates a batch; within the signal they are used as they are. Negative weights (NLO
    generators) count with their size.

    Attributes
    ----------
    cap : float
        Largest absolute weight of a background event.
    sums : tuple of float
        Of absolute, capped weights: background, signal.
    events : int
        Number of events.
    """

    cap: float
    sums: tuple[float, float]
    events: int

    @classmethod
    def fit(cls, parts: Callable[[], Iterable[Weighted]], cap_quantile: float) -> Self:
        """Return the weights of all events that `parts()` gives, part by part.

        It is asked for them several times; memory holds one part at a time.

        Raises
        ------
        EmptySampleError
            If there is no signal or no background with weight.
        """

        def background() -> Iterator[NDArray[np.float64]]:
            for label, weight in parts():
                size = np.abs(weight[label == 0])
                yield size[size > 0]

        cap = streamed_quantile(background, cap_quantile)
        events, sums = 0, ([0.0], [0.0])
        for label, weight in parts():
            events += len(label)
            for kind, values in enumerate(_by_class(label, weight, cap)):
                sums[kind].append(float(values.sum()))
        totals = math.fsum(sums[0]), math.fsum(sums[1])
        for total, name in zip(totals, ("background", "signal"), strict=True):
            if not total > 0:
                raise EmptySampleError(
                    f"no {name} event is left for training: provide more events or loosen the "
                    "selection"
                )
        return cls(cap, totals, events)

    def __call__(
        self, label: NDArray[np.uint8], weight: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return the weights of the loss [N] of some of the events."""
        result = np.empty(len(label))
        for kind, values in enumerate(_by_class(label, weight, self.cap)):
            result[label == kind] = values / self.sums[kind] * self.events / 2
        return result.astype(np.float32)


def _by_class(
    label: NDArray[np.uint8], weight: NDArray[np.float64], cap: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    size = np.abs(weight)
    return np.minimum(size[label == 0], cap), size[label == 1]


def streamed_quantile(parts: Callable[[], Iterable[NDArray[np.float64]]], quantile: float) -> float:
    """Return what `np.quantile` gives for all values together, which must be positive.

    Exact, whatever the number of values: the bits of positive floating-point numbers are ordered
    as the numbers are, so that counting leading digits finds the value of any rank in four passes.
    Zero if there are no values.
    """
    count = sum(len(values) for values in parts())
    if not count:
        return 0.0
    place = quantile * (count - 1)
    ranks = math.floor(place), math.ceil(place)
    ends = [_of_rank(parts, rank) for rank in ranks]
    return float(np.quantile(ends, place - ranks[0]))


def _of_rank(parts: Callable[[], Iterable[NDArray[np.float64]]], rank: int) -> float:
    """Return the value with `rank` smaller ones before it in their order."""
    leading = 0
    for shift in range(64 - _DIGIT, -1, -_DIGIT):
        counts = np.zeros(1 << _DIGIT, np.int64)
        for values in parts():
            bits = np.ascontiguousarray(values, np.float64).view(np.uint64) >> np.uint64(shift)
            digits = bits[bits >> np.uint64(_DIGIT) == leading] & np.uint64((1 << _DIGIT) - 1)
            counts += np.bincount(digits.astype(np.int64), minlength=len(counts))
        below = np.cumsum(counts)
        digit = int(np.searchsorted(below, rank, side="right"))
        rank -= int(below[digit - 1]) if digit else 0
        leading = leading << _DIGIT | digit
    return float(np.uint64(leading).view(np.float64))


def training_weights(
    label: NDArray[np.uint8], weight: NDArray[np.float64], cap_quantile: float
) -> NDArray[np.float32]:
    """Return the weights of the loss [N] of events that are all in memory."""
    return TrainingWeights.fit(lambda: [(label, weight)], cap_quantile)(label, weight)
