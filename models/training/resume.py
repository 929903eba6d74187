"""The state of a training between two epochs, kept in one safetensors file: no pickle.

Lightning's checkpoints are pickles, which can run code where they are read, and do not tell which
events, settings and sources they belong to. This file does, and is taken up only where all agree.
"""

import hashlib
import json
import logging
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from common.errors import ModelError
from models.config.specs import Training, dump
from models.training.checkpoint import read_tensors, unshared, write_tensors
from models.training.data import Data, Source

log = logging.getLogger(__name__)

STATE = "resume.safetensors"


def fingerprint(spec: Any, training: Training, data: Data, seed: int, code: str = "") -> str:
    """Return a digest of all that determines a training: a state is taken up only where it fits.

    It covers the settings, the sources (`code`), and every array that a batch is made of.
    """
    digest = hashlib.blake2b(digest_size=16)
    settings = dump(training)
    settings.pop("seeds")
    settings.pop("threads")
    text = json.dumps([dump(spec), settings, dump(data.features), seed, code, torch.__version__])
    digest.update(text.encode())
    for source in (data.train, data.validation):
        for columns in source.batches(1024, np.random.default_rng(seed), shuffle=False):
            for name, array in sorted(columns.items()):
                digest.update(f"{name} {array.dtype} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


@dataclass
class Progress:
    """What a training has come to.

    Attributes
    ----------
    path : Path
        Where the state is kept.
    identity : str
        The training that it belongs to.
    history : list of (epoch, training loss, validation loss, learning rate)
    best : dict of Tensor
        State of the network after its best epoch.
    stale : int
        Epochs since then.
    averaged : dict of Tensor
        Exponential moving average of parameters and buffers; empty without one.
    moments : dict of Tensor
        State of the optimiser, read from a file and not yet taken up.
    """

    path: Path
    identity: str
    history: list[tuple[int, float, float, float]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_loss: float = math.inf
    last_loss: float = math.nan
    stale: int = 0
    averaged: dict[str, Tensor] = field(default_factory=dict)
    moments: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, identity: str, network: nn.Module) -> "Progress":
        """Return the state in `folder` and put its weights into `network`, or a fresh state."""
        progress = cls(folder / STATE, identity)
        if not progress.path.exists():
            return progress
        try:
            tensors, header = read_tensors(progress.path)
        except ModelError as error:
            log.warning("%s (now: training from the start)", error)
            return progress
        if header.get("identity") != identity:
            log.info("%s is of another training: training from the start", progress.path)
            return progress
        progress.history = [tuple(row) for row in json.loads(header["history"])]
        progress.stale = int(header["stale"])
        progress.best_loss = min(row[2] for row in progress.history)
        network.load_state_dict(_under("network", tensors))
        progress.best = _under("best", tensors)
        progress.averaged = _under("averaged", tensors)
        progress.moments = _under("optimizer", tensors)
        log.info("going on after epoch %d", len(progress.history))
        return progress

    def store(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Write the state after an epoch."""
        names: dict[Tensor, str] = {
            parameter: name for name, parameter in network.named_parameters()
        }
        moments = {
            f"{names[parameter]}/{key}": value
            for parameter, state in optimizer.state.items()
            for key, value in state.items()
        }
        groups = {
            "network": network.state_dict(),
            "best": self.best,
            "averaged": self.averaged,
            "optimizer": moments,
        }
        tensors = {
            f"{group}/{name}": tensor
            for group, content in groups.items()
            for name, tensor in content.items()
        }
        header = {
            "identity": self.identity,
            "history": json.dumps(self.history),
            "stale": str(self.stale),
        }
        write_tensors(self.path, tensors, header)

    def restore_optimizer(self, optimizer: torch.optim.Optimizer, network: nn.Module) -> None:
        """Give the optimiser the moments and step counts that the file held."""
        parameters = dict(network.named_parameters())
        for name, value in self.moments.items():
            parameter, _, key = name.rpartition("/")
            target = parameters[parameter]
            on_device = value if key == "step" else value.to(target.device)
            optimizer.state[target][key] = on_device
        self.moments = {}

    def keep_best(self, network: nn.Module, loss: float) -> None:
        """Take note of a validation loss, and of the network where it is the best so far."""
        self.last_loss = loss
        if loss < self.best_loss:
            self.best_loss, self.stale = loss, 0
            self.best = unshared(network.state_dict())
        else:
            self.stale += 1

    @torch.no_grad()
    def average(self, network: nn.Module, decay: float) -> None:
        """Move the averages towards the state of `network`; nothing for decay 0."""
        if decay == 0:
            return
        state = _moving(network)
        if not self.averaged:
            self.averaged = {name: tensor.detach().clone() for name, tensor in state.items()}
        for name, tensor in state.items():  # what a file held is still on the CPU
            self.averaged[name] = self.averaged[name].to(tensor.device)
        together = [self.averaged[name] for name in state]
        get_ema_multi_avg_fn(decay)(together, list(state.values()), 1)

    @torch.no_grad()
    def swap_ema(self, network: nn.Module) -> None:
        """Exchange the state of `network` with the averaged one, where there is one."""
        for name, tensor in _moving(network).items():
            if name in self.averaged:
                other = self.averaged[name].clone()
                self.averaged[name].copy_(tensor)
                tensor.copy_(other)

    def close(self) -> None:
        """Remove the file: the training is finished."""
        self.path.unlink(missing_ok=True)


class SelfFitting(nn.Module):
    """A model that is not trained by gradients: it gets the events and fills its buffers."""

    def fit(self, train: Source, validation: Source, seed: int, progress: Progress) -> None:
        """Fit to the training events; leave history and best state in `progress`."""
        raise NotImplementedError


def _moving(network: nn.Module) -> dict[str, Tensor]:
    """Return what an average is taken of: a batch norm's statistics belong to its weights."""
    named = [*network.named_parameters(), *network.named_buffers()]
    return {name: tensor for name, tensor in named if tensor.is_floating_point()}


def _under(group: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{group}/"): tensor
        for name, tensor in tensors.items()
        if name.startswith(f"{group}/")
    }
