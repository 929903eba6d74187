"""P-CNN: a residual network of convolutions along the constituents in pT order.

The reference of Qu and Gouskos, Phys. Rev. D 101 (2020) 056019 (arXiv:1902.08570), as weaver-core
has it; padding stays zero behind each layer and is left out of every mean.
"""

from torch import Tensor, nn

from models.config.specs import PCNN, Features
from models.networks.attention import masked_mean
from models.networks.batch import Batch
from models.networks.inputs import TokenInput, in_pt_order
from models.taggers.masked import MaskedBatchNorm


class Convolution(nn.Module):
    """A convolution over three neighbours, batch normalisation, ReLU.

    With a stride of 2 every second place is left, of padding too.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.layer = nn.Conv1d(inputs, outputs, 3, stride=stride, padding=1)
        self.norm = MaskedBatchNorm(outputs)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return channels [B, N', C'] and mask [B, N'] of x [B, N, C], zero where padded."""
        mask = mask[:, :: self.stride]
        return self.norm(self.layer(x.transpose(1, 2)).transpose(1, 2), mask).relu(), mask


class ResidualUnit(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.first = Convolution(inputs, outputs, stride)
        self.second = Convolution(outputs, outputs)
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Linear(inputs, outputs, bias=False)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        beside = self.shortcut(x[:, :: self.stride])
        x, mask = self.second(*self.first(x, mask))
        return x + beside, mask


class PCNNNetwork(nn.Module):
    """Convolutions along the leading jet's constituents, their mean, one hidden layer."""

    def __init__(self, spec: PCNN, features: Features) -> None:
        super().__init__()
        self.features = features
        self.input = TokenInput(spec.constituent_features, features, (0,))
        self.stem = Convolution(len(spec.constituent_features), spec.stem)
        self.units = nn.ModuleList()
        inputs = spec.stem
        for stage, widths in enumerate(spec.stages):
            for unit, outputs in enumerate(widths):
                self.units.append(ResidualUnit(inputs, outputs, 2 if stage and not unit else 1))
                inputs = outputs
        self.head = nn.Sequential(
            nn.Linear(inputs, spec.hidden),
            nn.ReLU(),
            nn.Dropout(spec.dropout),
            nn.Linear(spec.hidden, len(features.classes)),
        )

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]."""
        x, mask = self.stem(*self.input(in_pt_order(batch.jet(0), self.features)))
        for unit in self.units:
            x, mask = unit(x, mask)
        return self.head(masked_mean(x, mask))
