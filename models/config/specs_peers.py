"""Specifications of other people's networks and of classical references, free of torch."""

from typing import Literal, Self

from pydantic import Field, model_validator

from common.features import OBJECT_FEATURES, PARTICLE_FEATURES
from models.config.blocks import (
    Capabilities,
    Features,
    Network,
    View,
    Width,
    Widths,
    check_heads,
)


class OneCloud(Capabilities):
    """One cloud of particles: all constituents of the jets, or the energy flow of the event."""

    jets: Literal[1, 2] = Field(
        2, description="2: both fat jets of an event; 1: the first alone, as a tagger."
    )
    objects: int = Field(
        0,
        ge=0,
        description="Above 0 the network is jet-free (arXiv:2508.15048): in place of fat jets it "
        "sees this many leading energy-flow objects of the whole event, in jets or not.",
    )
    object_features: tuple[str, ...] = Field(
        OBJECT_FEATURES,
        min_length=1,
        description="Features of these objects, beside momenta. φ, as sine and cosine, is relative "
        "to the event's axis in the transverse plane.",
    )

    @property
    def event_objects(self) -> int:
        return self.objects

    @model_validator(mode="after")
    def _objects_are_of_events(self) -> Self:
        if self.objects and self.jets == 1:
            raise ValueError(
                f"objects ({self.objects}) are those of a whole event, which a tagger of one jet "
                "does not see; leave out `objects`, or `jets: 1`"
            )
        return self


class ParticleTransformer(Network, OneCloud):
    """Particle Transformer of weaver-core on the constituents of both jets (arXiv:2202.03772)."""

    architecture: Literal["particle_transformer"] = Field(
        "particle_transformer", description="Name of the architecture."
    )
    constituent_features: tuple[str, ...] = Field(
        Features().constituents, min_length=1, description="Constituent features, beside momenta."
    )
    layers: int = Field(8, gt=0, description="Particle attention blocks.")
    class_layers: int = Field(2, gt=0, description="Class attention blocks.")
    heads: int = Field(8, gt=0, description="Attention heads.")
    embedding: tuple[Width, ...] = Field(
        (128, 512, 128), min_length=1, description="Widths of the constituents' embedding."
    )
    pair_embedding: tuple[Width, ...] = Field(
        (64, 64, 64),
        description="Widths of the pairs' embedding; empty: no pair inputs, the plain transformer.",
    )

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        check_heads(self.heads, self.embedding[-1], "the last width of embedding")
        return self


class ParticleNet(Network, OneCloud):
    """ParticleNet of weaver-core on the constituents of both jets (arXiv:1902.08570)."""

    architecture: Literal["particle_net"] = Field(
        "particle_net", description="Name of the architecture."
    )
    constituent_features: tuple[str, ...] = Field(
        Features().constituents, min_length=1, description="Constituent features, beside positions."
    )
    neighbours: int = Field(16, gt=0, description="Nearest neighbours of an edge convolution.")
    channels: tuple[Widths, ...] = Field(
        ((64, 64, 64), (128, 128, 128), (256, 256, 256)),
        min_length=1,
        description="Widths inside each edge convolution.",
    )


class LGATr(Network, OneCloud):
    """L-GATr: Lorentz-equivariant transformer on the constituents' four-momenta (2405.14806)."""

    architecture: Literal["lgatr"] = Field("lgatr", description="Name of the architecture.")
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
    layers: int = Field(4, gt=0, description="Blocks.")
    multivectors: int = Field(8, gt=0, description="Multivector channels.")
    scalars: int = Field(16, gt=0, description="Scalar channels.")
    heads: int = Field(4, gt=0, description="Attention heads.")


class HighLevel(Network):
    """What the networks of high-level features have in common."""

    @property
    def views(self) -> tuple[View, ...]:
        return ("permutation",)


class HighLevelMLP(HighLevel):
    """A multilayer perceptron on high-level features."""

    architecture: Literal["high_level_mlp"] = Field(
        "high_level_mlp", description="Name of the architecture."
    )
    width: int = Field(64, gt=0, description="Width of the hidden layers.")
    layers: int = Field(3, gt=0, description="Hidden layers.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout after each hidden layer.")


class HighLevelTrees(HighLevel):
    """Boosted decision trees on high-level features."""

    architecture: Literal["high_level_bdt"] = Field(
        "high_level_bdt", description="Name of the architecture."
    )
    trees: int = Field(200, gt=0, description="Largest number of trees.")
    leaves: int = Field(16, ge=2, description="Leaves of a tree.")
    learning_rate: float = Field(0.1, gt=0, le=1, description="Shrinkage of each tree.")
    min_leaf: int = Field(
        20,
        gt=0,
        description="Fewest training events in a leaf; one of weight w that has the score p so far "
        "counts 4 w p (1 − p).",
    )
    patience: int = Field(20, gt=0, description="Trees without a better validation loss.")
    max_events: int = Field(
        500_000,
        gt=0,
        description="Most training events that the trees are grown on, and most validation events "
        "that stop them, all held in memory (0.5 kB each); of more, a random choice.",
    )

    @property
    def fits_onnx(self) -> bool:
        return False
