"""Scores of events by the networks of their folds."""

from collections.abc import Sequence

import numpy as np

from analysis.datasets.dataset import TENSORS
from analysis.datasets.mixing import mixed_events, mixed_kinematics
from analysis.evaluation.mixed_pairs import Pairs
from common.columns import Columns
from models.networks.batch import Events
from models.networks.steps import TwoStepNetwork
from models.training.checkpoint import TrainedModel
from models.training.inference import calibrated, calibrated_pairs
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
    if all(isinstance(model.network, TwoStepNetwork) for model in networks) and not any(
        model.spec.orientation for model in networks
    ):
        return _jet_by_jet(networks, events, pairs, fold, mass_gev, accelerator)
    parts = [np.empty(0)]
    for start in range(0, len(pairs.first), ROWS):
        first, second = (rows[start : start + ROWS] for rows in (pairs.first, pairs.second))
        mixed = mixed_events(events, first, second, *features)
        parts.append(crossed(networks, mixed, fold[first], (mass_gev,), accelerator)[0])
    return np.concatenate(parts)


def _jet_by_jet(
    networks: Sequence[TrainedModel],
    events: Columns,
    pairs: Pairs,
    fold: np.ndarray,
    mass_gev: float,
    accelerator: str,
) -> np.ndarray:
    """Return the same, where what is inside a jet does not depend on where it is put."""
    scores = np.empty(len(pairs.first))
    for number, model in enumerate(networks):
        in_fold = fold[pairs.first] == number
        first, second = pairs.first[in_fold], pairs.second[in_fold]
        scores[in_fold] = calibrated_pairs(
            model,
            Events({name: events[name] for name in TENSORS}),
            first,
            second,
            mixed_kinematics(events["kinematics"], first, second),
            mass_gev if model.spec.told_mass else None,
            accelerator=accelerator,
        )
    return scores
