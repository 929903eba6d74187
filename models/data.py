"""Labelled events in batches: what a training reads."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.batch import Batch, Sample
from models.specs import Features


@dataclass(frozen=True)
class Data:
    """What a network is trained on, stopped by, and what its columns are called."""

    train: Sample
    validation: Sample
    features: Features


class Batches:
    """Batches of a sample in a given order: (events, labels, weights of mean 1).

    `rng` draws the mass hypotheses of background events, where the sample has masses.
    """

    def __init__(
        self, sample: Sample, batch_size: int, order: np.ndarray, rng: np.random.Generator
    ) -> None:
        self.sample = sample
        self.batch_size = batch_size
        self.order = order
        self.label = np.asarray(sample.label, dtype=np.int64)
        weight = np.asarray(sample.weight, dtype=np.float64)
        self.weight = (weight / weight.mean()).astype(np.float32)
        self.mass = sample.hypotheses(rng)

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Batch, Tensor, Tensor]]:
        for start in range(0, len(self.order), self.batch_size):
            rows = self.order[start : start + self.batch_size]
            events = self.sample.events[rows]
            if self.mass is not None:
                events = events.replace(mass=torch.from_numpy(self.mass[rows]))
            yield (
                events,
                torch.from_numpy(self.label[rows]),
                torch.from_numpy(self.weight[rows]),
            )


def in_order(sample: Sample, batch_size: int, seed: int) -> Batches:
    """Return all events in their order; `seed` draws the mass hypotheses."""
    return Batches(sample, batch_size, np.arange(len(sample.label)), np.random.default_rng(seed))
