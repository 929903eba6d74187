"""Scores with one input shuffled among events: what a trained network makes of it."""

import numpy as np
import torch
from torch import nn

from models.config.specs import Features
from models.networks.batch import Batch, Events
from models.training.inference import log_odds


class _Shuffled(Events):
    """Events in which one kinematic column of the fat jets comes from other events."""

    def __init__(self, events: Events, column: int, order: np.ndarray) -> None:
        self.events, self.column = events, column
        self.values = events.array("kinematics")[order][..., column]

    def __len__(self) -> int:
        return len(self.events)

    def __getitem__(self, indices: np.ndarray | slice) -> Batch:
        batch = self.events[indices]
        kinematics = batch.kinematics.clone()
        kinematics[..., self.column] = torch.from_numpy(self.values[indices])
        return batch.replace(kinematics=kinematics)


def shuffled_log_odds(
    network: nn.Module,
    events: Events,
    features: Features,
    name: str = "theta",
    repeats: int = 5,
    seed: int = 1,
    mass_gev: float | None = None,
    both_orders: bool = False,
) -> np.ndarray:
    """Return log-odds with one kinematic feature shuffled among events: permutation importance.

    Parameters
    ----------
    network : Module
    events : Events
        N events.
    features : Features
    name : str
        Kinematic feature.
    repeats : int
    seed : int
        The same orders for every feature.
    mass_gev : float, optional
        Mass hypothesis, for a network for all m_H.
    both_orders : bool
        Whether log-odds are the mean of both orders of the fat jets.

    Returns
    -------
    ndarray [repeats, N]
    """
    column, rng = features.kinematics.index(name), np.random.default_rng(seed)
    orders = [rng.permutation(len(events)) for _ in range(repeats)]
    shuffled = (_Shuffled(events, column, order) for order in orders)
    return np.stack([log_odds(network, each, mass_gev, both_orders) for each in shuffled])
