"""From the datasets of the physics to the inputs of the networks, which do not know each other."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from analysis.dataset import TENSORS, Dataset
from analysis.training_weights import TrainingWeights, Weighted
from common.columns import Columns
from models.batch import Events, Sample
from models.data import Source
from models.specs import Features
from models.stream import Stream


class Side(Protocol):
    """Events, or jets, on one side of a split: `analysis.dataset.Selection`, `workflow.jets.Jets`.

    All that is read has at least `label` [N] and `weight` [N, C].
    """

    @property
    def event_bytes(self) -> int: ...
    @property
    def blocks(self) -> np.ndarray: ...
    def __len__(self) -> int: ...
    def columns(self) -> Iterator[Columns]: ...
    def read(self, block: int) -> Columns: ...
    def all(self) -> Columns: ...


def sources(selections: Sequence[Side], cap_quantile: float, memory_mb: float) -> list[Source]:
    """Return sides of a split with the weights of the loss.

    They are read into memory if `memory_mb` [MB] is enough for all of them together, else read
    from their files whenever they are needed; then that memory holds events to mix.
    """
    held = int(memory_mb * 1e6 / selections[0].event_bytes)
    fits = sum(len(selection) for selection in selections) <= held
    return [
        in_memory(selection, cap_quantile) if fits else streamed(selection, cap_quantile, held)
        for selection in selections
    ]


def in_memory(selection: Side, cap_quantile: float) -> Sample:
    """Return all events, read once."""
    weights = fitted_weights(selection, cap_quantile)
    found = selection.all()
    weight = weights(found["label"], found["weight"][:, 0])
    return Sample(Events({name: found[name] for name in TENSORS}), found["label"], weight)


def streamed(selection: Side, cap_quantile: float, held: int) -> Stream:
    """Return the events as a stream; a random order draws from `held` of them."""
    weights = fitted_weights(selection, cap_quantile)

    def read(block: int) -> Columns:
        found = selection.read(block)
        tensors = {name: found[name] for name in (*TENSORS, "label")}
        return tensors | {"weight": weights(found["label"], found["weight"][:, 0])}

    total = sum(weights(*part).sum(dtype=np.float64) for part in weighted_labels(selection))
    strata = selection.blocks[:, 0]
    return Stream(read, strata, len(selection), float(total) / len(selection), held)


def fitted_weights(selection: Side, cap_quantile: float) -> TrainingWeights:
    """Return what gives a side's events the weights of the loss."""
    return TrainingWeights.fit(lambda: weighted_labels(selection), cap_quantile)


def weighted_labels(selection: Side) -> Iterator[Weighted]:
    """Yield labels and physical weights in the default tag category, many at a time."""
    for columns in selection.columns():
        yield columns["label"], columns["weight"][:, 0]


def feature_names(dataset: Dataset) -> Features:
    """Return the names of the columns of a dataset."""
    kinds = {"constituents": "constituent", "subjets": "subjet", "kinematics": "kinematic"}
    return Features(
        **{kind: tuple(dataset.attributes[f"{name}_features"]) for kind, name in kinds.items()}
    )
