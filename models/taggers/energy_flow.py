"""Particle flow and energy flow networks: a sum over constituents between two perceptrons.

Komiske, Metodiev and Thaler, JHEP 01 (2019) 121 (arXiv:1810.05165).
"""

from torch import Tensor, nn

from models.config.specs import EFN, PFN, Features
from models.networks.batch import Batch
from models.networks.inputs import TokenInput, columns
from models.taggers.masked import dense

DIRECTIONS = ("eta", "phi")


class PFNNetwork(nn.Module):
    """F(Σ Φ(x)) over the constituents' features x."""

    def __init__(self, spec: PFN, features: Features) -> None:
        super().__init__()
        self.input = TokenInput(spec.constituent_features, features, (0,))
        self.phi = dense((len(spec.constituent_features), *spec.phi))
        widths = (spec.phi[-1], *spec.f)
        self.f = nn.Sequential(*dense(widths), nn.Linear(widths[-1], len(features.classes)))

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]."""
        tokens, mask = self.input(batch.jet(0))
        return self.f(self.phi(tokens).masked_fill(~mask.unsqueeze(-1), 0.0).sum(1))


class EFNNetwork(nn.Module):
    """F(Σ z Φ(η, φ)) with z = pT / Σ pT and (η, φ) in the oriented jet.

    Linear in z, so that a soft constituent changes nothing in its limit, nor one that splits into
    two of the same direction.
    """

    def __init__(self, spec: EFN, features: Features) -> None:
        super().__init__()
        self.input = TokenInput(DIRECTIONS, features, (0,))
        self.columns = columns(("log_pt",), features.constituents, "constituent")
        self.phi = dense((len(DIRECTIONS), *spec.phi))
        widths = (spec.phi[-1], *spec.f)
        self.f = nn.Sequential(*dense(widths), nn.Linear(widths[-1], len(features.classes)))

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]."""
        jet = batch.jet(0)
        tokens, mask = self.input(jet)
        log_pt = jet.constituents[..., self.columns].masked_fill(~mask.unsqueeze(-1), 0.0)
        pt = log_pt.exp().masked_fill(~mask.unsqueeze(-1), 0.0)
        z = pt / pt.sum(1, keepdim=True).clamp(min=1e-12)
        return self.f((z * self.phi(tokens)).sum(1))
