"""Dropout with random numbers that cost little on a CPU.

There torch's own draws 32 or 53 bits one number at a time, which takes a tenth of a training. It
has no setting for fewer; on GPUs it is torch's that runs.
"""

import torch
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """Dropout of `torch.nn`, on a CPU with 16 random bits for each number.

    The probability is rounded to a multiple of 2⁻¹⁶; what is kept is scaled by its exact inverse.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0 or x.device.type != "cpu":
            return super().forward(x)
        return x * kept(x.shape, self.p).to(x.dtype)


def kept(shape: torch.Size, p: float) -> Tensor:
    """Return numbers that are 0 with probability p, else the inverse of 1 − p."""
    dropped = min(round(p * 2**16), 2**16 - 1)
    words = torch.randint(-(2**63), 2**63 - 1, ((shape.numel() + 3) // 4,))
    bits = words.view(torch.int16)[: shape.numel()].view(shape)
    keep = torch.ge(bits, dropped - 2**15, out=torch.empty(shape))
    return keep.mul_(2**16 / (2**16 - dropped))
