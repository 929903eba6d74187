"""Specifications of the taggers of single fat jets of the literature, free of torch.

Default sizes are those of the papers (docs/jets.md).
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from common.features import PARTICLE_FEATURES
from models.config.blocks import ORIENTED_FEATURES, Network, Transformer, Width, Widths
from models.config.specs_peers import OneCloud

LundFeature = Literal["log_z", "log_delta", "psi", "log_mass", "log_kt"]


class SingleJet(Network):
    """A tagger that sees the first fat jet alone."""

    @property
    def jets(self) -> int:
        """Fat jets that it sees."""
        return 1


class EnergyFlow(SingleJet):
    """What PFN and EFN have in common."""

    phi: tuple[Width, ...] = Field(
        (100, 100, 256), min_length=1, description="Widths of Φ, the map of each constituent."
    )
    f: tuple[Width, ...] = Field((100, 100, 100), description="Widths of F, the map of the sum.")


class PFN(EnergyFlow):
    """Particle flow network: F(Σ Φ(constituent)) (arXiv:1810.05165)."""

    architecture: Literal["pfn"] = Field("pfn", description="Name of the architecture.")
    constituent_features: tuple[str, ...] = Field(
        ORIENTED_FEATURES, min_length=1, description="Constituent features that the network sees."
    )


class EFN(EnergyFlow):
    """Energy flow network: F(Σ z Φ(η, φ)), infrared and collinear safe (arXiv:1810.05165)."""

    architecture: Literal["efn"] = Field("efn", description="Name of the architecture.")


class PCNN(SingleJet):
    """P-CNN: convolutions along the constituents in pT order (arXiv:1902.08570)."""

    architecture: Literal["p_cnn"] = Field("p_cnn", description="Name of the architecture.")
    constituent_features: tuple[str, ...] = Field(
        ORIENTED_FEATURES, min_length=1, description="Constituent features that the network sees."
    )
    stem: int = Field(32, gt=0, description="Channels of the first convolution.")
    stages: tuple[Widths, ...] = Field(
        ((64, 64), (64, 64), (128, 128)),
        min_length=1,
        description="Channels of the residual units of each stage; each stage behind the first "
        "halves the number of places.",
    )
    hidden: int = Field(512, gt=0, description="Width of the layer behind the pooling.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Dropout behind that layer.")


class JetImageCNN(SingleJet):
    """Convolutions on images of the jet, centred, rotated and flipped (arXiv:1803.00107)."""

    architecture: Literal["jet_image_cnn"] = Field(
        "jet_image_cnn", description="Name of the architecture."
    )
    pixels: int = Field(25, ge=4, description="Pixels of the image along η and along φ.")
    size: float = Field(1.6, gt=0, description="Extent of the image along η and along φ [rad].")
    channels: tuple[tuple[Width, Width], ...] = Field(
        ((128, 64), (64, 64)),
        min_length=1,
        description="Channels of pairs of 4 × 4 convolutions; a 2 × 2 pooling follows each pair.",
    )
    hidden: tuple[Width, ...] = Field((64, 256, 256), description="Widths of the dense layers.")

    @model_validator(mode="after")
    def _pixels_are_left(self) -> Self:
        if self.pixels < 2 ** len(self.channels):
            raise ValueError(
                f"pixels ({self.pixels}) are halved by each of {len(self.channels)} pairs of "
                f"channels: there must be {2 ** len(self.channels)} or more"
            )
        return self


class LundNet(SingleJet):
    """Graph network on the Lund tree of Cambridge/Aachen declusterings (arXiv:2012.08526)."""

    architecture: Literal["lund_net"] = Field("lund_net", description="Name of the architecture.")
    lund_features: tuple[LundFeature, ...] = Field(
        ("log_z", "log_delta", "psi", "log_mass", "log_kt"),
        min_length=1,
        description="Features of a declustering; LundNet-3 has `log_kt`, `log_delta`, `log_z`.",
    )
    channels: tuple[Widths, ...] = Field(
        ((32, 32), (32, 32), (64, 64), (64, 64), (128, 128), (128, 128)),
        min_length=1,
        description="Widths inside each edge convolution.",
    )
    fusion: int = Field(384, gt=0, description="Width of the layer that joins all convolutions.")
    hidden: int = Field(256, gt=0, description="Width of the layer behind the pooling.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout behind that layer.")

    @property
    def fits_onnx(self) -> bool:
        return False


class MIParT(SingleJet, Transformer):
    """More-Interaction Particle Transformer (arXiv:2407.08682)."""

    architecture: Literal["mipart"] = Field("mipart", description="Name of the architecture.")
    width: int = Field(64, gt=0, description="Width of a token, and of a pair, in the network.")
    heads: int = Field(8, gt=0, description="Attention heads; must divide `width`.")
    mlp_ratio: float = Field(4.0, gt=0, description="Hidden width of a layer's MLP over `width`.")
    constituent_features: tuple[str, ...] = Field(
        ORIENTED_FEATURES, min_length=1, description="Constituent features that the network sees."
    )
    embedding: tuple[Width, ...] = Field(
        (128, 512), description="Widths of the constituents' embedding, before `width`."
    )
    pair_embedding: tuple[Width, ...] = Field(
        (64, 64, 64), min_length=1, description="Widths of the pairs' embedding."
    )
    interaction_layers: int = Field(5, ge=0, description="More-interaction attention blocks.")
    layers: int = Field(5, ge=0, description="Particle attention blocks.")
    class_layers: int = Field(2, gt=0, description="Class attention blocks.")


class Equivariant(Network, OneCloud):
    """What the Lorentz-equivariant networks have in common."""

    constituent_features: tuple[str, ...] = Field(
        PARTICLE_FEATURES,
        min_length=1,
        description="Lorentz-invariant constituent features, beside momenta.",
    )
    object_features: tuple[str, ...] = Field(
        PARTICLE_FEATURES,
        min_length=1,
        description="Lorentz-invariant features of the objects of the event, beside momenta.",
    )
    beams: bool = Field(
        True,
        description="Whether reference momenta along the beams (and in time, for LLoCa and "
        "L-GATr-slim) break the symmetry down to that of the detector.",
    )


class LorentzNet(Equivariant):
    """LorentzNet: messages of Minkowski products (arXiv:2201.08187)."""

    architecture: Literal["lorentz_net"] = Field(
        "lorentz_net", description="Name of the architecture."
    )
    width: int = Field(72, gt=0, description="Width of a token inside the network.")
    layers: int = Field(6, gt=0, description="Lorentz-group equivariant blocks.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Dropout before the output.")
    coordinate_weight: float = Field(
        1e-3, ge=0, description="Factor on what a block adds to the momenta."
    )


class Pelican(Equivariant):
    """PELICAN: permutation-equivariant maps of all Minkowski products (arXiv:2211.00454)."""

    architecture: Literal["pelican"] = Field("pelican", description="Name of the architecture.")
    layers: int = Field(5, gt=0, description="Equivariant blocks.")
    width: int = Field(35, gt=0, description="Channels of a pair between the blocks.")
    message: int = Field(60, gt=0, description="Channels of a pair inside a block.")
    dropout: float = Field(0.05, ge=0, lt=1, description="Dropout before the output.")


class LGATrSlim(Equivariant):
    """L-GATr-slim: vectors and scalars in place of multivectors (arXiv:2512.17011)."""

    architecture: Literal["lgatr_slim"] = Field(
        "lgatr_slim", description="Name of the architecture."
    )
    layers: int = Field(12, gt=0, description="Blocks.")
    vectors: int = Field(32, gt=0, description="Vector channels.")
    scalars: int = Field(96, gt=0, description="Scalar channels.")
    heads: int = Field(8, gt=0, description="Attention heads.")
    mlp_ratio: int = Field(4, gt=0, description="Hidden channels of an MLP over the channels.")


class LLoCa(Equivariant):
    """Transformer in learned local frames, exactly Lorentz-equivariant (arXiv:2505.20280)."""

    architecture: Literal["lloca"] = Field("lloca", description="Name of the architecture.")
    layers: int = Field(10, gt=0, description="Transformer blocks.")
    heads: int = Field(8, gt=0, description="Attention heads.")
    scalars: int = Field(8, ge=0, description="Scalars of one head.")
    vectors: int = Field(2, ge=0, description="Four-vectors of one head.")
    mlp_ratio: int = Field(4, gt=0, description="Hidden width of a block's MLP over the width.")
    frame_width: int = Field(128, gt=0, description="Width of the network that finds the frames.")
