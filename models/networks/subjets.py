"""The subjets of a fat jet as tokens."""

import torch
from torch import Tensor

from models.config.specs import Features
from models.networks.batch import Jet
from models.networks.inputs import TokenInput
from models.networks.normalisation import Standardise

_COLUMNS = ("deta", "dphi", "log_pt", "log_mass", "log_pt_rel")
_NEAREST, _SOFTEST = 1e-2, 1e-4  # where logarithms end


class SubjetInput(TokenInput):
    """Six features of each subjet, none of which changes if the jet is rotated or mirrored.

    They are ln pT, ln m, ln z with z = pT / pT of the jet, ΔR to the jet's axis, ΔR to the leading
    subjet, and ln(√(z z₁) ΔR₁): about the mass that it has with the leading subjet, over the pT of
    the jet.

    Parameters
    ----------
    features : Features
    jets : tuple of int
        The jets that go through this layer.
    """

    SIZE = 6

    def __init__(self, features: Features, jets: tuple[int, ...]) -> None:
        super().__init__(_COLUMNS, features, jets, of="subjets")
        self.standardise = Standardise((self.SIZE,))

    def encode(self, jet: Jet) -> tuple[Tensor, Tensor]:
        """Return the features [B, S, 6] and the mask [B, S]."""
        given, mask = super().encode(jet)
        known = given.masked_fill(~mask.unsqueeze(-1), 0.0)
        deta, dphi, log_pt, log_mass, log_z = known.unbind(-1)
        leading = log_z.masked_fill(~mask, -torch.inf).argmax(1, keepdim=True)
        deta_1, dphi_1, log_z_1 = (x.gather(1, leading) for x in (deta, dphi, log_z))
        from_axis = _length(deta, dphi)
        from_leading = _length(deta - deta_1, dphi - dphi_1)
        product = (log_z + log_z_1).exp().clamp(min=_SOFTEST)
        pair = product.log() / 2 + from_leading.clamp(min=_NEAREST).log()
        parts = [log_pt, log_mass, log_z, from_axis, from_leading, pair]
        return torch.stack(parts, dim=-1), mask


def _length(x: Tensor, y: Tensor) -> Tensor:
    return (x.square() + y.square() + 1e-12).sqrt()  # with a gradient at zero
