"""LundNet: edge convolutions along the Lund tree of a jet.

Dreyer and Qu, JHEP 03 (2021) 052 (arXiv:2012.08526).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from models.config.specs import Features, LundNet
from models.networks.attention import masked_mean
from models.networks.batch import Batch
from models.networks.cloud import Momenta
from models.networks.normalisation import Input, Standardise
from models.taggers.lund import Tree, lund_coordinates, lund_tree
from models.taggers.masked import MaskedBatchNorm


class LundInput(Input):
    """The declusterings of the leading jet, with standardised coordinates."""

    def __init__(self, wanted: tuple[str, ...], features: Features) -> None:
        super().__init__()
        self.wanted = wanted
        self.momenta = Momenta(features)
        self.standardise = Standardise((len(wanted),))

    def encode(self, batch: Batch) -> tuple[Tensor, Tree]:
        """Return coordinates [B, N−1, F] and the tree."""
        jet = batch.jet(0)
        momenta, _ = self.momenta(jet, jet.kinematics[:, self.momenta.jet_columns[1]])
        tree = lund_tree(momenta, jet.constituent_mask)
        by_name = lund_coordinates(momenta, tree)
        coordinates = torch.stack([by_name[name] for name in self.wanted], dim=-1)
        return coordinates.to(momenta.dtype), tree

    def forward(self, batch: Batch) -> tuple[Tensor, Tree]:
        coordinates, tree = self.encode(batch)
        return self.standardise(coordinates, tree.mask), tree

    def observe(self, batch: Batch) -> None:
        coordinates, tree = self.encode(batch)
        self.standardise.observe(coordinates, tree.mask)


class EdgeConvolution(nn.Module):
    """ReLU(mean over neighbours of an MLP of (x_j, x_i − x_j), beside a shortcut)."""

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.centre = nn.Linear(inputs, widths[0], bias=False)
        self.edge = nn.Linear(inputs, widths[0], bias=False)
        self.layers = nn.ModuleList(nn.Linear(i, o, bias=False) for i, o in pairwise(widths))
        self.norms = nn.ModuleList(MaskedBatchNorm(width) for width in widths)
        same = inputs == widths[-1]
        self.shortcut = None if same else nn.Linear(inputs, widths[-1], bias=False)
        self.shortcut_norm = None if same else MaskedBatchNorm(widths[-1])

    def forward(self, x: Tensor, tree: Tree) -> Tensor:
        """Return declusterings [B, N−1, D'] of x [B, N−1, D]; a lone one gathers zero."""
        events = torch.arange(x.shape[0], device=x.device)[:, None, None]
        neighbour = x[events, tree.neighbours]  # [B, N−1, 3, D]
        centre = x.unsqueeze(2)
        message = self.norms[0](
            self.edge(centre - neighbour) + self.centre(neighbour), tree.linked
        ).relu()
        for layer, norm in zip(self.layers, list(self.norms)[1:], strict=True):
            message = norm(layer(message), tree.linked).relu()
        gathered = masked_mean(message.flatten(0, 1), tree.linked.flatten(0, 1))
        beside = x
        if self.shortcut is not None and self.shortcut_norm is not None:
            beside = self.shortcut_norm(self.shortcut(x), tree.mask)
        return (gathered.unflatten(0, x.shape[:2]) + beside).relu()


class LundNetNetwork(nn.Module):
    """Edge convolutions, their outputs joined, the mean over declusterings, one hidden layer."""

    def __init__(self, spec: LundNet, features: Features) -> None:
        super().__init__()
        self.input = LundInput(spec.lund_features, features)
        inputs = [len(spec.lund_features), *(widths[-1] for widths in spec.channels)]
        self.convolutions = nn.ModuleList(
            EdgeConvolution(i, widths) for i, widths in zip(inputs, spec.channels, strict=False)
        )
        self.fusion = nn.Linear(sum(inputs[1:]), spec.fusion)
        self.fusion_norm = MaskedBatchNorm(spec.fusion)
        self.head = nn.Sequential(
            nn.Linear(spec.fusion, spec.hidden),
            nn.ReLU(),
            nn.Dropout(spec.dropout),
            nn.Linear(spec.hidden, len(features.classes)),
        )

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]; the same for all jets of a single constituent."""
        x, tree = self.input(batch)
        outputs = []
        for convolution in self.convolutions:
            x = convolution(x, tree)
            outputs.append(x)
        joined = self.fusion_norm(self.fusion(torch.cat(outputs, dim=-1)).relu(), tree.mask)
        return self.head(masked_mean(joined, tree.mask))
