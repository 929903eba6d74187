"""All particles of an event as one cloud: the input of other people's networks."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from common.errors import ModelError
from models.config.specs import Features
from models.networks.batch import Batch, Jet
from models.networks.inputs import TokenInput, columns
from models.networks.normalisation import Input, Standardise


class Cloud(NamedTuple):
    """The constituents of all jets side by side, S = J·N places, or the objects of the event.

    Attributes
    ----------
    tokens : Tensor [B, S, F]
        Standardised features; of constituents, the number of the jet, too.
    momenta : Tensor [B, S, 4]
        (E, px, py, pz) in GeV.
    points : Tensor [B, S, 2]
        (η, φ) in the laboratory, φ relative to fat jet 1 and without a jump inside a jet; of
        objects of the event, relative to its axis, between −π/2 and 3π/2.
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
        return _filled(*(torch.cat(x, dim=1) for x in (tokens, momenta, points, masks)))


class EventCloudInput(Input):
    """The leading energy-flow objects of the whole event; no fat jet enters (arXiv:2508.15048)."""

    def __init__(self, wanted: tuple[str, ...], features: Features, count: int) -> None:
        super().__init__()
        self.columns = columns(wanted, features.objects, "object")
        self.momenta = columns(
            ("log_pt", "log_energy", "eta", "sin_phi", "cos_phi"), features.objects, "object"
        )
        self.count = count
        self.size = len(wanted)
        unscaled = (
            i
            for i, name in enumerate(wanted)
            if name in ("charge", "sin_phi", "cos_phi") or name.startswith("is_")
        )
        self.standardise = Standardise((len(wanted),), unscaled)

    def objects(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return all features [B, M, F] and the mask [B, M] of the leading objects.

        Raises
        ------
        ModelError
            If the batch has none.
        """
        if batch.objects is None or batch.object_mask is None:
            raise ModelError(
                "this network sees the objects of the whole event (`objects`), which these events "
                "do not have; write their dataset again, with this network in the configuration"
            )
        return batch.objects[:, : self.count], batch.object_mask[:, : self.count]

    def observe(self, batch: Batch) -> None:
        objects, mask = self.objects(batch)
        self.standardise.observe(objects[..., self.columns], mask)

    def forward(self, batch: Batch) -> Cloud:
        """Return the cloud of a batch."""
        objects, mask = self.objects(batch)
        tokens = self.standardise(objects[..., self.columns], mask)
        raw = objects[..., self.momenta].masked_fill(~mask.unsqueeze(-1), 0.0)
        log_pt, log_energy, eta, sin, cos = raw.unbind(-1)
        pt = log_pt.exp()
        momenta = torch.stack([log_energy.exp(), pt * cos, pt * sin, pt * eta.sinh()], dim=-1)
        quarter = torch.pi / 2  # the cut of φ lies across the axis, where the least energy is
        phi = torch.atan2(-cos.masked_fill(~mask, -1.0), sin) + quarter
        return _filled(tokens, momenta, torch.stack([eta, phi], dim=-1), mask)


def cloud_input(spec: Any, features: Features) -> CloudInput | EventCloudInput:
    """Return the input of a network of one cloud: fat jets, or the whole event."""
    if spec.objects:
        return EventCloudInput(spec.object_features, features, spec.objects)
    return CloudInput(spec.constituent_features, features, spec.jets)


def _filled(tokens: Tensor, momenta: Tensor, points: Tensor, mask: Tensor) -> Cloud:
    """Return a cloud whose padding is zero, with one particle of zeros where there is none."""
    keep = mask.unsqueeze(-1)
    filled = [x.masked_fill(~keep, 0.0) for x in (tokens, momenta, points)]
    first = torch.zeros_like(mask)
    first[:, 0] = ~mask.any(1)
    return Cloud(filled[0], filled[1], filled[2], mask | first)
