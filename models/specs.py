"""What a network and its training are made of: configuration blocks, free of torch.

Reading the configuration must stay fast, so that nothing here imports a network. The
discriminator `architecture` names the class that `models.registry` builds.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

ORIENTED_FEATURES = (
    "eta",
    "phi",
    "log_pt",
    "log_pt_rel",
    "delta_r",
    "charge",
    "is_charged_hadron",
    "is_electron",
    "is_muon",
    "is_photon",
    "is_neutral_hadron",
)
"""Constituent features of the oriented jet alone: none tells how the jet lay in the detector."""

ORIENTATION_FEATURES = {
    "constituent_features": frozenset({"deta", "dphi", "log_energy", "log_energy_rel"}),
    "jet_encoder.subjet_features": frozenset({"deta", "dphi", "log_energy"}),
    "jet_encoder.pair_features": frozenset({"energy"}),
}
"""Features from which θ can be read: laboratory coordinates, and energy, for E = pT cosh η."""


class Block(BaseModel):
    """A frozen configuration block: unknown keys, NaN and infinities are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Features(Block):
    """Names of the columns of the input arrays, in order."""

    constituents: tuple[str, ...] = Field(
        (
            "eta",
            "phi",
            "deta",
            "dphi",
            "log_pt",
            "log_energy",
            "log_pt_rel",
            "log_energy_rel",
            "delta_r",
            "charge",
            "is_charged_hadron",
            "is_electron",
            "is_muon",
            "is_photon",
            "is_neutral_hadron",
        ),
        description="Columns of `constituents` [B, J, N, F].",
    )
    subjets: tuple[str, ...] = Field(
        ("deta", "dphi", "log_pt", "log_energy", "log_mass", "log_pt_rel"),
        description="Columns of `subjets` [B, J, S, F].",
    )
    kinematics: tuple[str, ...] = Field(
        ("mass", "eta", "phi", "pt", "energy", "theta"),
        description="Columns of `kinematics` [B, T, F].",
    )


class Transformer(Block):
    """Sizes of a stack of pre-layer-norm attention layers."""

    width: int = Field(32, gt=0, description="Width of a token inside the network.")
    heads: int = Field(2, gt=0, description="Attention heads; must divide `width`.")
    mlp_ratio: float = Field(2.0, gt=0, description="Hidden width of a layer's MLP over `width`.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout in attention and MLP outputs.")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % self.heads:
            allowed = [heads for heads in range(1, self.width + 1) if self.width % heads == 0]
            raise ValueError(
                f"heads ({self.heads}) must divide width ({self.width}); allowed: {allowed}"
            )
        return self


class SelfAttentionEncoder(Block):
    """A jet's constituents through plain self-attention layers."""

    kind: Literal["self_attention"] = Field(description="Encoder of a fat jet.")
    layers: int = Field(2, ge=0, description="Self-attention layers.")


class MixerEncoder(Block):
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


PairFeature = Literal["pt", "energy", "delta", "kt", "z", "mass"]


class IAFormerEncoder(Block):
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


JetEncoderSpec = Annotated[
    SelfAttentionEncoder | MixerEncoder | IAFormerEncoder,
    Field(discriminator="kind", description="Encoder of each fat jet."),
]


class Network(Block):
    """What every network has."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]*$",
        max_length=64,
        description="Name of the network in paths, tables and figures.",
    )


class UsesKinematics(Block):
    """How the kinematic tokens (m, η, φ, pT, E, θ) enter."""

    use_theta: bool = Field(
        True, description="Whether the kinematic tokens hold θ, the jets' rotation angle."
    )
    kinematics_encoding: Literal["relative", "published"] = Field(
        "relative",
        description="`relative`: log m, η, φ relative to fat jet 1 as sine and cosine, log pT, "
        "log E, and sine and cosine of 2θ, so that a rotation about the beam changes nothing and "
        "no angle jumps; `published`: the six numbers as they are, standardised.",
    )
    mass_token: bool = Field(
        False,
        description="Whether m_H enters as a further kinematic token: one network for all m_H.",
    )


class UsesConstituents(Block):
    """How the constituents of the two fat jets enter."""

    constituent_features: tuple[str, ...] = Field(
        ORIENTED_FEATURES,
        min_length=1,
        description="Constituent features that the network sees. `deta`, `dphi`, `log_energy` and "
        "`log_energy_rel` also tell the jet's orientation, as θ does.",
    )
    jet_encoder: JetEncoderSpec = SelfAttentionEncoder(kind="self_attention", layers=2)
    share_jet_encoder: bool = Field(
        False, description="Whether both fat jets go through the same encoder weights."
    )


class WithoutTheta(UsesKinematics, UsesConstituents):
    """Both inputs, where leaving θ out must not let it in again by another door."""

    @model_validator(mode="after")
    def _theta_stays_out(self) -> Self:
        if self.use_theta:
            return self
        seen = {
            "constituent_features": self.constituent_features,
            "jet_encoder.subjet_features": getattr(self.jet_encoder, "subjet_features", ()),
            "jet_encoder.pair_features": getattr(self.jet_encoder, "pair_features", ()),
        }
        for key, names in seen.items():
            leaks = sorted(ORIENTATION_FEATURES[key].intersection(names))
            if leaks:
                raise ValueError(
                    f"with use_theta: false, {key} must not hold {', '.join(leaks)}, from which θ "
                    "can be read; leave it out"
                )
        return self


class CrossAttention(Network, Transformer, WithoutTheta):
    """Kinematic tokens ask, the constituents of both fat jets answer."""

    architecture: Literal["cross_attention"] = Field(
        "cross_attention", description="Name of the architecture."
    )
    fusion: Literal["tokens", "sum"] = Field(
        "tokens",
        description="Keys and values: `tokens` of both jets side by side with a learned jet "
        "embedding; `sum` of the two jets token by token in pT order, as published.",
    )
    kinematics_layers: int = Field(2, ge=0, description="Self-attention layers on kinematics.")
    cross_layers: int = Field(2, ge=1, description="Cross-attention layers.")


class Concatenation(Network, Transformer, WithoutTheta):
    """The three pooled streams side by side, in place of cross-attention."""

    architecture: Literal["concatenation"] = Field(
        "concatenation", description="Name of the architecture."
    )
    kinematics_layers: int = Field(2, ge=0, description="Self-attention layers on kinematics.")


class Constituents(Network, Transformer, UsesConstituents):
    """The constituents of the two fat jets alone."""

    architecture: Literal["constituents"] = Field(
        "constituents", description="Name of the architecture."
    )


class Kinematics(Network, Transformer, UsesKinematics):
    """The kinematic tokens alone."""

    architecture: Literal["kinematics"] = Field(
        "kinematics", description="Name of the architecture."
    )
    layers: int = Field(2, ge=0, description="Self-attention layers.")


class JetTagger(Network, Transformer):
    """One fat jet at a time: an encoder, pooling, two classes."""

    architecture: Literal["jet_tagger"] = Field(
        "jet_tagger", description="Name of the architecture."
    )
    constituent_features: tuple[str, ...] = Field(
        ORIENTED_FEATURES, min_length=1, description="Constituent features that the network sees."
    )
    jet_encoder: JetEncoderSpec = SelfAttentionEncoder(kind="self_attention", layers=2)
    pooling: Literal["mean", "max"] = Field("mean", description="Pooling over constituents.")


class ParticleTransformer(Network):
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
    embedding: tuple[int, ...] = Field(
        (128, 512, 128), min_length=1, description="Widths of the constituents' embedding."
    )
    pair_embedding: tuple[int, ...] = Field(
        (64, 64, 64), min_length=1, description="Widths of the pairs' embedding."
    )


class ParticleNet(Network):
    """ParticleNet of weaver-core on the constituents of both jets (arXiv:1902.08570)."""

    architecture: Literal["particle_net"] = Field(
        "particle_net", description="Name of the architecture."
    )
    constituent_features: tuple[str, ...] = Field(
        Features().constituents, min_length=1, description="Constituent features, beside positions."
    )
    neighbours: int = Field(16, gt=0, description="Nearest neighbours of an edge convolution.")
    channels: tuple[tuple[int, ...], ...] = Field(
        ((64, 64, 64), (128, 128, 128), (256, 256, 256)),
        min_length=1,
        description="Widths inside each edge convolution.",
    )


class LGATr(Network):
    """L-GATr: Lorentz-equivariant transformer on the constituents' four-momenta (2405.14806)."""

    architecture: Literal["lgatr"] = Field("lgatr", description="Name of the architecture.")
    constituent_features: tuple[str, ...] = Field(
        ("charge", "is_charged_hadron", "is_electron", "is_muon", "is_photon", "is_neutral_hadron"),
        min_length=1,
        description="Lorentz-invariant constituent features, beside momenta.",
    )
    layers: int = Field(4, gt=0, description="Blocks.")
    multivectors: int = Field(8, gt=0, description="Multivector channels.")
    scalars: int = Field(16, gt=0, description="Scalar channels.")
    heads: int = Field(4, gt=0, description="Attention heads.")


class HighLevelMLP(Network):
    """A multilayer perceptron on high-level features."""

    architecture: Literal["high_level_mlp"] = Field(
        "high_level_mlp", description="Name of the architecture."
    )
    width: int = Field(64, gt=0, description="Width of the hidden layers.")
    layers: int = Field(3, gt=0, description="Hidden layers.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout after each hidden layer.")


class Custom(Network):
    """A network of the user's own, given by the import path of its class."""

    architecture: Literal["custom"] = Field("custom", description="Name of the architecture.")
    target: str = Field(
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="`package.module:Class`, a torch module built as `Class(spec, features)` that "
        "maps a `models.batch.Batch` to logits [B, 2].",
    )
    options: dict[str, JsonValue] = Field({}, description="The network's own settings.")


NetworkSpec = Annotated[
    CrossAttention
    | Concatenation
    | Constituents
    | Kinematics
    | JetTagger
    | ParticleTransformer
    | ParticleNet
    | LGATr
    | HighLevelMLP
    | Custom,
    Field(discriminator="architecture"),
]


class Training(Block):
    """The one training loop, for every network."""

    seeds: tuple[int, ...] = Field(
        (1,), min_length=1, description="One training per seed: initial weights, order, split."
    )
    epochs: int = Field(40, gt=0, description="Largest number of passes over the training events.")
    batch_size: int = Field(64, gt=0, description="Events per step.")
    learning_rate: float = Field(2e-3, gt=0, description="Peak learning rate of AdamW.")
    weight_decay: float = Field(0.01, ge=0, description="Decoupled weight decay of AdamW.")
    warmup_fraction: float = Field(
        0.1, ge=0, lt=1, description="Share of all steps with a linearly rising learning rate."
    )
    patience: int = Field(
        10, gt=0, description="Epochs without a better validation loss before the training stops."
    )
    gradient_clip: float = Field(1.0, gt=0, description="Largest norm of the gradient.")
    ema: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Decay per step of averaged weights; 0 takes the weights as is.",
    )
    precision: Literal["auto", "32-true", "bf16-mixed"] = Field(
        "auto", description="`auto`: bf16-mixed on a GPU that has it, single precision elsewhere."
    )
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="`auto`: one CUDA GPU where there is one, else the CPU."
    )
    threads: int = Field(
        1, gt=0, description="CPU threads of one training; sums may differ in the last bit with it."
    )

    @field_validator("seeds")
    @classmethod
    def _seeds_are_distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) != len(seeds) or min(seeds) < 0:
            raise ValueError("seeds must be distinct and not negative")
        return seeds


def dump(block: Block) -> dict[str, Any]:
    """Return a block as JSON types, every default written out."""
    return block.model_dump(mode="json")
