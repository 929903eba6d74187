"""Streams of a network: the constituents of a fat jet, and the kinematic tokens, as vectors."""

from typing import Any

import torch
from torch import Tensor, nn

from models.config.specs import Features, SelfAttentionEncoder, Transformer, UsesKinematics
from models.networks.attention import SelfAttentionLayer
from models.networks.batch import Batch, Jet
from models.networks.dropout import Dropout
from models.networks.inputs import KinematicsInput, MassInput, TokenInput
from models.networks.registry import JET_ENCODERS, load_class
from models.networks.subjets import SubjetInput


class JetEncoder(nn.Module):
    """Base of jet encoders: a jet to tokens [B, N, width] with their mask [B, N]."""

    def forward(self, jet: Jet) -> tuple[Tensor, Tensor]:
        raise NotImplementedError


class SelfAttentionJetEncoder(JetEncoder):
    """Constituents and subjets embedded, then self-attention layers among all of them.

    What comes out are the constituents, which have seen the subjets.

    Parameters
    ----------
    spec : SelfAttentionEncoder
    size : Transformer
    wanted : tuple of str
        Constituent features.
    features : Features
    jets : tuple of int
        The jets that this encoder serves.
    """

    def __init__(
        self,
        spec: SelfAttentionEncoder,
        size: Transformer,
        wanted: tuple[str, ...],
        features: Features,
        jets: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.input = TokenInput(wanted, features, jets)
        self.embedding = _embedding(len(wanted), size.width)
        self.subjets = spec.subjets
        if spec.subjets:
            self.subjet_input = SubjetInput(features, jets)
            self.subjet_embedding = _embedding(SubjetInput.SIZE, size.width)
        self.layers = nn.ModuleList(SelfAttentionLayer(size) for _ in range(spec.layers))

    def forward(self, jet: Jet) -> tuple[Tensor, Tensor]:
        constituents, own = self.input(jet)
        tokens, mask = self.embedding(constituents), own
        if self.subjets:
            subjets, present = self.subjet_input(jet)
            tokens = torch.cat([tokens, self.subjet_embedding(subjets)], dim=1)
            mask = torch.cat([mask, present], dim=1)
        for layer in self.layers:
            tokens = layer(tokens, mask)
        return tokens[:, : own.shape[1]], own


def _embedding(features: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(features, width), nn.GELU(), nn.Linear(width, width))


def jet_encoder(spec: Any, features: Features, jets: tuple[int, ...]) -> JetEncoder:
    """Return the encoder that a network's specification names, for these jets."""
    kind = load_class(JET_ENCODERS[spec.jet_encoder.kind], JetEncoder)
    return kind(spec.jet_encoder, spec, spec.constituent_features, features, jets)


def jet_encoders(spec: Any, features: Features) -> nn.ModuleList:
    """Return the encoders of jet 1 and jet 2: two, or the same one twice where it is shared."""
    if spec.share_jet_encoder:
        return nn.ModuleList([jet_encoder(spec, features, (0, 1))] * 2)
    return nn.ModuleList([jet_encoder(spec, features, (0,)), jet_encoder(spec, features, (1,))])


class KinematicsEncoder(nn.Module):
    """The kinematic tokens (jet 1, jet 2, H) through self-attention layers.

    Each token has its own meaning, hence its own learned offset.
    """

    def __init__(
        self, spec: UsesKinematics, size: Transformer, layers: int, features: Features
    ) -> None:
        super().__init__()
        self.input = KinematicsInput(spec.kinematics_encoding, spec.use_theta, features)
        self.embedding = nn.Linear(self.input.size, size.width)
        self.token = nn.Parameter(torch.randn(3, size.width) * size.width**-0.5)
        self.mass_token = spec.mass_token
        if spec.mass_token:
            self.mass_input = MassInput(features)
            self.mass_embedding = nn.Linear(MassInput.SIZE, size.width)
        self.layers = nn.ModuleList(SelfAttentionLayer(size) for _ in range(layers))

    def forward(self, batch: Batch) -> Tensor:
        """Return tokens [B, 3, width], or four of them with a mass hypothesis."""
        tokens = self.embedding(self.input(batch)) + self.token
        if self.mass_token:
            tokens = torch.cat([tokens, self.mass_embedding(self.mass_input(batch))], dim=1)
        for layer in self.layers:
            tokens = layer(tokens)
        return tokens


class Head(nn.Sequential):
    """A vector [B, in] to logits [B, classes]: layer norm, one hidden layer, output."""

    def __init__(self, inputs: int, size: Transformer, classes: int = 2) -> None:
        super().__init__(
            nn.LayerNorm(inputs),
            nn.Linear(inputs, size.width),
            nn.GELU(),
            Dropout(size.dropout),
            nn.Linear(size.width, classes),
        )
