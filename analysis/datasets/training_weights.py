"""The weights of the loss, from events that need not fit into memory."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from common.errors import EmptySampleError

Weighted = tuple[NDArray[np.uint8], NDArray[np.float64]]
"""Kinds and physical weights of some events, [N] each: 0 is background, 1, 2, … the signals."""

_DIGIT = 16  # bits


class TrainingWeights(NamedTuple):
    """Turns physical weights into those of the loss: mean one, signal and background equal sums.

    Several signals share theirs equally, or as `shares` says.

    Within the background the absolute physical weights are capped at a quantile, so that no
    event dominates a batch; within the signal they are used as they are. Negative weights (NLO
    generators) count with their size.

    Attributes
    ----------
    cap : float
        Largest absolute weight of a background event.
    sums : tuple of float
        Of absolute, capped weights: background, signals.
    events : int
        Number of events.
    shares : tuple of float
        Of the sum of weights of the loss: background, signals.
    """

    cap: float
    sums: tuple[float, ...]
    events: int
    shares: tuple[float, ...]

    @classmethod
    def fit(
        cls,
        parts: Callable[[], Iterable[Weighted]],
        cap_quantile: float,
        signals: int = 1,
        alike: bool = False,
    ) -> Self:
        """Return the weights of all events that `parts()` gives, part by part.

        It is asked for them several times; memory holds one part at a time. With `alike` each
        signal has the share of the background: the classes of a network of several.

        Raises
        ------
        EmptySampleError
            If background or one of the `signals` has no event with weight.
        """

        def background() -> Iterator[NDArray[np.float64]]:
            for kind, weight in parts():
                size = np.abs(weight[kind == 0])
                yield size[size > 0]

        cap = streamed_quantile(background, cap_quantile)
        events, sums = 0, [[0.0] for _ in range(1 + signals)]
        for kind, weight in parts():
            events += len(kind)
            capped = np.bincount(kind, _capped(kind, weight, cap), 1 + signals)
            for parts_of_kind, value in zip(sums, capped.tolist(), strict=True):
                parts_of_kind.append(value)
        totals = tuple(map(math.fsum, sums))
        for number, total in enumerate(totals):
            if not total > 0:
                raise EmptySampleError(
                    f"no {'signal' if number else 'background'} event is left for training: "
                    "provide more events or loosen the selection"
                )
        shares = [1 / (1 + signals)] * (1 + signals) if alike else [0.5, *[0.5 / signals] * signals]
        return cls(cap, totals, events, tuple(shares))

    def __call__(self, kind: NDArray[np.uint8], weight: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the weights of the loss [N] of some of the events."""
        scale = self.events * np.array(self.shares) / np.array(self.sums)
        return (_capped(kind, weight, self.cap) * scale[kind]).astype(np.float32)


def _capped(
    kind: NDArray[np.uint8], weight: NDArray[np.float64], cap: float
) -> NDArray[np.float64]:
    size = np.abs(weight)
    return np.where(kind == 0, np.minimum(size, cap), size)


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
