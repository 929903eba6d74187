"""Classical references: high-level features of the two fat jets, a perceptron on them."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from common.angles import delta_phi
from models.config.specs import Features, HighLevelMLP
from models.networks.batch import Batch, Jet
from models.networks.dropout import Dropout
from models.networks.inputs import columns
from models.networks.normalisation import Input, Standardise

FEATURES_OF_JET = (
    "log_mass",
    "eta",
    "log_pt",
    "multiplicity",
    "tau_1",
    "tau_21",
    "tau_32",
    "subjets",
    "subjet_log_pt_1",
    "subjet_log_pt_2",
    "subjet_log_mass_1",
    "subjet_log_mass_2",
    "subjet_delta_r",
)
FEATURES_OF_EVENT = ("log_mass", "log_pt", "delta_eta", "delta_phi", "delta_r")
NAMES = (
    *(f"jet_{number}_{name}" for number in (1, 2) for name in FEATURES_OF_JET),
    *(f"event_{name}" for name in FEATURES_OF_EVENT),
)
SMALLEST = 1e-4


def n_subjettiness(pt: Tensor, position: Tensor, axes: Tensor, present: Tensor) -> Tensor:
    """Return τ_N = Σ pT min_k ΔR(i, axis k) / Σ pT (β = 1, R₀ = 1; arXiv:1011.2268).

    Parameters
    ----------
    pt : Tensor [B, P]
        GeV; zero for padding.
    position : Tensor [B, P, 2]
        (Δη, Δφ) to the jet axis.
    axes : Tensor [B, N, 2]
        (Δη, Δφ) of the N axes.
    present : Tensor [B, N] bool
        Axes that exist; where there is none, the jet axis stands in.

    Returns
    -------
    Tensor [B]
    """
    distance = (position.unsqueeze(2) - axes.unsqueeze(1)).norm(dim=-1)
    distance = distance.masked_fill(~present.unsqueeze(1), torch.inf)
    alone = position.norm(dim=-1)
    nearest = torch.where(present.any(1, keepdim=True), distance.amin(-1), alone)
    return (pt * nearest).sum(1) / pt.sum(1).clamp(min=SMALLEST)


class HighLevelInput(Input):
    """Masses, momenta, N-subjettiness with the subjets as axes, and subjet kinematics."""

    def __init__(self, features: Features) -> None:
        super().__init__()
        self.kinematics = columns(("mass", "eta", "phi", "pt"), features.kinematics, "kinematic")
        self.constituents = columns(
            ("log_pt", "deta", "dphi"), features.constituents, "constituent"
        )
        self.subjets = columns(("log_pt", "log_mass", "deta", "dphi"), features.subjets, "subjet")
        self.standardise = Standardise((len(NAMES),))

    def _jet(self, jet: Jet) -> list[Tensor]:
        mass, eta, _, pt = jet.kinematics[:, self.kinematics].unbind(-1)
        mask = jet.constituent_mask
        raw = jet.constituents[..., self.constituents].masked_fill(~mask.unsqueeze(-1), 0.0)
        momentum = raw[..., 0].exp().masked_fill(~mask, 0.0)
        sub = jet.subjets[..., self.subjets].masked_fill(~jet.subjet_mask.unsqueeze(-1), 0.0)
        key = sub[..., 0].masked_fill(~jet.subjet_mask, -torch.inf)
        order = key.argsort(dim=-1, descending=True, stable=True)[:, :3]
        sub = sub.gather(1, order.unsqueeze(-1).expand(-1, -1, 4))
        there = jet.subjet_mask.gather(1, order)
        tau = [
            n_subjettiness(momentum, raw[..., 1:], sub[:, :n, 2:], there[:, :n]) for n in (1, 2, 3)
        ]
        ratios = [b / a.clamp(min=SMALLEST) for a, b in pairwise(tau)]
        distance = (sub[:, 0, 2:] - sub[:, 1, 2:]).norm(dim=-1).masked_fill(~there[:, 1], 0.0)
        return [
            mass.log1p(),
            eta,
            pt.log1p(),
            mask.sum(1).float(),
            tau[0],
            *ratios,
            jet.subjet_mask.sum(1).float(),
            *sub[:, :2, 0].unbind(-1),
            *sub[:, :2, 1].unbind(-1),
            distance,
        ]

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the features `NAMES` [B, 1, F] and a mask that is all True."""
        mass, eta, phi, pt = batch.kinematics[..., self.kinematics].unbind(-1)
        deta = eta[:, 0] - eta[:, 1]
        dphi = delta_phi(phi[:, 0], phi[:, 1])
        distance = (deta.square() + dphi.square()).sqrt()  # ONNX has no hypot
        event = [mass[:, 2].log1p(), pt[:, 2].log1p(), deta, dphi.abs(), distance]
        found = torch.stack(
            [*self._jet(batch.jet(0)), *self._jet(batch.jet(1)), *event], dim=-1
        ).unsqueeze(1)
        return found, torch.ones_like(found[..., 0], dtype=torch.bool)

    def forward(self, batch: Batch) -> Tensor:
        """Return standardised features [B, F]."""
        return self.standardise(*self.encode(batch)).squeeze(1)

    def observe(self, batch: Batch) -> None:
        self.standardise.observe(*self.encode(batch))


class HighLevelNetwork(nn.Module):
    """A multilayer perceptron on the high-level features."""

    def __init__(self, spec: HighLevelMLP, features: Features) -> None:
        super().__init__()
        self.input = HighLevelInput(features)
        widths = [len(NAMES), *[spec.width] * spec.layers]
        hidden = [
            layer
            for inputs, outputs in pairwise(widths)
            for layer in (nn.Linear(inputs, outputs), nn.GELU(), Dropout(spec.dropout))
        ]
        self.layers = nn.Sequential(*hidden, nn.Linear(spec.width, 2))

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, 2]."""
        return self.layers(self.input(batch))
