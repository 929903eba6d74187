"""One fat jet at a time: any jet encoder as a tagger."""

import torch
from torch import Tensor, nn

from models.config.specs import Features, JetTagger
from models.networks.attention import masked_mean
from models.networks.batch import Batch
from models.networks.encoders import Head, jet_encoder


class JetTaggerNetwork(nn.Module):
    """The first jet of each event: encoder, pooling over constituents, logits.

    Parameters
    ----------
    spec : JetTagger
    features : Features
    """

    def __init__(self, spec: JetTagger, features: Features) -> None:
        super().__init__()
        self.encoder = jet_encoder(spec, features, (0,))
        self.pool = masked_mean if spec.pooling == "mean" else masked_max
        self.head = Head(spec.width, spec, len(features.classes))

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]."""
        return self.head(self.pool(*self.encoder(batch.jet(0))))


def masked_max(x: Tensor, mask: Tensor) -> Tensor:
    """Return the largest value [B, D] over the valid tokens of x [B, N, D]; 0 where none is."""
    kept = x.masked_fill(~mask.unsqueeze(-1), -torch.inf).amax(1)
    return kept.masked_fill(~mask.any(1, keepdim=True), 0.0)
