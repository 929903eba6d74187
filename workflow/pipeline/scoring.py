"""Scores of events by the networks of their folds."""

from collections.abc import Sequence

import numpy as np

from common.columns import Columns
from models.networks.batch import Events
from models.training.checkpoint import TrainedModel
from models.training.inference import calibrated
from workflow.pipeline.network_inputs import tensors_of


def crossed(
    networks: Sequence[TrainedModel],
    events: Columns,
    fold: np.ndarray,
    mass_gev: float,
    accelerator: str,
) -> np.ndarray:
    """Return the calibrated log-odds [N] that each event gets from the network of its fold [N]."""
    score = np.empty(len(fold))
    for number, model in enumerate(networks):
        in_fold = fold == number
        told = mass_gev if model.spec.told_mass else None
        part = Events({name: events[name][in_fold] for name in tensors_of(model.spec)})
        score[in_fold] = calibrated(model, part, accelerator=accelerator, mass_gev=told)
    return score
