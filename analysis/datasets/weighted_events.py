"""The events of a split with the weights of the loss, and with m_H for one network for all m_H."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from analysis.datasets.training_weights import TrainingWeights, Weighted
from common.columns import Columns


class EventSource(Protocol):
    """Events, or jets, of a split: `Selection` of datasets, or the jets of `top_tagging`.

    All that is read has at least `label` [N] and `weight` [N, C]; with masses, `dataset` [N] too.
    """

    @property
    def event_bytes(self) -> int: ...
    @property
    def blocks(self) -> np.ndarray: ...
    def __len__(self) -> int: ...
    def columns(self) -> Iterator[Columns]: ...
    def read(self, block: int) -> Columns: ...
    def all(self) -> Columns: ...


@dataclass(frozen=True)
class WeightedEvents:
    """One split whose `weight` is that of the loss, [N] float32.

    Attributes
    ----------
    source : EventSource
    dataset_masses : ndarray [D] or None
        m_H of each dataset [GeV], NaN for background; the events then have `mass` [N], too.
    weights : TrainingWeights
    """

    source: EventSource
    dataset_masses: NDArray[np.float64] | None
    weights: TrainingWeights

    @classmethod
    def fit(
        cls,
        source: EventSource,
        cap_quantile: float,
        masses: NDArray[np.float64] | None,
        classes: int = 2,
    ) -> Self:
        """Return the events with the weights that `TrainingWeights` fits to them.

        More than two `classes` have equal sums of weights.
        """

        def parts() -> Iterator[Weighted]:
            for columns in source.columns():
                yield kinds(columns, masses), columns["weight"][:, 0]

        signals = classes - 1 if masses is None else len(signal_masses(masses))
        weights = TrainingWeights.fit(parts, cap_quantile, signals, alike=classes > 2)
        return cls(source, masses, weights)

    def __len__(self) -> int:
        return len(self.source)

    def read(self, block: int) -> Columns:
        """Return the events of a block: their tensors, label, weight, and mass if there are any."""
        return self._weighted(self.source.read(block))

    def all(self) -> Columns:
        """Return all events, as `read` does for one block."""
        return self._weighted(self.source.all())

    @property
    def mean_weight(self) -> float:
        """Mean weight of the loss, from a pass over the events."""
        parts = map(self._weighted, self.source.columns())
        return float(sum(part["weight"].sum(dtype=np.float64) for part in parts)) / len(self)

    def _weighted(self, events: Columns) -> Columns:
        masses = self.dataset_masses
        weight = self.weights(kinds(events, masses), events["weight"][:, 0])
        mass = {} if masses is None else {"mass": masses[events["dataset"]]}
        return events | {"weight": weight, **mass}


def kinds(columns: Columns, masses: NDArray[np.float64] | None) -> NDArray[np.uint8]:
    """Return 0 for background and the number of its signal, from 1 and by mass, for signal."""
    if masses is None:
        return columns["label"]
    number = np.searchsorted(signal_masses(masses), masses, side="right")
    return np.where(np.isnan(masses), 0, number)[columns["dataset"]].astype(np.uint8)


def signal_masses(masses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distinct masses [GeV] in rising order, without NaN.

    Examples
    --------
    >>> signal_masses(np.array([1500.0, np.nan, 700.0])).tolist()
    [700.0, 1500.0]
    """
    return np.unique(masses[~np.isnan(masses)])
