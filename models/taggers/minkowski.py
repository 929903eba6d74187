"""Products of four-momenta (E, px, py, pz), and the references that break Lorentz symmetry."""

import torch
from torch import Tensor, nn

from models.networks.cloud import Cloud

SCALE = 20.0
"""Unit of momenta inside the equivariant networks [GeV], as in their authors' code."""

BEAMS = ((1.0, 0.0, 0.0, 1.0), (1.0, 0.0, 0.0, -1.0))
TIME = (1.0, 0.0, 0.0, 0.0)


def product(p: Tensor, q: Tensor) -> Tensor:
    """Return p·q = E E' − p⃗·p⃗' [...] of momenta [..., 4]."""
    terms = p * q
    return terms[..., 0] - terms[..., 1:].sum(-1)


def signed_log(x: Tensor) -> Tensor:
    """Return sgn(x) ln(1 + |x|)."""
    return x.sign() * x.abs().log1p()


class References(nn.Module):
    """Constant momenta beside the particles: along both beams, and in time.

    Attributes
    ----------
    momenta : Tensor [R, 4]
        A buffer; empty where there are none.
    """

    momenta: Tensor

    def __init__(self, beams: bool, time: bool = False) -> None:
        super().__init__()
        chosen = [*(BEAMS if beams else ()), *((TIME,) if beams and time else ())]
        self.register_buffer("momenta", torch.tensor(chosen).reshape(-1, 4), persistent=False)

    def __len__(self) -> int:
        return len(self.momenta)

    def forward(self, cloud: Cloud) -> tuple[Tensor, Tensor, Tensor]:
        """Return scalars [B, R + S, F + 1], momenta [B, R + S, 4] in units of `SCALE`, mask.

        The references come first and differ from particles by the last scalar.
        """
        events, count = cloud.mask.shape[0], len(self)
        scalars = nn.functional.pad(cloud.tokens, (0, 1, count, 0))
        scalars[:, :count, -1] = 1.0
        references = self.momenta.to(cloud.momenta.dtype).expand(events, -1, -1)
        momenta = torch.cat([references, cloud.momenta / SCALE], dim=1)
        return scalars, momenta, nn.functional.pad(cloud.mask, (count, 0), value=True)


def pair_mask(mask: Tensor) -> Tensor:
    """Return [B, N, N]: pairs of two different valid tokens of mask [B, N]."""
    apart = ~torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
    return mask.unsqueeze(2) & mask.unsqueeze(1) & apart
