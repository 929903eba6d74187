"""The network of the event's kinematics alone."""

from torch import Tensor, nn

from models.config.specs import Features, Kinematics
from models.networks.batch import Batch
from models.networks.encoders import Head, KinematicsEncoder


class KinematicsNetwork(nn.Module):
    """Self-attention among the kinematic tokens of fat jet 1, fat jet 2 and H."""

    def __init__(self, spec: Kinematics, features: Features) -> None:
        super().__init__()
        self.kinematics = KinematicsEncoder(spec, spec, spec.layers, features)
        self.head = Head(spec.width, spec)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, 2]."""
        return self.head(self.kinematics(batch).mean(1))
