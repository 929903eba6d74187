"""All constituents of an event as one cloud of particles: the input of other people's networks."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.config.specs import Features
from models.networks.batch import Batch, Jet
from models.networks.inputs import TokenInput, columns


class Cloud(NamedTuple):
    """The constituents of all jets side by side, S = J·N places.

    Attributes
    ----------
    tokens : Tensor [B, S, F + 1]
        Standardised features and the number of the jet.
    momenta : Tensor [B, S, 4]
        (E, px, py, pz) in GeV.
    points : Tensor [B, S, 2]
        (η, φ) in the laboratory, φ relative to fat jet 1 and without a jump inside a jet.
    mask : Tensor [B, S] bool
        At least one True per event: an empty event has one particle of zeros.
    """

    tokens: Tensor
    momenta: Tensor
    points: Tensor
    mask: Tensor


class Momenta(nn.Module):
    """Four-momenta and positions of a jet's constituents."""

    def __init__(self, features: Features) -> None:
        super().__init__()
        self.columns = columns(
            ("log_pt", "log_energy", "deta", "dphi"), features.constituents, "constituent"
        )
        self.jet_columns = columns(("eta", "phi"), features.kinematics, "kinematic")

    def forward(self, jet: Jet, reference: Tensor) -> tuple[Tensor, Tensor]:
        """Return (E, px, py, pz) [B, N, 4] in GeV and (η, φ) [B, N, 2], zero where padded.

        φ is relative to `reference` [B].
        """
        keep = jet.constituent_mask.unsqueeze(-1)
        raw = jet.constituents[..., self.columns].masked_fill(~keep, 0.0)
        log_pt, log_energy, deta, dphi = raw.unbind(-1)
        jet_eta, jet_phi = jet.kinematics[:, self.jet_columns].unbind(-1)
        eta = jet_eta[:, None] + deta
        phi = torch.remainder(jet_phi - reference, 2 * torch.pi)[:, None] + dphi
        pt = log_pt.exp()
        momenta = [log_energy.exp(), pt * phi.cos(), pt * phi.sin(), pt * eta.sinh()]
        points = torch.stack([eta, phi], dim=-1)
        return torch.stack(momenta, dim=-1).masked_fill(~keep, 0.0), points.masked_fill(~keep, 0.0)


class CloudInput(nn.Module):
    """Lay the jets side by side, with features, four-momenta and positions."""

    def __init__(self, wanted: tuple[str, ...], features: Features, jets: int) -> None:
        super().__init__()
        self.jets = jets
        self.input = TokenInput(wanted, features, tuple(range(jets)))
        self.momenta = Momenta(features)
        self.size = len(wanted) + 1

    def forward(self, batch: Batch) -> Cloud:
        """Return the cloud of a batch."""
        tokens, momenta, points, masks = [], [], [], []
        reference = batch.kinematics[:, 0, self.momenta.jet_columns[1]]
        for number in range(self.jets):
            jet = batch.jet(number)
            features, mask = self.input(jet)
            momentum, position = self.momenta(jet, reference)
            tokens.append(torch.nn.functional.pad(features, (0, 1), value=float(number)))
            momenta.append(momentum)
            points.append(position)
            masks.append(mask)
        mask = torch.cat(masks, dim=1)
        keep = mask.unsqueeze(-1)
        filled = [torch.cat(x, dim=1).masked_fill(~keep, 0.0) for x in (tokens, momenta, points)]
        first = torch.zeros_like(mask)
        first[:, 0] = ~mask.any(1)
        return Cloud(filled[0], filled[1], filled[2], mask | first)
