"""MIParT: attention from pairs alone, one map a channel, before that of Particle Transformer.

Wu, Wang, Li, Qu and Zhu, Chin. Phys. C 49 (2025) 013110 (arXiv:2407.08682).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from models.config.specs import Features, MIParT
from models.networks.attention import Attention
from models.networks.batch import Batch
from models.networks.dropout import Dropout
from models.networks.iaformer import PairInput
from models.networks.inputs import TokenInput

PAIRS = ("delta", "kt", "z", "mass")
"""Pair features of Particle Transformer: ln Δ, ln kT, ln z, ln m² (arXiv:2202.03772)."""


def embedding(widths: tuple[int, ...], norm_input: bool = True) -> nn.Sequential:
    """Return layer norm, linear layer and GELU for each step from width to width.

    Without `norm_input` the first step has no layer norm, which would take mean and spread of the
    few features of a pair away.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.LayerNorm(inputs), nn.Linear(inputs, outputs), nn.GELU()]
    return nn.Sequential(*layers[not norm_input :])


class FeedForward(nn.Module):
    """x + MLP(LN x), with a layer norm on the hidden layer (NormFormer, arXiv:2110.09456)."""

    def __init__(self, spec: MIParT) -> None:
        super().__init__()
        hidden = round(spec.mlp_ratio * spec.width)
        self.layers = nn.Sequential(
            nn.LayerNorm(spec.width),
            nn.Linear(spec.width, hidden),
            nn.GELU(),
            Dropout(spec.dropout),
            nn.LayerNorm(hidden),
            nn.Linear(hidden, spec.width),
            Dropout(spec.dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class InteractionBlock(nn.Module):
    """More-interaction attention: each channel of the values has an attention of its own."""

    def __init__(self, spec: MIParT) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(spec.width)
        self.value = nn.Linear(spec.width, spec.width)
        self.output = nn.Linear(spec.width, spec.width)
        self.output_norm = nn.LayerNorm(spec.width)
        self.dropout = Dropout(spec.dropout)
        self.feed_forward = FeedForward(spec)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Return tokens [B, N, D] of tokens x and attention weights [B, D, N, N]."""
        value = self.value(self.norm(x)).transpose(1, 2).unsqueeze(-1)
        gathered = (weights @ value).squeeze(-1).transpose(1, 2)
        x = x + self.dropout(self.output_norm(self.output(gathered)))
        return self.feed_forward(x)


class ParticleBlock(nn.Module):
    """Attention whose logits have the pairs' embedding added, or class attention without one."""

    def __init__(self, spec: MIParT) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(spec.width)
        self.attention = Attention(spec.width, spec.heads)
        self.attention_norm = nn.LayerNorm(spec.width)
        self.dropout = Dropout(spec.dropout)
        self.feed_forward = FeedForward(spec)

    def forward(
        self, queries: Tensor, context: Tensor, mask: Tensor, bias: Tensor | None = None
    ) -> Tensor:
        """Return queries [B, Q, D] that have gathered from the context [B, S, D]."""
        attended = self.attention(self.norm(queries), self.norm(context), mask, bias)
        return self.feed_forward(queries + self.dropout(self.attention_norm(attended)))


class MIParTNetwork(nn.Module):
    """Interaction blocks, particle blocks, then a class token that asks all particles."""

    def __init__(self, spec: MIParT, features: Features) -> None:
        super().__init__()
        self.input = TokenInput(spec.constituent_features, features, (0,))
        self.pair_input = PairInput(PAIRS, features, (0,))
        widths = (len(spec.constituent_features), *spec.embedding, spec.width)
        self.embedding = embedding(widths)
        self.pair_embedding = embedding((len(PAIRS), *spec.pair_embedding), norm_input=False)
        self.interaction = nn.Linear(spec.pair_embedding[-1], spec.width)
        self.bias = nn.Linear(spec.pair_embedding[-1], spec.heads)
        self.interaction_blocks = nn.ModuleList(
            InteractionBlock(spec) for _ in range(spec.interaction_layers)
        )
        self.blocks = nn.ModuleList(ParticleBlock(spec) for _ in range(spec.layers))
        self.token = nn.Parameter(0.02 * torch.randn(1, 1, spec.width))
        self.class_blocks = nn.ModuleList(ParticleBlock(spec) for _ in range(spec.class_layers))
        self.norm = nn.LayerNorm(spec.width)
        self.head = nn.Linear(spec.width, len(features.classes))

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]."""
        jet = batch.jet(0)
        tokens, mask = self.input(jet)
        mask = mask | ~mask.any(1, keepdim=True)  # an empty jet has padding of zeros
        x = self.embedding(tokens)
        pairs = self.pair_embedding(self.pair_input(jet))
        logits = self.interaction(pairs).permute(0, 3, 1, 2)
        weights = logits.masked_fill(~mask[:, None, None, :], -torch.inf).softmax(-1)
        for block in self.interaction_blocks:
            x = block(x, weights)
        bias = self.bias(pairs).permute(0, 3, 1, 2)
        for layer in self.blocks:
            x = layer(x, x, mask, bias)
        token = self.token.expand(x.shape[0], -1, -1)
        seen = nn.functional.pad(mask, (1, 0), value=True)
        for layer in self.class_blocks:
            token = layer(token, torch.cat([token, x], dim=1), seen)
        return self.head(self.norm(token[:, 0]))
