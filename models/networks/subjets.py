"""The subjets of a fat jet as tokens."""

import torch
from torch import Tensor

from models.config.specs import Features
from models.networks.batch import Batch, Jet
from models.networks.inputs import columns
from models.networks.normalisation import Input, Standardise

_COLUMNS = ("deta", "dphi", "log_pt", "log_mass", "log_pt_rel")
_NEAREST, _SOFTEST = 1e-2, 1e-4  # where logarithms end


class SubjetInput(Input):
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
        super().__init__()
        self.columns = columns(_COLUMNS, features.subjets, "subjet")
        self.jets = jets
        self.standardise = Standardise((self.SIZE,))

    def encode(self, jet: Jet) -> tuple[Tensor, Tensor]:
        """Return the features [B, S, 6] and the mask [B, S]."""
        mask = jet.subjet_mask
        known = jet.subjets[..., self.columns].masked_fill(~mask.unsqueeze(-1), 0.0)
        deta, dphi, log_pt, log_mass, log_z = known.unbind(-1)
        leading = log_z.masked_fill(~mask, -torch.inf).argmax(1, keepdim=True)
        deta_1, dphi_1, log_z_1 = (x.gather(1, leading) for x in (deta, dphi, log_z))
        from_axis = _length(deta, dphi)
        from_leading = _length(deta - deta_1, dphi - dphi_1)
        product = (log_z + log_z_1).exp().clamp(min=_SOFTEST)
        pair = product.log() / 2 + from_leading.clamp(min=_NEAREST).log()
        parts = [log_pt, log_mass, log_z, from_axis, from_leading, pair]
        return torch.stack(parts, dim=-1), mask

    def forward(self, jet: Jet) -> tuple[Tensor, Tensor]:
        """Return standardised tokens [B, S, 6], zero where padded, and the mask [B, S]."""
        tokens, mask = self.encode(jet)
        return self.standardise(tokens, mask), mask

    def observe(self, batch: Batch) -> None:
        for jet in self.jets:
            self.standardise.observe(*self.encode(batch.jet(jet)))


def _length(x: Tensor, y: Tensor) -> Tensor:
    return (x.square() + y.square() + 1e-12).sqrt()  # with a gradient at zero
