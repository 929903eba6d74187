"""Muon: weights of layers move along orthogonalised momentum, all other parameters by AdamW.

K. Jordan and others, https://kellerjordan.github.io/posts/muon; steps as long as AdamW's: Liu et
al., arXiv:2502.16982. Matrices of one shape go through the iterations together: `torch.optim.Muon`
takes ten times as long for the many small ones of these networks.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

MOMENTUM = 0.95
_QUINTIC = (3.4445, -4.7750, 2.0315)
_STEPS = 5
_LENGTH = 0.2  # root mean square of an update of AdamW, as of most trainings


class Muon(Optimizer):
    """Muon for the matrices, AdamW for vectors, embeddings and single numbers.

    Parameters
    ----------
    parameters : iterable of Parameter
    lr, weight_decay : float
        Of both; the weight decay is decoupled.
    fused : bool, optional
        AdamW's own.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        weight_decay: float,
        fused: bool | None = None,
    ) -> None:
        every = list(parameters)
        matrices = [p for p in every if is_matrix(p)]
        others = [p for p in every if not is_matrix(p)]
        groups = [{"params": matrices}, {"params": others}]
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay})
        # it works on the second group and keeps its moments in this state
        self._adamw = AdamW([self.param_groups[1]], lr, weight_decay=weight_decay, fused=fused)
        self._adamw.state = self.state

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Do one step; the closure, if any, computes the gradients and its value is returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        matrices = self.param_groups[0]
        for weights in _of_one_shape(p for p in matrices["params"] if p.grad is not None):
            direction = orthogonal(torch.stack([self._momentum(weight) for weight in weights]))
            length = matrices["lr"] * _LENGTH * max(weights[0].shape) ** 0.5
            for weight, update in zip(weights, direction, strict=True):
                weight.mul_(1 - matrices["lr"] * matrices["weight_decay"])
                weight.add_(update, alpha=-length)
        self._adamw.step()
        return loss

    def _momentum(self, weight: nn.Parameter) -> Tensor:
        """Return Nesterov's momentum of a weight, with its new gradient."""
        state, gradient = self.state[weight], weight.grad
        assert gradient is not None
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(state["momentum"], MOMENTUM)


def is_matrix(parameter: Tensor) -> bool:
    """Return whether a parameter is the matrix of a layer, and no table of a few vectors."""
    return parameter.dim() == 2 and min(parameter.shape) >= 8


def _of_one_shape(parameters: Iterable[nn.Parameter]) -> list[list[nn.Parameter]]:
    found = defaultdict(list)
    for parameter in parameters:
        found[parameter.shape].append(parameter)
    return list(found.values())


def orthogonal(matrices: Tensor) -> Tensor:
    """Return U S Vᵀ of matrices U Σ Vᵀ [N, A, B], with all of S near one.

    Five Newton–Schulz iterations of an odd quintic, which does not converge to one but
    stays between 0.7 and 1.2.
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    a, b, c = _QUINTIC
    for _ in range(_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
