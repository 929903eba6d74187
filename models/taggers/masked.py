"""Layers that leave padding out: batch normalisation and dense stacks of masked tokens."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class MaskedBatchNorm(nn.Module):
    """Batch normalisation over the valid tokens alone (arXiv:1502.03167).

    Where a batch has fewer than two of them, the running constants are used.

    Attributes
    ----------
    mean, variance : Tensor [C]
        Running constants, buffers.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return x [B, …, C] normalised, zero where mask [B, …] is False."""
        keep = mask.unsqueeze(-1)
        mean, variance = self.mean, self.variance
        if self.training:
            axes = tuple(range(x.dim() - 1))
            count = keep.sum()
            enough = count > 1
            kept = x.float().masked_fill(~keep, 0.0)
            observed = kept.sum(axes) / count.clamp(min=1)
            spread = (kept - observed).masked_fill(~keep, 0.0).square().sum(axes)
            with torch.no_grad():
                step = self.momentum * enough
                self.mean.lerp_(observed, step)
                self.variance.lerp_(spread / (count - 1).clamp(min=1), step)
            mean = torch.where(enough, observed, mean)
            variance = torch.where(enough, spread / count.clamp(min=1), variance)
        scaled = (x - mean) * (variance + self.eps).rsqrt() * self.weight + self.bias
        return scaled.masked_fill(~keep, 0.0)


def dense(widths: Sequence[int], activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Return linear layers from and to these widths, with an activation behind each."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers)
