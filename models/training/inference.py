"""Scoring events with a trained network."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from common.errors import ModelError
from models.config.specs import Features
from models.networks.batch import Events
from models.networks.steps import Masses, hypothesis_logits
from models.training.checkpoint import TrainedModel, load
from models.training.devices import device_of, torch_device


@torch.inference_mode()
def class_logits(
    network: nn.Module,
    events: Events,
    masses_gev: Masses = (None,),
    both_orders: bool = False,
    batch_size: int = 1024,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Return the logits [M, N, classes] float64 of every event; see `log_odds`."""
    network = network.to(device).eval()
    parts = [np.empty((len(masses_gev), 0, 2))] if not len(events) else []
    for start in range(0, len(events), batch_size):
        rows = np.arange(start, min(start + batch_size, len(events)))
        batch = events[rows].to(device)
        parts.append(
            hypothesis_logits(network, batch, masses_gev, both_orders).double().cpu().numpy()
        )
    result = np.concatenate(parts, axis=1)
    bad = np.flatnonzero(~np.isfinite(result).all((0, 2)))
    if len(bad):
        raise ModelError(
            f"the network gives no finite score for {len(bad)} of {len(events)} events, the first "
            f"is number {bad[0]}; look for NaN in the dataset"
        )
    return result


def log_odds(
    network: nn.Module,
    events: Events,
    mass_gev: float | None = None,
    both_orders: bool = False,
    batch_size: int = 1024,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Return log p(signal)/p(background) = logit₁ − logit₀ for every event.

    Parameters
    ----------
    network : Module
    events : Events
        N events.
    mass_gev : float, optional
        Mass hypothesis, for a network for all m_H.
    both_orders : bool
        Whether logits are the mean of both orders of the fat jets.
    batch_size : int
        Events in memory at a time.
    device : str or torch.device

    Returns
    -------
    ndarray [N] float64
        In single precision inside the network; the score is 1 / (1 + exp(−log-odds)).

    Raises
    ------
    ModelError
        If a result is not finite.
    """
    logits = class_logits(network, events, (mass_gev,), both_orders, batch_size, device)[0]
    difference: np.ndarray = logits[:, 1] - logits[:, 0]
    return difference


def predict_logits(
    folder: str | Path,
    events: Events,
    features: Features | None = None,
    accelerator: str = "auto",
    threads: int = 1,
) -> np.ndarray:
    """Return the logits [N, classes] float64 of the model in `folder`; see `predict_log_odds`."""
    model = load(folder, features)
    torch.set_num_threads(threads)
    device = torch_device(device_of(accelerator))
    found: np.ndarray = class_logits(model.network, events, device=device)[0]
    return found


def predict_log_odds(
    folder: str | Path,
    events: Events,
    features: Features | None = None,
    batch_size: int = 1024,
    accelerator: str = "auto",
    threads: int = 1,
    mass_gev: float | None = None,
) -> np.ndarray:
    """Return the calibrated log-odds [N] float64 that the model in `folder` gives to the events.

    Parameters
    ----------
    folder : path
        As `models.training.training.train` wrote it.
    events : Events
    features : Features, optional
        Columns of the events' arrays; must be those of the training.
    batch_size : int
    accelerator : str
        "cpu", "cuda", "mps", or "auto": one CUDA GPU where there is one, else the CPU.
    threads : int
        CPU threads.
    mass_gev : float, optional
        Mass hypothesis, for a network for all m_H.

    Raises
    ------
    ModelError
        If the model cannot be read, or was trained on other features.
    """
    model = load(folder, features)
    torch.set_num_threads(threads)
    found: np.ndarray = calibrated(model, events, (mass_gev,), batch_size, accelerator)[0]
    return found


def calibrated(
    model: TrainedModel,
    events: Events,
    masses_gev: Masses = (None,),
    batch_size: int = 1024,
    accelerator: str = "auto",
) -> np.ndarray:
    """Return the calibrated log-odds [M, N] of a model in memory, for M mass hypotheses.

    A network that was trained with exchanged jets gives the mean of both orders; see
    `predict_log_odds`.
    """
    device = torch_device(device_of(accelerator))
    logits = class_logits(model.network, events, masses_gev, model.both_orders, batch_size, device)
    found: np.ndarray = model.calibration(logits[..., 1] - logits[..., 0])
    return found
