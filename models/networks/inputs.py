"""The first layers of the streams: from the dataset's raw features to standardised tokens."""

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from common.errors import ModelError
from common.features import KINEMATIC_FEATURES
from models.config.specs import Features
from models.networks.batch import Batch, Jet
from models.networks.normalisation import Input, Standardise


def columns(wanted: tuple[str, ...], present: tuple[str, ...], what: str) -> list[int]:
    """Return the positions of the wanted features.

    Raises
    ------
    ModelError
        If the dataset lacks one; lists those it has.
    """
    missing = [name for name in wanted if name not in present]
    if missing:
        raise ModelError(
            f"the dataset has no {what} feature {', '.join(missing)}; it has {', '.join(present)}"
        )
    return [present.index(name) for name in wanted]


def in_pt_order(jet: Jet, features: Features) -> Jet:
    """Return the jet with its constituents in falling pT, padding last."""
    (log_pt,) = columns(("log_pt",), features.constituents, "constituent")
    mask = jet.constituent_mask
    key = jet.constituents[..., log_pt].masked_fill(~mask, -torch.inf)
    order = key.argsort(dim=-1, descending=True, stable=True)
    constituents = jet.constituents.gather(
        1, order.unsqueeze(-1).expand(-1, -1, jet.constituents.shape[-1])
    )
    return replace(jet, constituents=constituents, constituent_mask=mask.gather(1, order))


class TokenInput(Input):
    """Constituents (or subjets) of one jet, or of several that share the layer.

    Parameters
    ----------
    wanted : tuple of str
        Features that the network sees.
    features : Features
        Features that the dataset has.
    jets : tuple of int
        The jets that go through this layer.
    of : str
        "constituents" or "subjets".
    """

    def __init__(
        self,
        wanted: tuple[str, ...],
        features: Features,
        jets: tuple[int, ...],
        of: str = "constituents",
    ) -> None:
        super().__init__()
        self.columns = columns(wanted, getattr(features, of), of.removesuffix("s"))
        self.jets = jets
        self.of = of
        indicators = [
            i for i, name in enumerate(wanted) if name == "charge" or name.startswith("is_")
        ]
        self.standardise = Standardise((len(wanted),), indicators)

    def encode(self, jet: Jet) -> tuple[Tensor, Tensor]:
        """Return the wanted features [B, N, F] and the mask [B, N]."""
        mask = jet.constituent_mask if self.of == "constituents" else jet.subjet_mask
        return getattr(jet, self.of)[..., self.columns], mask

    def forward(self, jet: Jet) -> tuple[Tensor, Tensor]:
        """Return standardised tokens [B, N, F], zero where padded, and the mask [B, N]."""
        tokens, mask = self.encode(jet)
        return self.standardise(tokens, mask), mask

    def observe(self, batch: Batch) -> None:
        for jet in self.jets:
            self.standardise.observe(*self.encode(batch.jet(jet)))


class KinematicsInput(Input):
    """Kinematic tokens: fat jet 1, fat jet 2, and their sum H.

    With the encoding `relative` a token is (log m, η, sin Δφ, cos Δφ, log pT, log E, sin 2θ,
    cos 2θ): Δφ is the azimuth relative to fat jet 1, so that a rotation about the beam changes
    nothing; θ, an axis without direction, is periodic in π. With `published` it is
    (m, η, φ, pT, E, θ). Masses, momenta and energies are in GeV, and log x is log(1 + x/GeV).

    Parameters
    ----------
    encoding : str
        "relative" or "published".
    use_theta : bool
    features : Features
    tokens : int
        Tokens per event.
    """

    def __init__(self, encoding: str, use_theta: bool, features: Features, tokens: int = 3) -> None:
        super().__init__()
        self.columns = columns(KINEMATIC_FEATURES, features.kinematics, "kinematic")
        self.relative = encoding == "relative"
        self.use_theta = use_theta
        self.size = (6 + 2 * use_theta) if self.relative else (5 + use_theta)
        self.standardise = Standardise(
            (tokens, self.size), (2, 3, 6, 7)[: 2 + 2 * use_theta] if self.relative else ()
        )

    def encode(self, kinematics: Tensor) -> tuple[Tensor, Tensor]:
        """Return features [B, T, F] of kinematics [B, T, 6], and a mask that is all True."""
        mass, eta, phi, pt, energy, theta = kinematics[..., self.columns].unbind(-1)
        if self.relative:
            azimuth = phi - phi[:, :1]
            parts = [mass.log1p(), eta, azimuth.sin(), azimuth.cos(), pt.log1p(), energy.log1p()]
            angles = [(2 * theta).sin(), (2 * theta).cos()]
        else:
            parts, angles = [mass, eta, phi, pt, energy], [theta]
        tokens = torch.stack(parts + angles * self.use_theta, dim=-1)
        return tokens, torch.ones_like(mass, dtype=torch.bool)

    def forward(self, batch: Batch) -> Tensor:
        """Return standardised tokens [B, T, F]."""
        return self.standardise(*self.encode(batch.kinematics))

    def observe(self, batch: Batch) -> None:
        self.standardise.observe(*self.encode(batch.kinematics))


class MassInput(Input):
    """The mass hypothesis m_H as a token, with where the event stands to it.

    Its features are log m_H, standardised; ln(m_JJ / m_H) / 0.1, some mass resolutions; and
    ln(2 pT / m_H) / 0.3 of fat jets 1 and 2, which are 0 for a decay at rest, across the beam. The
    ratios end at ± 4. A network could make them of its other inputs, and does so badly.
    """

    SIZE = 4
    FURTHEST = 4.0

    def __init__(self, features: Features) -> None:
        super().__init__()
        self.columns = columns(("mass", "pt"), features.kinematics, "kinematic")
        self.standardise = Standardise((self.SIZE,), (1, 2, 3))

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the features [B, 1, 4], and a mask that is all True.

        Raises
        ------
        ModelError
            If the batch has no mass hypothesis.
        """
        if batch.mass is None:
            raise ModelError(
                "this network is for all m_H (mass_token: true): give the mass hypothesis that "
                "the events are to be trained or scored with"
            )
        log_mass = batch.mass.log()[:, None]
        mass, pt = batch.kinematics[..., self.columns].clamp(min=1.0).log().unbind(-1)
        ratios = [
            (mass[:, 2:] - log_mass) / 0.1,
            (pt[:, :2] + math.log(2) - log_mass) / 0.3,
        ]
        near = torch.cat(ratios, dim=1).clamp(-self.FURTHEST, self.FURTHEST)
        tokens = torch.cat([log_mass, near], dim=1).unsqueeze(1)
        return tokens, torch.ones_like(tokens[..., 0], dtype=torch.bool)

    def forward(self, batch: Batch) -> Tensor:
        """Return the standardised token [B, 1, 4]."""
        return self.standardise(*self.encode(batch))

    def observe(self, batch: Batch) -> None:
        self.standardise.observe(*self.encode(batch))


def parameter_count(network: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
