"""The Lund tree of a jet: Cambridge/Aachen clustering undone, for all jets of a batch at once.

Dokshitzer et al., JHEP 08 (1997) 001 (hep-ph/9707323); Wobisch and Wengler (hep-ph/9907280); Lund
planes: Dreyer, Salam and Soyez, JHEP 12 (2018) 064 (arXiv:1807.04758). A network gets jets as
padded tensors, in shuffled batches: fastjet would cluster one jet at a time and tell only the
primary plane of arrays. So the clustering is done here, to the same tree (the tests compare them).
"""

from typing import NamedTuple

import torch
from torch import Tensor

SMALLEST = 1e-10
"""Floor of angles, masses and momenta [rad, GeV] below a logarithm."""


class Tree(NamedTuple):
    """Declusterings, in the order of the clustering: the last valid one is the root.

    Attributes
    ----------
    harder, softer : Tensor [B, N−1, N] bool
        The constituents of both branches.
    neighbours : Tensor [B, N−1, 3] int64
        Declusterings that made the branches, and the one that this one is a branch of.
    linked : Tensor [B, N−1, 3] bool
        Which of these there are.
    mask : Tensor [B, N−1] bool
        False where the jet has fewer constituents.
    """

    harder: Tensor
    softer: Tensor
    neighbours: Tensor
    linked: Tensor
    mask: Tensor


@torch.no_grad()
def lund_tree(momenta: Tensor, mask: Tensor) -> Tree:
    """Return the tree of each jet, by Cambridge/Aachen with the E scheme in (y, φ).

    Parameters
    ----------
    momenta : Tensor [B, N, 4]
        (E, px, py, pz) in GeV; padding is ignored.
    mask : Tensor [B, N] bool
    """
    events, slots = mask.shape
    steps = max(slots - 1, 0)
    jet = torch.arange(events, device=mask.device)
    p = momenta.double().masked_fill(~mask.unsqueeze(-1), 0.0)
    alive = mask.clone()
    holds = torch.eye(slots, dtype=torch.bool, device=mask.device).expand(events, -1, -1).clone()
    origin = torch.full((events, slots), -1, dtype=torch.int64, device=mask.device)
    distance = _distances(p, p).masked_fill(~(alive.unsqueeze(2) & alive.unsqueeze(1)), torch.inf)
    distance.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    branches = [mask.new_zeros(events, steps, slots) for _ in range(2)]
    neighbours = torch.zeros(events, steps, 3, dtype=torch.int64, device=mask.device)
    linked = mask.new_zeros(events, steps, 3)
    valid = mask.new_zeros(events, steps)
    for step in range(steps):
        least, pair = distance.flatten(1).min(1)
        merges = torch.isfinite(least)
        first, second = pair // slots, pair % slots
        swap = p[jet, first, 1:3].norm(dim=-1) < p[jet, second, 1:3].norm(dim=-1)
        hard, soft = torch.where(swap, second, first), torch.where(swap, first, second)
        valid[:, step] = merges
        for number, branch in enumerate((hard, soft)):
            branches[number][:, step] = holds[jet, branch] & merges[:, None]
            made = origin[jet, branch]
            known = merges & (made >= 0)
            neighbours[:, step, number] = made.clamp(min=0)
            linked[:, step, number] = known
            back = made.clamp(min=0)
            neighbours[jet, back, 2] = torch.where(known, step, neighbours[jet, back, 2])
            linked[jet, back, 2] |= known
        # the harder slot holds the sum, the softer one is gone
        keep = merges.unsqueeze(-1)
        p[jet, hard] = torch.where(keep, p[jet, hard] + p[jet, soft], p[jet, hard])
        holds[jet, hard] |= holds[jet, soft] & keep
        origin[jet, hard] = torch.where(merges, step, origin[jet, hard])
        alive[jet, soft] &= ~merges
        distance[jet, soft] = torch.where(keep, torch.inf, distance[jet, soft])
        distance[jet, :, soft] = torch.where(keep, torch.inf, distance[jet, :, soft])
        row = _distances(p[jet, hard].unsqueeze(1), p)[:, 0].masked_fill(~alive, torch.inf)
        row[jet, hard] = torch.inf
        distance[jet, hard] = torch.where(keep, row, distance[jet, hard])
        distance[jet, :, hard] = torch.where(keep, row, distance[jet, :, hard])
    return Tree(branches[0], branches[1], neighbours, linked, valid)


def lund_coordinates(momenta: Tensor, tree: Tree) -> dict[str, Tensor]:
    """Return the coordinates of each declustering into branches a (harder) and b, differentiable.

    z = pTb / (pTa + pTb), Δ² = (ya − yb)² + (φa − φb)², kT = pTb Δ, the azimuth ψ of b about a,
    and the mass of a + b (arXiv:2012.08526).

    Parameters
    ----------
    momenta : Tensor [B, N, 4]
        (E, px, py, pz) in GeV, zero for padding.
    tree : Tree

    Returns
    -------
    dict of Tensor [B, N−1] float64
        `log_z`, `log_delta`, `log_kt`, `log_mass` (GeV) and `psi` (rad); finite for padding.
    """
    p = momenta.double()
    unit = p.new_tensor([1.5, 1.0, 0.0, 0.5])  # stands for what is not there
    a, b = (
        torch.where(tree.mask.unsqueeze(-1), branch.double() @ p, unit)
        for branch in (tree.harder, tree.softer)
    )
    pt_a, pt_b = (x[..., 1:3].square().sum(-1).clamp(min=SMALLEST**2).sqrt() for x in (a, b))
    dy = rapidity(b) - rapidity(a)
    dphi = torch.atan2(
        a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1], (a[..., 1:3] * b[..., 1:3]).sum(-1)
    )
    delta = (dy.square() + dphi.square()).clamp(min=SMALLEST**2).sqrt()
    total = a + b
    square = total[..., 0].square() - total[..., 1:].square().sum(-1)
    same = (dy == 0) & (dphi == 0)  # no direction: atan2 has no gradient there
    return {
        "log_z": (pt_b / (pt_a + pt_b)).clamp(min=SMALLEST).log(),
        "log_delta": delta.log(),
        "log_kt": (pt_b * delta).clamp(min=SMALLEST).log(),
        "log_mass": 0.5 * square.clamp(min=SMALLEST).log(),
        "psi": torch.atan2(dy.masked_fill(same, 0.0), dphi.masked_fill(same, 1.0)),
    }


def rapidity(p: Tensor) -> Tensor:
    """Return y = ½ ln((E + pz)/(E − pz)) of momenta [..., 4], by the smaller light-cone part.

    E − |pz| is (pT² + m²)/(E + |pz|), which does not cancel for fast particles.
    """
    energy, pz = p[..., 0], p[..., 3]
    pt_square = p[..., 1:3].square().sum(-1)
    mass_square = (energy.square() - pt_square - pz.square()).clamp(min=0)
    large = energy + pz.abs()
    small = (pt_square + mass_square) / large.clamp(min=SMALLEST)
    ratio = large.clamp(min=SMALLEST) / small.clamp(min=SMALLEST)
    return 0.5 * pz.sign() * ratio.log()


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """Return Δ² [B, A, N] of momenta a [B, A, 4] and b [B, N, 4]."""
    dy = rapidity(a).unsqueeze(2) - rapidity(b).unsqueeze(1)
    phi_a, phi_b = (torch.atan2(x[..., 2], x[..., 1]) for x in (a, b))
    dphi = torch.remainder(phi_a.unsqueeze(2) - phi_b.unsqueeze(1) + torch.pi, 2 * torch.pi)
    return dy.square() + (dphi - torch.pi).square()
