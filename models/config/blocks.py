"""The parts that specifications of networks are put together from, free of torch."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from common.config import Block
from common.features import (
    CONSTITUENT_FEATURES,
    DISPLACEMENT_FEATURES,
    KINEMATIC_FEATURES,
    OBJECT_FEATURES,
    SUBJET_FEATURES,
)

Width = Annotated[int, Field(gt=0)]
"""Neurons or channels of a layer."""
Widths = Annotated[tuple[Width, ...], Field(min_length=1)]
"""Widths of layers behind each other, of which there is at least one."""

FEATURES_BY_KEY = {
    "constituent_features": (*CONSTITUENT_FEATURES, *DISPLACEMENT_FEATURES),
    "object_features": (*OBJECT_FEATURES, *DISPLACEMENT_FEATURES),
    "subjet_features": SUBJET_FEATURES,
}
"""What datasets can hold, by the key of a specification that names it."""

ORIENTATION_FEATURES = {
    "constituent_features": frozenset({"deta", "dphi", "log_energy", "log_energy_rel"}),
    "jet_encoder.subjet_features": frozenset({"deta", "dphi", "log_energy"}),
    "jet_encoder.pair_features": frozenset({"energy"}),
}
"""Features from which θ can be read: laboratory coordinates, and energy, for E = pT cosh η."""

ORIENTED_FEATURES = tuple(
    name
    for name in CONSTITUENT_FEATURES
    if name not in ORIENTATION_FEATURES["constituent_features"]
)
"""Constituent features of the oriented jet alone: none tells how the jet lay in the detector."""


View = Literal["attention", "attention_events", "grad_cam", "similarity", "gates", "permutation"]
"""What can be seen inside a trained network."""


def views_of_layers(in_streams: int, after: int = 0) -> tuple[View, ...]:
    """Return the views of a network with layers in its streams and after them."""
    grad_cam: tuple[View, ...] = ("grad_cam",) if in_streams else ()
    similarity: tuple[View, ...] = ("similarity",) if in_streams + after > 1 else ()
    return grad_cam + similarity


def check_features(key: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the features; raise ValueError if no dataset has one of them."""
    known = FEATURES_BY_KEY[key]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"there is no feature {', '.join(unknown)}; allowed: {', '.join(known)}")
    return names


def check_heads(heads: int, width: int, key: str = "width") -> None:
    """Raise ValueError if attention heads do not divide the width that a key gives."""
    if width % heads:
        allowed = [number for number in range(1, width + 1) if width % number == 0]
        raise ValueError(f"heads ({heads}) must divide {key} ({width}); allowed: {allowed}")


class Features(Block):
    """What a dataset holds: names of the columns of its arrays, and of its classes, in order."""

    constituents: tuple[str, ...] = Field(
        CONSTITUENT_FEATURES,
        description="Columns of `constituents` [B, J, N, F].",
    )
    subjets: tuple[str, ...] = Field(
        SUBJET_FEATURES,
        description="Columns of `subjets` [B, J, S, F].",
    )
    kinematics: tuple[str, ...] = Field(
        KINEMATIC_FEATURES,
        description="Columns of `kinematics` [B, T, F].",
    )
    objects: tuple[str, ...] = Field(
        (), description="Columns of `objects` [B, M, F], for networks of the whole event."
    )
    classes: tuple[str, ...] = Field(
        ("background", "signal"),
        min_length=2,
        description="Classes, by label: a network has one logit for each.",
    )

    def seen_by(self, spec: "Capabilities") -> Self:
        """Return what a network gets: the objects of the event only where it takes them."""
        return self if spec.event_objects else self.model_copy(update={"objects": ()})


class Transformer(Block):
    """Sizes of a stack of pre-layer-norm attention layers."""

    width: int = Field(32, gt=0, description="Width of a token inside the network.")
    heads: int = Field(2, gt=0, description="Attention heads; must divide `width`.")
    mlp_ratio: float = Field(2.0, gt=0, description="Hidden width of a layer's MLP over `width`.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout of what each layer adds.")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        check_heads(self.heads, self.width)
        return self


class JetEncoder(Block):
    """What every encoder of a fat jet declares."""

    @property
    def views(self) -> tuple[View, ...]:
        """What can be seen in it, beside its layers."""
        return ()

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        """Names of features that it sees beside the constituents', by their key."""
        return {}


class SelfAttentionEncoder(JetEncoder):
    """A jet's constituents, and its subjets, through plain self-attention layers."""

    kind: Literal["self_attention"] = Field(description="Encoder of a fat jet.")
    layers: int = Field(2, ge=0, description="Self-attention layers.")
    subjets: bool = Field(
        True,
        description="Whether the jet's subjets are tokens beside its constituents, which attend to "
        "them. None of their features tells the jet's orientation.",
    )


class MixerEncoder(JetEncoder):
    """MLP-Mixer over constituents, then cross-attention to the subjets (arXiv:2404.14677)."""

    kind: Literal["mixer"] = Field(description="Encoder of a fat jet.")
    layers: int = Field(2, ge=1, description="Mixer layers.")
    tokens: int = Field(50, gt=0, description="Leading constituents that are mixed, in pT order.")
    token_hidden: int = Field(64, gt=0, description="Hidden width of the MLP over constituents.")
    subjet_features: tuple[str, ...] = Field(
        ("deta", "dphi", "log_pt", "log_mass", "log_pt_rel"),
        min_length=1,
        description="Subjet features that the network sees.",
    )

    @field_validator("subjet_features")
    @classmethod
    def _features_are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return check_features("subjet_features", names)

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        return {"jet_encoder.subjet_features": self.subjet_features}


PairFeature = Literal["pt", "energy", "delta", "kt", "z", "mass"]


class IAFormerEncoder(JetEncoder):
    """Differential attention from pair quantities only (IAFormer)."""

    kind: Literal["iaformer"] = Field(description="Encoder of a fat jet.")
    layers: int = Field(2, ge=1, description="Layers.")
    pair_width: int = Field(16, gt=0, description="Width of a pair inside the network.")
    pair_features: tuple[PairFeature, ...] = Field(
        ("pt", "energy", "delta", "kt", "z", "mass"),
        min_length=1,
        description="Logarithms of (pTa+pTb)/pTj, (Ea+Eb)/Ej, Δ, kT, z and m². `energy` also "
        "tells the jet's orientation, as θ does.",
    )

    @property
    def views(self) -> tuple[View, ...]:
        return ("gates",)

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        return {"jet_encoder.pair_features": self.pair_features}


JetEncoderSpec = Annotated[
    SelfAttentionEncoder | MixerEncoder | IAFormerEncoder,
    Field(discriminator="kind", description="Encoder of each fat jet."),
]


class Capabilities(Block):
    """What a specification declares; those that say nothing else have none of it."""

    @property
    def views(self) -> tuple[View, ...]:
        """What can be seen inside the trained network, in the order of `View`."""
        return ()

    @property
    def takes_mass(self) -> bool:
        """Whether the architecture can be told m_H: whether it has the key `mass_token`."""
        return False

    @property
    def told_mass(self) -> bool:
        """Whether this network is told m_H."""
        return False

    @property
    def event_objects(self) -> int:
        """Leading energy-flow objects of the whole event that it takes."""
        return 0

    @property
    def sees_fat_jets(self) -> bool:
        """Whether it takes fat jets, so that it matters which of them is the first."""
        return not self.event_objects

    @property
    def fits_onnx(self) -> bool:
        """Whether programs for ONNX can run it: no trees, no clustering of constituents."""
        return True

    @property
    def displaced(self) -> bool:
        """Whether it sees impact parameters: whether its features name them."""
        keys = ("constituent_features", "object_features")
        named = {name for key in keys for name in getattr(self, key, ())}
        return not named.isdisjoint(DISPLACEMENT_FEATURES)

    @property
    def orientation(self) -> dict[str, list[str]]:
        """Features of what is inside jets that tell how a jet lies in the detector, by key."""
        return {}

    @property
    def encoder_kind(self) -> str | None:
        """Kind of its encoder of a fat jet, of those that `models.networks.registry` knows."""
        return None

    @property
    def shares_encoder(self) -> bool:
        """Whether both fat jets go through the same encoder weights."""
        return False


class Network(Capabilities):
    """What every network has."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]*$",
        max_length=64,
        description="Name of the network in paths, tables and figures.",
    )
    masses_gev: tuple[float, ...] = Field(
        (),
        description="Some m_H of the signals alone [GeV], with a training of its own for each; "
        "all signals if absent.",
    )
    seeds: tuple[int, ...] = Field(
        (), description="Some of `training.seeds` alone; all of them if absent."
    )

    @field_validator("constituent_features", "object_features", check_fields=False)
    @classmethod
    def _features_are_known(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        assert info.field_name
        return check_features(info.field_name, names)


def dump(block: Block) -> dict[str, Any]:
    """Return a block as JSON types, every default written out."""
    return block.model_dump(mode="json")
