"""Images of a jet, centred, rotated and flipped, and the convolutional network that sees them.

The images are those of de Oliveira et al., JHEP 07 (2016) 069 (arXiv:1511.05190), of 25 × 25
pixels; the network is that of Macaluso and Shih, JHEP 10 (2018) 121 (arXiv:1803.00107).
"""

import torch
from torch import Tensor, nn

from models.config.specs import Features, JetImageCNN
from models.networks.batch import Batch, Jet
from models.networks.inputs import columns
from models.taggers.masked import dense


def oriented(eta: Tensor, phi: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """Return coordinates centred on the pT-weighted centroid, principal axis along φ, flipped.

    The half with more pT is at positive η, and that at positive φ, likewise.

    Parameters
    ----------
    eta, phi : Tensor [B, N]
        Relative to any axis of the jet; φ has no jump.
    z : Tensor [B, N]
        Shares of pT, of sum 1, zero for padding.
    """
    eta = eta - (z * eta).sum(1, keepdim=True)
    phi = phi - (z * phi).sum(1, keepdim=True)
    across, along, both = ((z * x).sum(1) for x in (eta * eta, phi * phi, eta * phi))
    theta = 0.5 * torch.atan2(2 * both, along - across).unsqueeze(1)
    turned = (eta * theta.cos() - phi * theta.sin(), eta * theta.sin() + phi * theta.cos())
    upward = [torch.where((z * x.sign()).sum(1, keepdim=True) < 0, -x, x) for x in turned]
    return upward[0], upward[1]


def jet_image(eta: Tensor, phi: Tensor, z: Tensor, pixels: int, size: float) -> Tensor:
    """Return images [B, pixels, pixels] of the shares z [B, N]; what lies outside is left out.

    The centre (0, 0) is in the middle of the middle pixel, for an odd number of pixels. Gradients
    reach z, not the coordinates.
    """
    rows, places = ((x / size + 0.5) * pixels for x in (eta, phi))
    inside = (rows >= 0) & (rows < pixels) & (places >= 0) & (places < pixels)
    index = rows.floor() * pixels + places.floor()
    index = index.masked_fill(~inside, 0.0).long()
    empty = z.new_zeros(z.shape[0], pixels * pixels)
    return empty.scatter_add(1, index, z.masked_fill(~inside, 0.0)).unflatten(1, (pixels, pixels))


class JetImageNetwork(nn.Module):
    """Pairs of 4 × 4 convolutions with pooling, then dense layers, on the shares of pT."""

    def __init__(self, spec: JetImageCNN, features: Features) -> None:
        super().__init__()
        self.pixels, self.size = spec.pixels, spec.size
        names = ("deta", "dphi", "log_pt")
        self.columns = columns(names, features.constituents, "constituent")
        layers: list[nn.Module] = []
        inputs, pixels = 1, spec.pixels
        for pair in spec.channels:
            for outputs in pair:
                layers += [nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(inputs, outputs, 4), nn.ReLU()]
                inputs = outputs
            layers.append(nn.MaxPool2d(2))
            pixels //= 2
        self.convolutions = nn.Sequential(*layers)
        widths = (inputs * pixels * pixels, *spec.hidden)
        self.head = nn.Sequential(*dense(widths), nn.Linear(widths[-1], len(features.classes)))

    def image(self, jet: Jet) -> Tensor:
        """Return images [B, pixels, pixels], of mean 1 where all constituents are inside."""
        keep = jet.constituent_mask.unsqueeze(-1)
        raw = jet.constituents[..., self.columns].masked_fill(~keep, 0.0)
        eta, phi, log_pt = raw.unbind(-1)
        pt = log_pt.exp().masked_fill(~jet.constituent_mask, 0.0)
        z = pt / pt.sum(1, keepdim=True).clamp(min=1e-12)
        with torch.no_grad():
            eta, phi = oriented(eta, phi, z)
        return self.pixels**2 * jet_image(eta, phi, z, self.pixels, self.size)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]."""
        image = self.image(batch.jet(0)).unsqueeze(1)
        return self.head(self.convolutions(image).flatten(1))
