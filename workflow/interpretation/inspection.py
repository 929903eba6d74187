"""A trained network and the test events that it looks at."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from analysis.datasets.dataset import Selection
from analysis.datasets.sampling import streamed_sample
from models.config.views import Interpretation
from models.networks.batch import Batch, Events
from models.training.checkpoint import TrainedModel
from workflow.interpretation.probes import with_encoders_apart

CLASSES = ("background", "signal")
TOKENS = ("fat jet 1", "fat jet 2", "H", "mass hypothesis")
STEP = 200
"""Events in memory at a time: those of pairs of constituents are large."""


@dataclass(frozen=True)
class Inspection:
    """A network and the events that it looks at.

    Attributes
    ----------
    model : TrainedModel
    network : Module
        The model's, with layers of its own for each fat jet.
    tensors : dict of arrays [N, ...]
    label, weight, key, process : [N]
        Weights are those of the drawn events.
    settings : Interpretation
    mass : float or None
        Mass hypothesis [GeV], for a network for all m_H.
    """

    model: TrainedModel
    network: nn.Module
    tensors: dict[str, np.ndarray]
    label: NDArray[np.uint8]
    weight: NDArray[np.float64]
    key: NDArray[np.uint64]
    process: NDArray[np.str_]
    settings: Interpretation
    mass: float | None

    def map_batches(self, function: Callable[[Batch], Any]) -> list[Any]:
        """Return what `function` gives for the events, a list of steps."""
        events, results = Events(self.tensors), []
        for start in range(0, len(events), STEP):
            batch = events[np.arange(start, min(start + STEP, len(events)))]
            if self.mass is not None:
                batch = batch.replace(mass=batch.kinematics.new_full((len(batch),), self.mass))
            results.append(function(batch))
        return results

    def rows_of(self, name: str) -> NDArray[np.intp]:
        """Return the rows of a class."""
        return np.flatnonzero(self.label == CLASSES.index(name))


def draw(
    selection: Selection, model: TrainedModel, settings: Interpretation, mass_gev: float
) -> Inspection:
    """Return events of a selection, drawn by their weights: `settings.events` a class.

    No others are read, but for their keys and weights.
    """
    drawn = []
    for kind in range(len(CLASSES)):
        events = ((c["key"], c["weight"][:, 0] * (c["label"] == kind)) for c in selection.columns())
        places, weights = streamed_sample(events, settings.events, settings.seed)
        drawn.append(selection.take(places) | {"drawn_weight": weights})
    tensors = {name: np.concatenate([part[name] for part in drawn]) for name in drawn[0]}
    processes = np.array([str(data.attributes["process"]) for data in selection.datasets])
    return Inspection(
        model,
        with_encoders_apart(model.network) if model.spec.shares_encoder else model.network,
        {name: tensors[name] for name in selection.tensors},
        tensors["label"],
        tensors["drawn_weight"],
        tensors["key"],
        processes[tensors["dataset"]],
        settings,
        mass_gev if model.spec.told_mass else None,
    )
