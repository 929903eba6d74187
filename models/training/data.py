"""Labelled events in batches: what a training reads."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from common.columns import Columns
from models.config.specs import Features
from models.networks.batch import NAMES, OBJECTS, Batch, Sample
from models.training.augmentation import jets_exchanged
from models.training.prefetch import ahead
from models.training.stream import Stream

Source = Sample | Stream
"""Labelled events, in memory or on disk."""

Labelled = tuple[Batch, Tensor, Tensor]
"""B events, their labels [B] int64, and their weights [B] float32, of mean 1 over the source."""


@dataclass(frozen=True)
class Data:
    """What a network is trained on, stopped by, and what its columns are called."""

    train: Source
    validation: Source
    features: Features


@dataclass(frozen=True)
class Batches:
    """All events of a source once, in batches.

    Attributes
    ----------
    source : Sample or Stream
    size : int
        Events of a batch; the last one may have fewer.
    seed : int or SeedSequence
        Draws the order, where it is random, the mass hypotheses of background events, and the
        events whose jets change places.
    shuffle : bool
        Random order, or that of the source.
    rank, processes : int
        Where several processes train one network, each gets its share of every batch.
    exchange_jets : bool
        Whether the fat jets of half of the events change places, drawn anew each time.
    ahead : int
        Batches that a thread prepares, in memory that a GPU can fetch from; 0: each in its turn.
    """

    source: Source
    size: int
    seed: int | np.random.SeedSequence
    shuffle: bool = False
    rank: int = 0
    processes: int = 1
    exchange_jets: bool = False
    ahead: int = 0

    def __len__(self) -> int:
        return math.ceil(len(self.source) / self.size)

    def __iter__(self) -> Iterator[Labelled]:
        batches = self._batches()
        return ahead(map(pinned, batches), self.ahead) if self.ahead else batches

    def _batches(self) -> Iterator[Labelled]:
        mean = self.source.mean_weight
        rng = np.random.default_rng(self.seed)
        for columns in self.source.batches(self.size, rng, self.shuffle):
            columns["weight"] = (columns["weight"].astype(np.float64) / mean).astype(np.float32)
            if self.source.hypotheses is not None:
                columns = self.source.hypotheses.drawn(columns, rng)
            if self.exchange_jets:
                columns = jets_exchanged(columns, rng)
            yield labelled(shared(columns, self.rank, self.processes))


def in_order(source: Source, size: int, seed: int) -> Batches:
    """Return all events in their order; `seed` draws the mass hypotheses."""
    return Batches(source, size, seed)


def shared(columns: Columns, rank: int, processes: int) -> Columns:
    """Return one process's share of a batch; all have equally many events.

    Where the batch does not divide, some events come twice, once with weight 0.
    """
    if processes == 1:
        return columns
    count = len(columns["label"])
    rows = np.arange(rank, math.ceil(count / processes) * processes, processes)
    share = {name: array[rows % count] for name, array in columns.items()}
    share["weight"] = np.where(rows < count, share["weight"], np.float32(0))
    return share


def labelled(columns: Columns) -> Labelled:
    """Return a batch as tensors."""
    tensors = {name: torch.from_numpy(array) for name, array in columns.items()}
    optional = {name: tensors[name] for name in ("mass", *OBJECTS) if name in tensors}
    events = Batch(**{name: tensors[name] for name in NAMES}, **optional)
    return events, tensors["label"].long(), tensors["weight"]


def pinned(batch: Labelled) -> Labelled:
    """Return the batch in memory from which a GPU fetches while it computes."""
    events, label, weight = batch
    return events.pin_memory(), label.pin_memory(), weight.pin_memory()
