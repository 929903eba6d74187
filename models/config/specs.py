"""What a network and its training are made of: configuration blocks, free of torch.

Reading the configuration must stay fast, so that nothing here imports a network. The
discriminator `architecture` names the class that `models.networks.registry` builds.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from models.config.blocks import (
    ORIENTATION_FEATURES,
    ORIENTED_FEATURES,
    Block,
    Capabilities,
    Features,
    IAFormerEncoder,
    JetEncoderSpec,
    MixerEncoder,
    Network,
    SelfAttentionEncoder,
    Transformer,
    View,
    dump,
    views_of_layers,
)
from models.config.specs_peers import (
    HighLevelMLP,
    HighLevelTrees,
    LGATr,
    ParticleNet,
    ParticleTransformer,
)
from models.config.specs_taggers import (
    EFN,
    PCNN,
    PFN,
    JetImageCNN,
    LGATrSlim,
    LLoCa,
    LorentzNet,
    LundNet,
    MIParT,
    Pelican,
)

__all__ = [
    "EFN",
    "PCNN",
    "PFN",
    "Block",
    "Concatenation",
    "Constituents",
    "CrossAttention",
    "Custom",
    "Features",
    "HighLevelMLP",
    "HighLevelTrees",
    "IAFormerEncoder",
    "JetImageCNN",
    "JetTagger",
    "Kinematics",
    "LGATr",
    "LGATrSlim",
    "LLoCa",
    "LorentzNet",
    "LundNet",
    "MIParT",
    "MixerEncoder",
    "NetworkSpec",
    "ParticleNet",
    "ParticleTransformer",
    "Pelican",
    "SelfAttentionEncoder",
    "Training",
    "Transformer",
    "UsesKinematics",
    "dump",
]


class UsesKinematics(Capabilities):
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
        description="Whether m_H enters as a further kinematic token, with m_JJ and the fat jets' "
        "pT over it. `training.masses: joint` sets it.",
    )

    @property
    def takes_mass(self) -> bool:
        return True

    @property
    def told_mass(self) -> bool:
        return self.mass_token


class UsesConstituents(Capabilities):
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

    @property
    def encoder_kind(self) -> str:
        return self.jet_encoder.kind

    @property
    def shares_encoder(self) -> bool:
        return self.share_jet_encoder

    @property
    def orientation(self) -> dict[str, list[str]]:
        inputs = {"constituent_features": self.constituent_features, **self.jet_encoder.inputs}
        told = {key: ORIENTATION_FEATURES[key].intersection(names) for key, names in inputs.items()}
        return {key: sorted(names) for key, names in told.items() if names}


class WithoutTheta(UsesKinematics, UsesConstituents):
    """Both inputs; with `use_theta: false`, features from which θ follows are refused."""

    @model_validator(mode="after")
    def _theta_stays_out(self) -> Self:
        if self.use_theta:
            return self
        for key, leaks in self.orientation.items():
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

    @property
    def views(self) -> tuple[View, ...]:
        crosses = self.fusion == "tokens"
        attention: tuple[View, ...] = ("attention", "attention_events") if crosses else ()
        layers = self.kinematics_layers + 2 * self.jet_encoder.layers
        of_layers = views_of_layers(layers, self.cross_layers)
        return (*attention, *of_layers, *self.jet_encoder.views, "permutation")


class Concatenation(Network, Transformer, WithoutTheta):
    """The three pooled streams side by side, in place of cross-attention."""

    architecture: Literal["concatenation"] = Field(
        "concatenation", description="Name of the architecture."
    )
    kinematics_layers: int = Field(2, ge=0, description="Self-attention layers on kinematics.")

    @property
    def views(self) -> tuple[View, ...]:
        of_layers = views_of_layers(self.kinematics_layers + 2 * self.jet_encoder.layers)
        return (*of_layers, *self.jet_encoder.views, "permutation")


class Constituents(Network, Transformer, UsesConstituents):
    """The constituents of the two fat jets alone."""

    architecture: Literal["constituents"] = Field(
        "constituents", description="Name of the architecture."
    )

    @property
    def views(self) -> tuple[View, ...]:
        return (*views_of_layers(2 * self.jet_encoder.layers), *self.jet_encoder.views)


class Kinematics(Network, Transformer, UsesKinematics):
    """The kinematic tokens alone."""

    architecture: Literal["kinematics"] = Field(
        "kinematics", description="Name of the architecture."
    )
    layers: int = Field(2, ge=0, description="Self-attention layers.")

    @property
    def views(self) -> tuple[View, ...]:
        return (*views_of_layers(self.layers), "permutation")


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

    @property
    def jets(self) -> int:
        """Fat jets that it sees."""
        return 1

    @property
    def encoder_kind(self) -> str:
        return self.jet_encoder.kind


class Custom(Network):
    """A network of the user's own, given by the file or the import path of its class."""

    architecture: Literal["custom"] = Field("custom", description="Name of the architecture.")
    target: str = Field(
        pattern=r"^([A-Za-z_][\w.]*|.+\.py):[A-Za-z_]\w*$",
        description="`file.py:Class`, the file from the folder of the run, or "
        "`package.module:Class`: a torch module built as `Class(spec, features)` that maps a "
        "`models.networks.batch.Batch` to logits [B, classes], for events [B, 2].",
    )
    options: dict[str, JsonValue] = Field({}, description="The network's own settings.")
    objects: int = Field(
        0,
        ge=0,
        description="Leading energy-flow objects of the whole event that it takes, beside the "
        "fat jets: the tensors `objects` and `object_mask` of the batch.",
    )

    @property
    def event_objects(self) -> int:
        return self.objects

    @property
    def sees_fat_jets(self) -> bool:
        return True

    @property
    def views(self) -> tuple[View, ...]:
        return ("permutation",)


SingleJetSpec = (
    JetTagger
    | ParticleTransformer
    | ParticleNet
    | LGATr
    | PFN
    | EFN
    | PCNN
    | JetImageCNN
    | LundNet
    | MIParT
    | LorentzNet
    | Pelican
    | LGATrSlim
    | LLoCa
)
"""Networks that see one jet: taggers of single jets, and in events of both jets in turn."""

NetworkSpec = Annotated[
    CrossAttention
    | Concatenation
    | Constituents
    | Kinematics
    | SingleJetSpec
    | HighLevelMLP
    | HighLevelTrees
    | Custom,
    Field(discriminator="architecture"),
]


class Training(Block):
    """The one training loop, for every network."""

    seeds: tuple[int, ...] = Field(
        (1,), min_length=1, description="One training per seed: initial weights, order, folds."
    )
    masses: Literal["joint", "separate"] = Field(
        "joint",
        description="Of several signals: `joint` trains one network per seed on all of them, which "
        "is told m_H, where its architecture has the key `mass_token`; `separate`, and for "
        "architectures without it, one network per signal.",
    )
    epochs: int = Field(40, gt=0, description="Largest number of passes over the training events.")
    batch_size: int = Field(64, gt=0, description="Events per step.")
    optimizer: Literal["muon", "adamw"] = Field(
        "muon",
        description="`muon`: the matrices of layers along orthogonalised momentum (Muon), all else "
        "by AdamW; `adamw`: all by AdamW.",
    )
    learning_rate: float = Field(
        6e-3,
        gt=0,
        description="Peak learning rate; AdamW alone wants a third of the default.",
    )
    weight_decay: float = Field(0.01, ge=0, description="Decoupled weight decay.")
    warmup_fraction: float = Field(
        0.1, ge=0, lt=1, description="Share of all steps with a linearly rising learning rate."
    )
    patience: int = Field(
        10, gt=0, description="Epochs without a better validation loss before the training stops."
    )
    gradient_clip: float = Field(1.0, gt=0, description="Largest norm of the gradient.")
    exchange_jets: bool = Field(
        True,
        description="Whether fat jets 1 and 2 change places in half of the training events, drawn "
        "anew in each epoch; the score of an event is then the mean of both orders.",
    )
    ema: float = Field(
        0.99,
        ge=0,
        lt=1,
        description="Decay per step of averaged weights, which are validated and kept; at first "
        "the average is shorter. 0 takes the weights as is.",
    )
    calibration: Literal["platt", "temperature", "none"] = Field(
        "platt",
        description="What makes the score a probability, fitted on validation events: "
        "`platt`: a factor on the log-odds and an offset; `temperature`: the factor alone. The "
        "order of events, and with it every limit, stays. Networks of more than two classes are "
        "not calibrated.",
    )
    precision: Literal["auto", "32-true", "bf16-mixed"] = Field(
        "auto", description="`auto`: bf16-mixed on a GPU that has it, single precision elsewhere."
    )
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="`auto`: one CUDA GPU where there is one, else the CPU."
    )
    devices: int = Field(
        1,
        gt=0,
        description="GPUs (on a CPU: processes) that work on one training together. Each gets its "
        "share of every batch of `batch_size`, so that the result is that of one, but for dropout "
        "and for batch normalisation, which knows its process's share alone.",
    )
    compile: bool = Field(
        False,
        description="Whether `torch.compile` makes kernels for the network: faster steps after a "
        "minute of compiling; worth it on a GPU, for long trainings.",
    )
    memory_mb: int = Field(
        2000,
        ge=100,
        description="Memory for events of one training [MB]. Training and validation events that "
        "fit into it together are read once; of larger samples as many as fit are held, a random "
        "choice that is renewed from the file batch by batch.",
    )
    threads: int = Field(
        1, gt=0, description="CPU threads of one training; sums may differ in the last bit with it."
    )

    @model_validator(mode="after")
    def _several_devices_can_talk(self) -> Self:
        if self.devices > 1 and self.accelerator == "mps":
            raise ValueError("several devices need accelerator cuda, cpu or auto, not mps")
        return self

    @field_validator("seeds")
    @classmethod
    def _seeds_are_distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) != len(seeds) or min(seeds) < 0 or max(seeds) >= 2**63:
            raise ValueError("seeds must be distinct, not negative and below 2⁶³")
        return seeds
