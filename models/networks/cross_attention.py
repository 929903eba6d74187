"""Networks of the constituents of two fat jets and the kinematics of the event.

Hammad, Moretti and Nojiri, JHEP 03 (2024) 144 (arXiv:2401.00452).
"""

import torch
from torch import Tensor, nn

from models.config.specs import Concatenation, Constituents, CrossAttention, Features
from models.networks.attention import CrossAttentionLayer, masked_mean
from models.networks.batch import Batch, Jet
from models.networks.encoders import Head, KinematicsEncoder, jet_encoders
from models.networks.inputs import in_pt_order
from models.networks.steps import Encoded, TwoStepNetwork


class CrossAttentionNetwork(TwoStepNetwork):
    """Q from the kinematic tokens, K = V from the constituents of both fat jets.

    Parameters
    ----------
    spec : CrossAttention
    features : Features
    """

    def __init__(self, spec: CrossAttention, features: Features) -> None:
        super().__init__()
        self.fusion = spec.fusion
        self.features = features
        self.jets = jet_encoders(spec, features)
        self.kinematics = KinematicsEncoder(spec, spec, spec.kinematics_layers, features)
        if spec.fusion == "tokens":
            self.jet = nn.Parameter(torch.randn(2, spec.width) * spec.width**-0.5)
        self.layers = nn.ModuleList(CrossAttentionLayer(spec) for _ in range(spec.cross_layers))
        self.head = Head(spec.width, spec)

    def encode_jet(self, jet: Jet, place: int) -> Encoded:
        """Return the tokens [B, N, D] of a jet's constituents, and their mask [B, N]."""
        if self.fusion == "sum":
            jet = in_pt_order(jet, self.features)
        tokens, mask = self.jets[place](jet)
        return (tokens + self.jet[place] if self.fusion == "tokens" else tokens), mask

    def joined(self, first: Encoded, second: Encoded) -> Encoded:
        """Return keys and values [B, S, D] of both jets, and their mask [B, S].

        S = 2N for the fusion `tokens`, where the order of constituents does not matter, and N for
        `sum`, where the i-th constituents of the two jets are added, padding counting as zero.
        """
        (one, one_mask), (other, other_mask) = first, second
        if self.fusion == "tokens":
            return torch.cat([one, other], dim=1), torch.cat([one_mask, other_mask], dim=1)
        tokens = one.masked_fill(~one_mask.unsqueeze(-1), 0.0)
        tokens = tokens + other.masked_fill(~other_mask.unsqueeze(-1), 0.0)
        return tokens, one_mask | other_mask

    def answer(self, encoded: Encoded, batch: Batch) -> Tensor:
        """Return logits [B, 2]."""
        context, mask = encoded
        tokens = self.kinematics(batch)
        for layer in self.layers:
            tokens = layer(tokens, context, mask)
        return self.head(tokens.mean(1))


class ConcatenationNetwork(TwoStepNetwork):
    """The mean of each stream, side by side, in place of cross-attention."""

    def __init__(self, spec: Concatenation, features: Features) -> None:
        super().__init__()
        self.jets = jet_encoders(spec, features)
        self.kinematics = KinematicsEncoder(spec, spec, spec.kinematics_layers, features)
        self.head = Head(3 * spec.width, spec)

    def encode_jet(self, jet: Jet, place: int) -> Encoded:
        """Return the mean [B, D] of a fat jet's constituents."""
        return (masked_mean(*self.jets[place](jet)),)

    def joined(self, first: Encoded, second: Encoded) -> Encoded:
        """Return both means."""
        return (*first, *second)

    def answer(self, encoded: Encoded, batch: Batch) -> Tensor:
        """Return logits [B, 2]."""
        return self.head(torch.cat([*encoded, self.kinematics(batch).mean(1)], dim=-1))


class ConstituentsNetwork(nn.Module):
    """The constituents of the two fat jets, without the kinematics of the event."""

    def __init__(self, spec: Constituents, features: Features) -> None:
        super().__init__()
        self.jets = jet_encoders(spec, features)
        self.head = Head(2 * spec.width, spec)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, 2]."""
        streams = [masked_mean(*encoder(batch.jet(i))) for i, encoder in enumerate(self.jets)]
        return self.head(torch.cat(streams, dim=-1))
