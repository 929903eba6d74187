"""From the datasets of the physics to the inputs of the networks, which do not know each other."""

import math
from collections.abc import Sequence

import numpy as np

from analysis.datasets.dataset import OBJECTS, TENSORS, Dataset
from analysis.datasets.weighted_events import EventSource, WeightedEvents, signal_masses
from common.columns import Columns
from models.config.blocks import Capabilities
from models.config.specs import Features
from models.networks.batch import Events, Sample
from models.networks.hypotheses import Hypotheses
from models.training.data import Source
from models.training.stream import Stream


def tensors_of(spec: Capabilities) -> tuple[str, ...]:
    """Return the names of the tensors that a network takes."""
    return (*TENSORS, *OBJECTS) if spec.event_objects else TENSORS


def sources(
    selections: Sequence[EventSource],
    cap_quantile: float,
    memory_mb: float,
    masses: np.ndarray | None = None,
    classes: int = 2,
) -> list[Source]:
    """Return splits of a fold with the weights of the loss.

    They are read into memory if `memory_mb` [MB] is enough for all of them together, else read
    from their files whenever they are needed; then that memory holds events to mix. For one
    network for all m_H, `masses` has m_H [GeV] of each dataset, NaN for background. More than two
    `classes` have equal sums of weights.
    """
    held = int(memory_mb * 1e6 / selections[0].event_bytes)
    fits = sum(len(selection) for selection in selections) <= held
    weighted = [WeightedEvents.fit(one, cap_quantile, masses, classes) for one in selections]
    return [in_memory(events) if fits else streamed(events, held) for events in weighted]


def in_memory(weighted: WeightedEvents) -> Sample:
    """Return all events, read once."""
    events = weighted.all()
    return Sample(Events(events), **_targets(events))


def streamed(weighted: WeightedEvents, held: int) -> Stream:
    """Return the events as a stream; a random order draws from `held` of them."""

    def read(block: int) -> Columns:
        events = weighted.read(block)
        names = [name for name in (*TENSORS, *OBJECTS) if name in events]
        return {name: events[name] for name in names} | _targets(events)

    return Stream(
        read,
        weighted.source.blocks[:, 0],
        len(weighted),
        weighted.mean_weight,
        held,
        _hypotheses(weighted.dataset_masses),
    )


def _targets(events: Columns) -> Columns:
    return {name: events[name] for name in ("label", "weight", "mass") if name in events}


def _hypotheses(masses: np.ndarray | None) -> Hypotheses | None:
    if masses is None:
        return None
    distinct = signal_masses(masses)
    return Hypotheses(distinct, np.full(len(distinct), 1 / len(distinct)))


def mass_of(dataset: Dataset) -> float:
    """Return m_H of a signal [GeV], NaN for a background."""
    return float(dataset.attributes["mass_gev"]) if dataset.is_signal else math.nan


def feature_names(dataset: Dataset) -> Features:
    """Return the names of the columns of a dataset, and of its classes."""
    kinds = {"constituents": "constituent", "subjets": "subjet", "kinematics": "kinematic"}
    names = {kind: tuple(dataset.attributes[f"{name}_features"]) for kind, name in kinds.items()}
    if "object_features" in dataset.attributes:
        names["objects"] = tuple(dataset.attributes["object_features"])
    if "classes" in dataset.attributes:
        names["classes"] = tuple(dataset.attributes["classes"])
    return Features(**names)
