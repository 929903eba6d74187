"""L-GATr-slim, as its authors' package has it, on our tensors (extra `peers`).

Petitjean, Plehn, Spinner and Köthe, arXiv:2512.17011.
"""

import lgatr
from torch import Tensor, nn

from models.config.specs import Features, LGATrSlim
from models.networks.attention import masked_mean
from models.networks.batch import Batch
from models.networks.cloud import cloud_input
from models.taggers.minkowski import References


class LGATrSlimNetwork(nn.Module):
    """Four-momenta as vectors; references along the beams and in time break the symmetry."""

    def __init__(self, spec: LGATrSlim, features: Features) -> None:
        super().__init__()
        self.cloud = cloud_input(spec, features)
        self.references = References(spec.beams, time=True)
        self.network = lgatr.LGATrSlim(
            num_blocks=spec.layers,
            in_v_channels=1,
            out_v_channels=0,
            hidden_v_channels=spec.vectors,
            in_s_channels=self.cloud.size + 1,
            out_s_channels=len(features.classes),
            hidden_s_channels=spec.scalars,
            num_heads=spec.heads,
            mlp_ratio=spec.mlp_ratio,
        )

    def classify(self, scalars: Tensor, momenta: Tensor, mask: Tensor) -> Tensor:
        """Return logits [B, classes]: the mean of the tokens' scalar outputs."""
        _, logits = self.network(momenta.unsqueeze(2), scalars, attn_mask=mask[:, None, None, :])
        return masked_mean(logits, mask)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]."""
        return self.classify(*self.references(self.cloud(batch)))
