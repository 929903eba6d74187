"""Scoring events with a trained network."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from common.errors import ModelError
from models.config.specs import Features
from models.networks.batch import Batch, Events
from models.networks.steps import Encoded, Masses, TwoStepNetwork, hypothesis_logits
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
            hypothesis_logits(network, batch, masses_gev, both_orders).cpu().double().numpy()
        )
    return _finite(np.concatenate(parts, axis=1))


def _finite(logits: np.ndarray) -> np.ndarray:
    """Return logits [..., N, classes].

    Raises
    ------
    ModelError
        If one is not finite.
    """
    of_events = logits.ndim - 2
    others = tuple(axis for axis in range(logits.ndim) if axis != of_events)
    bad = np.flatnonzero(~np.isfinite(logits).all(others))
    if len(bad):
        raise ModelError(
            f"the network gives no finite score for {len(bad)} of {logits.shape[-2]} events, the "
            f"first is number {bad[0]}; look for NaN in the dataset"
        )
    return logits


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


@torch.inference_mode()
def calibrated_pairs(
    model: TrainedModel,
    events: Events,
    first: np.ndarray,
    second: np.ndarray,
    kinematics: np.ndarray,
    mass_gev: float | None = None,
    batch_size: int = 1024,
    accelerator: str = "auto",
) -> np.ndarray:
    """Return the calibrated log-odds [M] of fat jets 1 and 2 of different events side by side.

    Each jet goes through the encoder once, however many others it is put beside.

    Parameters
    ----------
    model : TrainedModel
        Of a `TwoStepNetwork`.
    events : Events
        N events.
    first, second : ndarray [M] int
        Rows of the events that fat jet 1 and fat jet 2 are of.
    kinematics : ndarray [M, 3, 6]
        Of both jets and their sum, as they are put.
    mass_gev : float, optional
        Mass hypothesis, for a network for all m_H.
    batch_size : int
    accelerator : str
    """
    network = model.network
    assert isinstance(network, TwoStepNetwork)
    device = torch_device(device_of(accelerator))
    network = network.to(device).eval()
    leading, other = (
        _Jets.of(network, events, rows, jet, model.both_orders, batch_size)
        for jet, rows in enumerate((first, second))
    )
    found = [np.empty((0, 2))]
    for start in range(0, len(first), batch_size):
        block = slice(start, start + batch_size)
        given = torch.from_numpy(kinematics[block]).to(device)
        mass = None if mass_gev is None else given.new_full((len(given),), mass_gev)
        batch = Batch.of_kinematics(given, mass)
        logits = network.answer(network.joined(leading.at(block), other.at(block)), batch)
        if model.both_orders:
            joined = network.joined(other.at(block, exchanged=True), leading.at(block, True))
            logits = (logits + network.answer(joined, batch.exchanged())) / 2
        found.append(logits.cpu().double().numpy())
    every = _finite(np.concatenate(found))
    result: np.ndarray = model.calibration(every[:, 1] - every[:, 0])
    return result


@dataclass(frozen=True)
class _Jets:
    """A jet of each pair, encoded once however often it is there: in its own place, in the other's.

    Attributes
    ----------
    encoded : list of tuple of Tensor
        Of the distinct jets, for each place that they are seen in.
    index : Tensor [M] int
        Which of them a pair has.
    """

    encoded: list[Encoded]
    index: Tensor

    @classmethod
    def of(
        cls,
        network: TwoStepNetwork,
        events: Events,
        rows: np.ndarray,
        jet: int,
        both_orders: bool,
        batch_size: int,
    ) -> "_Jets":
        """Return jet 0 or 1 of some rows [M] of the events."""
        device = next(network.parameters()).device
        distinct, index = np.unique(rows, return_inverse=True)
        places = (jet, 1 - jet)[: 1 + both_orders]
        parts: list[list[Encoded]] = [[] for _ in places]
        for start in range(0, len(distinct), batch_size):
            inside = events[distinct[start : start + batch_size]].to(device).jet(jet)
            for place, part in zip(places, parts, strict=True):
                part.append(network.encode_jet(inside, place))
        encoded = [tuple(map(torch.cat, zip(*part, strict=True))) for part in parts]
        return cls(encoded, torch.from_numpy(index).to(device))

    def at(self, block: slice, exchanged: bool = False) -> Encoded:
        """Return those of some pairs, in their own place or the other's."""
        return tuple(tensor[self.index[block]] for tensor in self.encoded[int(exchanged)])
