"""The logits of events: in two steps, of which only the second is told m_H, and in both orders."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from models.networks.batch import Batch, Jet

Masses = Sequence[float | None]
"""Mass hypotheses [GeV]; None leaves a batch as it is."""


Encoded = tuple[Tensor, ...]
"""What is inside a jet of each event: tensors [B, …]."""


class TwoStepNetwork(nn.Module, ABC):
    """Base of networks that see each fat jet by itself first, whatever m_H is.

    The first step takes most of the time. Events that are scored for several m_H go through it
    once, and so does a jet that is put beside many others.
    """

    @abstractmethod
    def encode_jet(self, jet: Jet, place: int) -> Encoded:
        """Return what is inside a jet, in the place (0 or 1) of fat jet 1 or 2."""

    @abstractmethod
    def joined(self, first: Encoded, second: Encoded) -> Any:
        """Return what is inside both."""

    @abstractmethod
    def answer(self, encoded: Any, batch: Batch) -> Tensor:
        """Return logits [B, classes] of this and the kinematics, for the batch's m_H.

        Nothing else of the batch is looked at.
        """

    def encode(self, batch: Batch) -> Any:
        """Return what is inside both jets of each event."""
        first, second = (self.encode_jet(batch.jet(place), place) for place in (0, 1))
        return self.joined(first, second)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]."""
        return self.answer(self.encode(batch), batch)


def hypothesis_logits(
    network: Callable[[Batch], Tensor],
    batch: Batch,
    masses_gev: Masses = (None,),
    both_orders: bool = False,
) -> Tensor:
    """Return the logits [M, B, classes] of a batch for each mass hypothesis.

    Parameters
    ----------
    network : callable
        A module, or what takes a batch in its place.
    batch : Batch
    masses_gev : sequence of float or None
        M hypotheses.
    both_orders : bool
        Whether logits are the mean of both orders of the fat jets, where an event has two.
    """
    if not both_orders or batch.kinematics.shape[1] < 2:
        return _of_one_order(network, batch, masses_gev)
    one, other = (_of_one_order(network, x, masses_gev) for x in (batch, batch.exchanged()))
    return (one + other) / 2


def _of_one_order(network: Callable[[Batch], Tensor], batch: Batch, masses_gev: Masses) -> Tensor:
    answer = network
    if isinstance(network, TwoStepNetwork):
        answer = partial(network.answer, network.encode(batch))
    told = [
        batch
        if mass is None
        else batch.replace(mass=batch.kinematics.new_full((len(batch),), mass))
        for mass in masses_gev
    ]
    return torch.stack([answer(each) for each in told])
