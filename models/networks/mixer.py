"""MLP-Mixer of a jet's constituents with cross-attention to its subjets.

Hammad and Nojiri, JHEP 06 (2024) 176 (arXiv:2404.14677).
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from models.config.specs import Features, MixerEncoder, Transformer
from models.networks.attention import Attention, mlp
from models.networks.batch import Jet
from models.networks.dropout import Dropout
from models.networks.encoders import JetEncoder
from models.networks.inputs import TokenInput, in_pt_order


class MixerLayer(nn.Module):
    """x + MLP over constituents (the same for each feature), then x + MLP over features.

    Parameters
    ----------
    tokens : int
        Constituents N.
    token_hidden : int
    size : Transformer
    """

    def __init__(self, tokens: int, token_hidden: int, size: Transformer) -> None:
        super().__init__()
        self.token_norm = nn.LayerNorm(size.width)
        self.token_mlp = mlp(tokens, token_hidden)
        self.feature_norm = nn.LayerNorm(size.width)
        self.feature_mlp = mlp(size.width, round(size.mlp_ratio * size.width))
        self.dropout = Dropout(size.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return x [B, N, D], mixed; padding counts as zero."""
        normed = self.token_norm(x).masked_fill(~mask.unsqueeze(-1), 0.0)
        x = x + self.dropout(self.token_mlp(normed.transpose(1, 2)).transpose(1, 2))
        return x + self.dropout(self.feature_mlp(self.feature_norm(x)))


class MixerJetEncoder(JetEncoder):
    """Mixer layers on the constituents in pT order, then X + Attention(Q = X, K = V = subjets).

    The MLP over constituents has a weight for each place in the order, hence a fixed number of
    places: fewer constituents are padded, softer ones left out.
    """

    def __init__(
        self,
        spec: MixerEncoder,
        size: Transformer,
        wanted: tuple[str, ...],
        features: Features,
        jets: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.tokens = spec.tokens
        self.features = features
        self.input = TokenInput(wanted, features, jets)
        self.embedding = nn.Linear(len(wanted), size.width)
        self.layers = nn.ModuleList(
            MixerLayer(spec.tokens, spec.token_hidden, size) for _ in range(spec.layers)
        )
        self.subjet_input = TokenInput(spec.subjet_features, features, jets, "subjets")
        self.subjet_embedding = nn.Sequential(
            nn.Linear(len(spec.subjet_features), size.width),
            nn.GELU(),
            nn.Linear(size.width, size.width),
        )
        self.norm = nn.LayerNorm(size.width)
        self.subjet_norm = nn.LayerNorm(size.width)
        self.attention = Attention(size.width, size.heads)

    def forward(self, jet: Jet) -> tuple[Tensor, Tensor]:
        jet = in_pt_order(jet, self.features)
        tokens, mask = (self._fit(x) for x in self.input(jet))
        tokens = self.embedding(tokens)
        for layer in self.layers:
            tokens = layer(tokens, mask)
        subjets, subjet_mask = self.subjet_input(jet)
        context = self.subjet_norm(self.subjet_embedding(subjets))
        attended = self.attention(self.norm(tokens), context, subjet_mask)
        has_subjets = subjet_mask.any(1)[:, None, None]
        return tokens + torch.where(has_subjets, attended, 0.0), mask

    def _fit(self, x: Tensor) -> Tensor:
        """Return x [B, N, …] with exactly `tokens` places on axis 1."""
        x = x[:, : self.tokens]
        return pad(x, [0, 0] * (x.dim() - 2) + [0, self.tokens - x.shape[1]])
