"""L-GATr, as its authors' package has it, on our tensors (extra `peers`)."""

import lgatr
import torch
from torch import Tensor, nn

from models.config.specs import Features, LGATr
from models.networks.attention import masked_mean
from models.networks.batch import Batch
from models.networks.cloud import cloud_input

MOMENTUM_SCALE = 20.0  # GeV, as in the package's own jet tagging


class LGATrNetwork(nn.Module):
    """Four-momenta as multivectors; the beam's plane and the time direction break the symmetry."""

    def __init__(self, spec: LGATr, features: Features) -> None:
        super().__init__()
        self.cloud = cloud_input(spec, features)
        self.spurions: Tensor
        self.register_buffer("spurions", lgatr.get_spurions())
        self.network = lgatr.LGATr(
            num_blocks=spec.layers,
            in_mv_channels=1,
            out_mv_channels=1,
            hidden_mv_channels=spec.multivectors,
            in_s_channels=self.cloud.size,
            out_s_channels=len(features.classes),
            hidden_s_channels=spec.scalars,
            attention={"num_heads": spec.heads},
            mlp={"mlp_ratio": 2},
        )

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]: the mean of the constituents' scalar outputs."""
        cloud = self.cloud(batch)
        count = len(self.spurions)
        spurions = self.spurions.expand(cloud.mask.shape[0], -1, -1)
        vectors = lgatr.embed_vector(cloud.momenta / MOMENTUM_SCALE)
        multivectors = torch.cat([spurions, vectors], dim=1).unsqueeze(2)
        scalars = nn.functional.pad(cloud.tokens, (0, 0, count, 0))
        mask = nn.functional.pad(cloud.mask, (count, 0), value=True)
        _, logits = self.network(multivectors, scalars, attn_mask=mask[:, None, None, :])
        return masked_mean(logits[:, count:], cloud.mask)
