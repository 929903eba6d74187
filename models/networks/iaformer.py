"""IAFormer: attention from boost-invariant quantities of pairs, and differential attention.

Esmail, Hammad and Nojiri, arXiv:2505.03258; differential attention: arXiv:2410.05258.
"""

import torch
from torch import Tensor, nn

from models.config.specs import Features, IAFormerEncoder, Transformer
from models.networks.attention import mlp
from models.networks.batch import Batch, Jet
from models.networks.dropout import Dropout
from models.networks.encoders import JetEncoder
from models.networks.inputs import TokenInput, columns
from models.networks.normalisation import Input, Standardise

SMALLEST_ANGLE = 1e-3
"""Two constituents of one calorimeter tower have the same direction: their Δ, for logarithms."""


def pair_quantities(
    pt: Tensor, energy: Tensor, eta: Tensor, phi: Tensor, jet_pt: Tensor, jet_energy: Tensor
) -> dict[str, Tensor]:
    """Return the pair features of IAFormer for constituents a and b.

    (pTa + pTb)/pTj, (Ea + Eb)/Ej, Δ = √(Δη² + Δφ²), kT = min(pT)·Δ, z = min(pT)/(pTa + pTb), and
    m² = 2 pTa pTb (cosh Δη − cos Δφ), which is (Ea + Eb)² − |pa + pb|² of massless particles in
    a form that does not cancel in single precision.

    Parameters
    ----------
    pt, energy, eta, phi : Tensor [B, N]
        GeV and radians; η and φ relative to the jet.
    jet_pt, jet_energy : Tensor [B]
        GeV.

    Returns
    -------
    dict of Tensor [B, N, N]
        GeV for `kt`, GeV² for `mass`, else without unit.
    """
    pt_a, pt_b = pt.unsqueeze(2), pt.unsqueeze(1)
    deta = eta.unsqueeze(2) - eta.unsqueeze(1)
    dphi = phi.unsqueeze(2) - phi.unsqueeze(1)
    softer = torch.minimum(pt_a, pt_b)
    least = SMALLEST_ANGLE**2
    delta = (deta.square() + dphi.square()).clamp(min=least).sqrt()
    chord = 4 * ((deta / 2).sinh().square() + (dphi / 2).sin().square())
    return {
        "pt": (pt_a + pt_b) / jet_pt[:, None, None],
        "energy": (energy.unsqueeze(2) + energy.unsqueeze(1)) / jet_energy[:, None, None],
        "delta": delta,
        "kt": softer * delta,
        "z": softer / (pt_a + pt_b),
        "mass": pt_a * pt_b * chord.clamp(min=least),
    }


class PairInput(Input):
    """Standardised logarithms of the pair features; pairs with padding or with itself are zero."""

    def __init__(self, wanted: tuple[str, ...], features: Features, jets: tuple[int, ...]) -> None:
        super().__init__()
        self.wanted = wanted
        self.jets = jets
        self.columns = columns(
            ("log_pt", "log_energy", "deta", "dphi"), features.constituents, "constituent"
        )
        self.jet_columns = columns(("pt", "energy"), features.kinematics, "kinematic")
        self.standardise = Standardise((len(wanted),))

    def encode(self, jet: Jet) -> tuple[Tensor, Tensor]:
        """Return log features [B, N, N, F] and the mask [B, N, N] of pairs of two constituents."""
        mask = jet.constituent_mask
        raw = jet.constituents[..., self.columns].masked_fill(~mask.unsqueeze(-1), 0.0)
        log_pt, log_energy, eta, phi = raw.unbind(-1)  # padding: 1 GeV on the axis
        jet_pt, jet_energy = jet.kinematics[..., self.jet_columns].unbind(-1)
        pairs = mask.unsqueeze(2) & mask.unsqueeze(1)
        pairs = pairs & ~torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
        found = pair_quantities(log_pt.exp(), log_energy.exp(), eta, phi, jet_pt, jet_energy)
        return torch.stack([found[name].log() for name in self.wanted], dim=-1), pairs

    def forward(self, jet: Jet) -> Tensor:
        return self.standardise(*self.encode(jet))

    def observe(self, batch: Batch) -> None:
        for jet in self.jets:
            logs, pairs = self.encode(batch.jet(jet))
            self.standardise.observe(logs.flatten(1, 2), pairs.flatten(1, 2))


class DifferentialAttention(nn.Module):
    """(softmax(J₁) − β softmax(J₂)) V with J₁, J₂ linear in the pair features.

    Attributes
    ----------
    beta : Parameter [heads]
        Strength of the second, subtracted attention; learned from 0.1.
    """

    def __init__(self, size: Transformer, pair_width: int) -> None:
        super().__init__()
        self.heads = size.heads
        self.logits = nn.Linear(pair_width, 2 * size.heads)
        self.value = nn.Linear(size.width, size.width)
        self.output = nn.Linear(size.width, size.width)
        self.beta = nn.Parameter(torch.full((size.heads,), 0.1))

    def weights(self, pairs: Tensor, mask: Tensor) -> Tensor:
        """Return the attention [B, heads, N, N] of pairs [B, N, N, C]; it sums to 1 − β."""
        allowed = (mask | ~mask.any(-1, keepdim=True))[:, None, None, :]
        logits = self.logits(pairs).permute(0, 3, 1, 2).masked_fill(~allowed, -torch.inf)
        first, second = logits.softmax(-1).chunk(2, dim=1)
        return first - self.beta[:, None, None] * second

    def forward(self, x: Tensor, pairs: Tensor, mask: Tensor) -> Tensor:
        """Return the update [B, N, D] of tokens x [B, N, D]."""
        value = self.value(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        gathered = self.weights(pairs, mask) @ value
        return self.output(gathered.transpose(1, 2).flatten(2))


class IAFormerLayer(nn.Module):
    """Tokens gather by differential attention; then tokens and pairs pass an MLP each."""

    def __init__(self, size: Transformer, pair_width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size.width)
        self.pair_norm = nn.LayerNorm(pair_width)
        self.attention = DifferentialAttention(size, pair_width)
        self.pair_mlp = mlp(pair_width, pair_width)
        self.mlp_norm = nn.LayerNorm(size.width)
        self.mlp = mlp(size.width, round(size.mlp_ratio * size.width))
        self.dropout = Dropout(size.dropout)

    def forward(self, x: Tensor, pairs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return tokens [B, N, D] and pairs [B, N, N, C]."""
        pairs = pairs + self.pair_mlp(self.pair_norm(pairs))
        x = x + self.dropout(self.attention(self.norm(x), pairs, mask))
        return x + self.dropout(self.mlp(self.mlp_norm(x))), pairs


class IAFormerJetEncoder(JetEncoder):
    """Constituents through layers whose attention comes from pairs alone."""

    def __init__(
        self,
        spec: IAFormerEncoder,
        size: Transformer,
        wanted: tuple[str, ...],
        features: Features,
        jets: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.input = TokenInput(wanted, features, jets)
        self.pair_input = PairInput(spec.pair_features, features, jets)
        self.embedding = nn.Sequential(
            nn.Linear(len(wanted), size.width), nn.GELU(), nn.Linear(size.width, size.width)
        )
        self.pair_embedding = nn.Linear(len(spec.pair_features), spec.pair_width)
        self.layers = nn.ModuleList(
            IAFormerLayer(size, spec.pair_width) for _ in range(spec.layers)
        )

    def forward(self, jet: Jet) -> tuple[Tensor, Tensor]:
        tokens, mask = self.input(jet)
        tokens, pairs = self.embedding(tokens), self.pair_embedding(self.pair_input(jet))
        for layer in self.layers:
            tokens, pairs = layer(tokens, pairs, mask)
        return tokens, mask
