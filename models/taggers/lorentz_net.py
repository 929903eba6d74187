"""LorentzNet: messages between particles, of their Minkowski products.

Gong et al., JHEP 07 (2022) 030 (arXiv:2201.08187).
"""

import torch
from torch import Tensor, nn

from models.config.specs import Features, LorentzNet
from models.networks.attention import masked_mean
from models.networks.batch import Batch
from models.networks.cloud import cloud_input
from models.taggers.masked import MaskedBatchNorm
from models.taggers.minkowski import References, pair_mask, product, signed_log


class Block(nn.Module):
    """Messages m_ij = φ_e(h_i, h_j, ψ(‖x_i − x_j‖²), ψ(x_i·x_j)), gated, to tokens and momenta.

    x_i += c · mean_j φ_x(m_ij) (x_i − x_j), and h_i += φ_h(h_i, Σ_j m_ij, s_i) with the scalars s.
    """

    def __init__(self, width: int, scalars: int, weight: float, last: bool) -> None:
        super().__init__()
        self.weight = weight
        self.from_here = nn.Linear(width, width, bias=False)
        self.from_there = nn.Linear(width, width, bias=False)
        self.from_products = nn.Linear(2, width, bias=False)
        self.norm = MaskedBatchNorm(width)
        self.message = nn.Linear(width, width)
        self.gate = nn.Linear(width, 1)
        self.token = nn.Linear(2 * width + scalars, width)
        self.token_norm = MaskedBatchNorm(width)
        self.token_output = nn.Linear(width, width)
        self.shift = None
        if not last:
            output = nn.Linear(width, 1, bias=False)
            nn.init.xavier_uniform_(output.weight, gain=1e-3)
            self.shift = nn.Sequential(nn.Linear(width, width), nn.ReLU(), output)

    def forward(
        self, h: Tensor, x: Tensor, scalars: Tensor, mask: Tensor, pairs: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return tokens [B, N, D] and momenta [B, N, 4]; `pairs` [B, N, N] are what there is."""
        apart = x.unsqueeze(2) - x.unsqueeze(1)
        products = [product(apart, apart), product(x.unsqueeze(2), x.unsqueeze(1))]
        edge = self.from_here(h).unsqueeze(2) + self.from_there(h).unsqueeze(1)
        edge = edge + self.from_products(signed_log(torch.stack(products, dim=-1)))
        m = self.message(self.norm(edge, pairs).relu()).relu()
        m = (m * self.gate(m).sigmoid()).masked_fill(~pairs.unsqueeze(-1), 0.0)
        if self.shift is not None:
            moved = (apart * self.shift(m)).clamp(-100, 100)
            moved = moved.masked_fill(~pairs.unsqueeze(-1), 0.0).sum(2)
            x = x + self.weight * moved / pairs.sum(2, keepdim=True).clamp(min=1)
        update = self.token(torch.cat([h, m.sum(2), scalars], dim=-1))
        return h + self.token_output(self.token_norm(update, mask).relu()), x


class LorentzNetNetwork(nn.Module):
    """The mean of the particles' tokens behind some blocks, one hidden layer."""

    def __init__(self, spec: LorentzNet, features: Features) -> None:
        super().__init__()
        self.cloud = cloud_input(spec, features)
        self.references = References(spec.beams)
        scalars = self.cloud.size + 2  # what tells references from particles, and the mass
        self.embedding = nn.Linear(scalars, spec.width)
        self.blocks = nn.ModuleList(
            Block(spec.width, scalars, spec.coordinate_weight, layer == spec.layers - 1)
            for layer in range(spec.layers)
        )
        self.head = nn.Sequential(
            nn.Linear(spec.width, spec.width),
            nn.ReLU(),
            nn.Dropout(spec.dropout),
            nn.Linear(spec.width, len(features.classes)),
        )

    def classify(self, scalars: Tensor, momenta: Tensor, mask: Tensor) -> Tensor:
        """Return logits [B, classes] of scalars [B, N, F], momenta [B, N, 4] and mask [B, N]."""
        mass = signed_log(product(momenta, momenta)).unsqueeze(-1)
        scalars = torch.cat([scalars, mass], dim=-1).masked_fill(~mask.unsqueeze(-1), 0.0)
        h, x, pairs = self.embedding(scalars), momenta, pair_mask(mask)
        for block in self.blocks:
            h, x = block(h, x, scalars, mask, pairs)
        return self.head(masked_mean(h, mask))

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]."""
        return self.classify(*self.references(self.cloud(batch)))
