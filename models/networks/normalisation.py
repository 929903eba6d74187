"""Standardised inputs: the constants come from training events and live inside the network."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from common.errors import ModelError
from models.networks.batch import Batch


class Standardise(nn.Module):
    """(x − mean) / standard deviation, feature by feature; padding becomes zero.

    Parameters
    ----------
    shape : tuple of int
        Trailing axes with constants of their own: (F,) for tokens that are alike, (T, F) where
        each token has its own meaning.
    unscaled : sequence of int
        Features left as they are: indicators, charges, sines and cosines.

    Attributes
    ----------
    mean, std : Tensor `shape`
        Buffers, stored with the weights; a constant feature has standard deviation 1.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, shape: tuple[int, ...], unscaled: Iterable[int] = ()) -> None:
        super().__init__()
        self.unscaled = tuple(unscaled)
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("std", torch.ones(shape))
        self._reset()

    def _reset(self) -> None:
        shape = self.mean.shape
        self._count = torch.zeros(shape, dtype=torch.float64)
        self._sum = torch.zeros(shape, dtype=torch.float64)
        self._squares = torch.zeros(shape, dtype=torch.float64)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return standardised tokens.

        Parameters
        ----------
        x : Tensor [B, N, F]
        mask : Tensor [B, N] bool

        Returns
        -------
        Tensor [B, N, F]
            Zero, with zero gradient, where `mask` is False, whatever `x` holds there.
        """
        keep = mask.unsqueeze(-1)
        return ((x.masked_fill(~keep, 0.0) - self.mean) / self.std).masked_fill(~keep, 0.0)

    @torch.no_grad()
    def observe(self, x: Tensor, mask: Tensor) -> None:
        """Add the valid tokens of x [B, N, F] to the sums, in double precision."""
        keep = mask.unsqueeze(-1).cpu()
        x = x.cpu().double().masked_fill(~keep, 0.0)
        axes = tuple(range(x.dim() - self.mean.dim()))
        self._count += keep.expand_as(x).double().sum(axes)
        self._sum += x.sum(axes)
        self._squares += x.square().sum(axes)

    @torch.no_grad()
    def finish(self) -> None:
        """Turn the sums into constants."""
        count = self._count.clamp(min=1)
        mean = self._sum / count
        std = (self._squares / count - mean.square()).clamp(min=0).sqrt()
        std[std < 1e-6 * mean.abs().clamp(min=1)] = 1.0
        mean[..., self.unscaled] = 0.0
        std[..., self.unscaled] = 1.0
        if not (torch.isfinite(mean).all() and torch.isfinite(std).all()):
            raise ModelError(
                "the training events hold NaN or infinite features; write the dataset again"
            )
        self.mean.copy_(mean)
        self.std.copy_(std)
        self._reset()


class Input(nn.Module):
    """The first layer of a stream: picks features, standardises them, knows whose they are."""

    standardise: Standardise

    def observe(self, batch: Batch) -> None:
        """Show the layer a batch of training events."""
        raise NotImplementedError


@torch.no_grad()
def fit_normalisation(network: nn.Module, batches: Iterable[Batch]) -> None:
    """Set the constants of every input layer of `network` from training events.

    Parameters
    ----------
    network : Module
    batches : iterable of Batch
        The training events, each once.

    Raises
    ------
    ModelError
        If a feature is not finite in some valid token.
    """
    inputs = [module for module in network.modules() if isinstance(module, Input)]
    if not inputs:
        return
    for batch in batches:
        for module in inputs:
            module.observe(batch)
    for module in inputs:
        module.standardise.finish()
