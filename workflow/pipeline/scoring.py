"""Scores of events by the networks of their folds."""

from collections.abc import Sequence

import numpy as np

from analysis.datasets.mixing import mixed_events
from analysis.evaluation.mixed_pairs import Pairs
from common.columns import Columns
from models.networks.batch import Events
from models.training.checkpoint import TrainedModel
from models.training.inference import calibrated
from workflow.pipeline.network_inputs import tensors_of

ROWS = 8192
"""Mixed events in memory at a time."""


def crossed(
    networks: Sequence[TrainedModel],
    events: Columns,
    fold: np.ndarray,
    masses_gev: Sequence[float],
    accelerator: str,
) -> np.ndarray:
    """Return the calibrated log-odds [M, N] that each event gets from the network of its fold [N].

    One row per mass hypothesis; all are the same where the network is told none.
    """
    scores = np.empty((len(masses_gev), len(fold)))
    for number, model in enumerate(networks):
        in_fold = fold == number
        told = masses_gev if model.spec.told_mass else (None,)
        part = Events({name: events[name][in_fold] for name in tensors_of(model.spec)})
        scores[:, in_fold] = calibrated(model, part, told, accelerator=accelerator)
    return scores


def crossed_pairs(
    networks: Sequence[TrainedModel],
    events: Columns,
    pairs: Pairs,
    fold: np.ndarray,
    features: tuple[Sequence[str], Sequence[str]],
    mass_gev: float,
    accelerator: str,
) -> np.ndarray:
    """Return the calibrated log-odds [M] of mixed events, each from the network of its fold.

    `fold` [N] is that of the events, both of a pair in the same.
    """
    parts = [np.empty(0)]
    for start in range(0, len(pairs.first), ROWS):
        first, second = (rows[start : start + ROWS] for rows in (pairs.first, pairs.second))
        mixed = mixed_events(events, first, second, *features)
        parts.append(crossed(networks, mixed, fold[first], (mass_gev,), accelerator)[0])
    return np.concatenate(parts)
