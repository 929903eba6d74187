"""PELICAN: maps of the matrix of all Minkowski products that any permutation commutes with.

Bogatskiy et al., arXiv:2211.00454 and JHEP 03 (2024) 113 (arXiv:2307.16506). A linear map of
matrices [N, N] that commutes with permutations is a sum of 15 (Maron et al., arXiv:1812.09902).
"""

import torch
from torch import Tensor, nn

from models.config.specs import Features, Pelican
from models.networks.batch import Batch
from models.networks.cloud import cloud_input
from models.taggers.masked import MaskedBatchNorm
from models.taggers.minkowski import References, product

MEAN_PARTICLES = 49.0
"""Particles of a jet that leave the learned powers of their number without effect."""

LOCAL, MEANS = 5, 10
"""Of the 15 maps, those that move entries, and those that take means of them."""


def equivariant_map(x: Tensor, mask: Tensor, weights: Tensor, scale: Tensor) -> Tensor:
    """Return the weighted sum of the 15 maps of x, whose means are over valid particles.

    Maps that are the same in all rows, columns or both are weighted before they are spread.

    Parameters
    ----------
    x : Tensor [B, N, N, C]
        Zero where padded.
    mask : Tensor [B, N] bool
    weights : Tensor [15, C, D]
        Of x, xᵀ, and its diagonal (to the diagonal, rows, columns); of the means of rows and of
        columns (to the diagonal; then either to rows, columns); of trace and total (each to the
        diagonal, everywhere).
    scale : Tensor [B, 10, C]
        Factors on the means.

    Returns
    -------
    Tensor [B, N, N, D]
        Not masked.
    """
    count = mask.sum(1).clamp(min=1)[:, None, None].to(x.dtype)
    diagonal = x.diagonal(dim1=1, dim2=2).transpose(1, 2)  # [B, N, C]
    rows, columns = x.sum(2) / count, x.sum(1) / count
    trace = diagonal.sum(1, keepdim=True) / count
    total = rows.sum(1, keepdim=True) / count
    means = (rows, columns, rows, rows, columns, columns, trace, trace, total, total)
    of_means = [(mean * scale[:, k, None]) @ weights[LOCAL + k] for k, mean in enumerate(means)]
    on_diagonal = diagonal @ weights[2] + of_means[0] + of_means[1] + of_means[6] + of_means[8]
    to_rows = diagonal @ weights[3] + of_means[2] + of_means[4] + of_means[7] + of_means[9]
    to_columns = diagonal @ weights[4] + of_means[3] + of_means[5]
    here = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)[..., None]
    moved = x @ weights[0] + (x @ weights[1]).transpose(1, 2)
    return moved + to_rows.unsqueeze(2) + to_columns.unsqueeze(1) + here * on_diagonal.unsqueeze(2)


class Block(nn.Module):
    """A perceptron of each pair, then a learned sum of the 15 maps.

    The weights of map b from channel d to s factorise, A_db B_ds + C_sb D_ds, and a mean over n
    particles is scaled by (n / 49)^α with a learned α.
    """

    def __init__(self, inputs: int, message: int, outputs: int) -> None:
        super().__init__()
        self.message = nn.Linear(inputs, message)
        self.norm = MaskedBatchNorm(message)
        maps = LOCAL + MEANS
        spread, scale = maps**-0.5, message**-0.5
        self.of_input = nn.Parameter(spread * torch.randn(maps, message, 1))
        self.of_output = nn.Parameter(spread * torch.randn(maps, 1, outputs))
        self.mix_input = nn.Parameter(scale * torch.randn(message, outputs))
        self.mix_output = nn.Parameter(scale * torch.randn(message, outputs))
        self.power = nn.Parameter(torch.rand(MEANS, message))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.diagonal_bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, mask: Tensor, pairs: Tensor) -> Tensor:
        """Return pairs [B, N, N, outputs] of pairs [B, N, N, inputs], zero where padded."""
        x = nn.functional.leaky_relu(self.norm(self.message(x), pairs), 0.01)
        number = mask.sum(1).clamp(min=1).to(x.dtype) / MEAN_PARTICLES
        weights = self.of_input * self.mix_input + self.of_output * self.mix_output
        x = equivariant_map(x, mask, weights, number[:, None, None] ** self.power)
        here = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)[..., None]
        x = x + self.bias + here * self.diagonal_bias
        x = nn.functional.leaky_relu(x, 0.01)
        return x.masked_fill(~pairs.unsqueeze(-1), 0.0)


class PelicanNetwork(nn.Module):
    """Encoded products through some blocks, then the trace and the sum of the last."""

    def __init__(self, spec: Pelican, features: Features) -> None:
        super().__init__()
        self.cloud = cloud_input(spec, features)
        self.references = References(spec.beams)
        scalars = self.cloud.size + 1
        products = max(spec.width - 2 * scalars, 1)
        self.exponent = nn.Parameter(torch.linspace(0.05, 0.5, products))
        inputs = [products + 2 * scalars, *[spec.width] * (spec.layers - 1)]
        self.blocks = nn.ModuleList(Block(i, spec.message, spec.width) for i in inputs)
        self.norm = MaskedBatchNorm(spec.width)
        self.pooled = nn.Linear(2 * spec.width, spec.message)
        self.head = nn.Sequential(
            nn.LeakyReLU(0.01),
            nn.Dropout(spec.dropout),
            nn.Linear(spec.message, len(features.classes)),
        )

    def classify(self, scalars: Tensor, momenta: Tensor, mask: Tensor) -> Tensor:
        """Return logits [B, classes] of scalars [B, N, F], momenta [B, N, 4] and mask [B, N]."""
        pairs = mask.unsqueeze(2) & mask.unsqueeze(1)
        dot = product(momenta.unsqueeze(2), momenta.unsqueeze(1)).clamp(min=0).unsqueeze(-1)
        power = self.exponent.abs() + 1e-3
        encoded = (dot.log1p() * power).expm1() / power  # ((1 + d)^α − 1) / α
        particles = scalars.shape[1]
        of_rows = scalars.unsqueeze(2).expand(-1, -1, particles, -1)
        x = torch.cat([encoded, of_rows, of_rows.transpose(1, 2)], dim=-1)
        x = x.masked_fill(~pairs.unsqueeze(-1), 0.0)
        for block in self.blocks:
            x = block(x, mask, pairs)
        x = self.norm(x, pairs)
        count = mask.sum(1, keepdim=True).clamp(min=1).to(x.dtype)
        trace = x.diagonal(dim1=1, dim2=2).sum(-1) / count
        total = x.sum((1, 2)) / count.square()
        return self.head(self.pooled(torch.cat([trace, total], dim=-1)))

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]."""
        return self.classify(*self.references(self.cloud(batch)))
