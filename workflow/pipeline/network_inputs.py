"""From the datasets of the physics to the inputs of the networks, which do not know each other."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from analysis.datasets.dataset import TENSORS, Dataset
from analysis.datasets.training_weights import TrainingWeights, Weighted
from common.columns import Columns
from models.config.specs import Features
from models.networks.batch import Events, Sample
from models.networks.hypotheses import Hypotheses
from models.training.data import Source
from models.training.stream import Stream


class Side(Protocol):
    """Events, or jets, on one side of a fold: `Selection` of datasets, `Jets` of jets.py.

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


def sources(
    selections: Sequence[Side],
    cap_quantile: float,
    memory_mb: float,
    masses: np.ndarray | None = None,
    classes: int = 2,
) -> list[Source]:
    """Return sides of a fold with the weights of the loss.

    They are read into memory if `memory_mb` [MB] is enough for all of them together, else read
    from their files whenever they are needed; then that memory holds events to mix. For one
    network for all m_H, `masses` has m_H [GeV] of each dataset, NaN for background. More than two
    `classes` have equal sums of weights.
    """
    held = int(memory_mb * 1e6 / selections[0].event_bytes)
    fits = sum(len(selection) for selection in selections) <= held
    weighted = [Weighting.fit(selection, cap_quantile, masses, classes) for selection in selections]
    return [own.in_memory() if fits else own.streamed(held) for own in weighted]


@dataclass(frozen=True)
class Weighting:
    """One side with the weights of the loss.

    Attributes
    ----------
    selection : Side
    masses : ndarray [D] or None
        See `sources`.
    weights : TrainingWeights
    """

    selection: Side
    masses: np.ndarray | None
    weights: TrainingWeights

    @classmethod
    def fit(
        cls, selection: Side, cap_quantile: float, masses: np.ndarray | None, classes: int = 2
    ) -> Self:
        """Return what gives a side's events the weights of the loss."""

        def parts() -> Iterator[Weighted]:
            for columns in selection.columns():
                yield kinds(columns, masses), columns["weight"][:, 0]

        signals = classes - 1 if masses is None else len(_signal_masses(masses))
        weights = TrainingWeights.fit(parts, cap_quantile, signals, alike=classes > 2)
        return cls(selection, masses, weights)

    def columns(self, found: Columns) -> Columns:
        """Return label, weight of the loss, and mass where there are masses."""
        weight = self.weights(kinds(found, self.masses), found["weight"][:, 0])
        mass = {} if self.masses is None else {"mass": self.masses[found["dataset"]]}
        return {"label": found["label"], "weight": weight, **mass}

    def in_memory(self) -> Sample:
        """Return all events, read once."""
        found = self.selection.all()
        return Sample(Events({name: found[name] for name in TENSORS}), **self.columns(found))

    def streamed(self, held: int) -> Stream:
        """Return the events as a stream; a random order draws from `held` of them."""

        def read(block: int) -> Columns:
            found = self.selection.read(block)
            return {name: found[name] for name in TENSORS} | self.columns(found)

        total = sum(
            self.columns(part)["weight"].sum(dtype=np.float64) for part in self.selection.columns()
        )
        return Stream(
            read,
            self.selection.blocks[:, 0],
            len(self.selection),
            float(total) / len(self.selection),
            held,
            self._hypotheses(),
        )

    def _hypotheses(self) -> Hypotheses | None:
        if self.masses is None:
            return None
        masses = _signal_masses(self.masses)
        return Hypotheses(masses, np.full(len(masses), 1 / len(masses)))


def kinds(columns: Columns, masses: np.ndarray | None) -> np.ndarray:
    """Return 0 for background and the number of its signal, from 1 and by mass, for signal."""
    if masses is None:
        return columns["label"]
    number = np.searchsorted(_signal_masses(masses), masses, side="right")
    return np.where(np.isnan(masses), 0, number)[columns["dataset"]].astype(np.uint8)


def _signal_masses(masses: np.ndarray) -> np.ndarray:
    return np.unique(masses[~np.isnan(masses)])


def mass_of(dataset: Dataset) -> float:
    """Return m_H of a signal [GeV], NaN for a background."""
    return float(dataset.attributes["mass_gev"]) if dataset.is_signal else math.nan


def feature_names(dataset: Dataset) -> Features:
    """Return the names of the columns of a dataset, and of its classes."""
    kinds = {"constituents": "constituent", "subjets": "subjet", "kinematics": "kinematic"}
    names = {kind: tuple(dataset.attributes[f"{name}_features"]) for kind, name in kinds.items()}
    if "classes" in dataset.attributes:
        names["classes"] = tuple(dataset.attributes["classes"])
    return Features(**names)
