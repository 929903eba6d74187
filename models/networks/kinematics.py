"""The network of the event's kinematics alone."""

from torch import Tensor

from models.config.specs import Features, Kinematics
from models.networks.batch import Batch, Jet
from models.networks.encoders import Head, KinematicsEncoder
from models.networks.steps import Encoded, TwoStepNetwork


class KinematicsNetwork(TwoStepNetwork):
    """Self-attention among the kinematic tokens of fat jet 1, fat jet 2 and H.

    What is inside the jets is not looked at.
    """

    def __init__(self, spec: Kinematics, features: Features) -> None:
        super().__init__()
        self.kinematics = KinematicsEncoder(spec, spec, spec.layers, features)
        self.head = Head(spec.width, spec)

    def encode_jet(self, jet: Jet, place: int) -> Encoded:
        """Return nothing."""
        return ()

    def joined(self, first: Encoded, second: Encoded) -> Encoded:
        """Return nothing."""
        return ()

    def answer(self, encoded: Encoded, batch: Batch) -> Tensor:
        """Return logits [B, 2]."""
        return self.head(self.kinematics(batch).mean(1))
