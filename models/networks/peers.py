"""Particle Transformer and ParticleNet, as weaver-core has them, on our tensors (extra `peers`)."""

import torch
from torch import Tensor, nn
from weaver.nn.model.ParticleNet import ParticleNet as WeaverParticleNet
from weaver.nn.model.ParticleTransformer import ParticleTransformer as WeaverParticleTransformer

from models.config.specs import Features, ParticleNet, ParticleTransformer
from models.networks.batch import Batch
from models.networks.cloud import cloud_input


class ParticleTransformerNetwork(nn.Module):
    """Particle Transformer: constituents, with pair features from their momenta.

    Without `pair_embedding` it is the paper's plain transformer: no pair enters its attention.
    """

    def __init__(self, spec: ParticleTransformer, features: Features) -> None:
        super().__init__()
        self.cloud = cloud_input(spec, features)
        self.network = WeaverParticleTransformer(
            input_dim=self.cloud.size,
            num_classes=len(features.classes),
            embed_dims=spec.embedding,
            pair_embed_dims=spec.pair_embedding or None,
            num_heads=spec.heads,
            num_layers=spec.layers,
            num_cls_layers=spec.class_layers,
            trim=False,
        )

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]."""
        cloud = self.cloud(batch)
        pairs = self.network.pair_embed
        if pairs is not None and torch.compiler.is_exporting():
            pairs.sparse_eval = (True, False)  # all pairs: how many are valid is no shape of a file
        momenta = cloud.momenta.roll(-1, dims=-1).detach()  # (px, py, pz, E)
        return self.network(
            cloud.tokens.transpose(1, 2), momenta.transpose(1, 2), cloud.mask.unsqueeze(1)
        )


class ParticleNetNetwork(nn.Module):
    """ParticleNet: edge convolutions over nearest neighbours in (η, φ)."""

    def __init__(self, spec: ParticleNet, features: Features) -> None:
        super().__init__()
        self.neighbours = spec.neighbours
        self.cloud = cloud_input(spec, features)
        self.network = WeaverParticleNet(
            input_dims=self.cloud.size,
            num_classes=len(features.classes),
            conv_params=[(spec.neighbours, widths) for widths in spec.channels],
            fc_params=[(spec.channels[-1][-1], 0.1)],
            use_fusion=False,  # as in the paper
            trim=False,
        )

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]."""
        cloud = self.cloud(batch)
        points, tokens, mask = cloud.points, cloud.tokens, cloud.mask
        missing = self.neighbours + 1 - mask.shape[1]
        if missing > 0:  # the package looks for as many neighbours, padding or not
            points, tokens = (nn.functional.pad(x, (0, 0, 0, missing)) for x in (points, tokens))
            mask = nn.functional.pad(mask, (0, missing))
        return self.network(points.transpose(1, 2), tokens.transpose(1, 2), mask.unsqueeze(1))
