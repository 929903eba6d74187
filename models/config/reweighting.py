"""Configuration of a reweighting: which two samples a classifier tells apart; free of torch."""

from typing import Self

from pydantic import Field, model_validator

from models.config.blocks import Block
from models.config.specs import HighLevelMLP, NetworkSpec, Training


class Reweighting(Block):
    """Weights that turn a sample into what another generator makes of it; a nuisance of the fits.

    One sample is made once more, as `pythia` or `files` say. Classifiers of both samples give each
    event of the nominal one its weight, so that no fit needs a second sample.
    """

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]*$",
        max_length=64,
        description="Name in paths and tables; the nuisance is `reweighting_{name}`.",
    )
    sample: str = Field(description="Name of the sample that there are two of.")
    pythia: tuple[str, ...] = Field(
        (),
        description="Pythia lines, after those of a simulated sample, that make the alternative: "
        "`PartonShowers:model = 2` (Vincia), for samples without `enhancement` and without "
        "`heavy_flavour`, or with forced pairs bb+bb.",
    )
    chunks: int | None = Field(
        None,
        ge=1,
        description="Chunks of the alternative that `pythia` makes; as many as of the sample if "
        "absent.",
    )
    files: tuple[str, ...] = Field(
        (),
        description="Delphes files of the alternative to a sample of Delphes files, made with the "
        "same cuts, as `samples[].files`.",
    )
    apply_to: tuple[str, ...] = Field(
        (),
        description="Further samples whose events get weights, from classifiers that have not seen "
        "them, such as signals at other masses.",
    )
    seed: int = Field(
        2,
        ge=0,
        description="Seed of the alternative's simulation, which must not be that of the nominal "
        "one, and of the folds.",
    )
    networks: tuple[NetworkSpec, ...] = Field(
        (HighLevelMLP(name="high_level"),),
        min_length=1,
        description="Classifiers; the first one's weights reach the fits.",
    )
    training: Training = Field(
        Training(),
        description="Their training; the mean log-odds over its seeds is the classifier's.",
    )

    @property
    def variation(self) -> str:
        """Name of the alternative's files, and of the nuisance."""
        return f"reweighting_{self.name}"

    @property
    def samples(self) -> tuple[str, ...]:
        """Names of all samples whose events get weights."""
        return (self.sample, *self.apply_to)

    def network(self, name: str) -> NetworkSpec:
        return next(network for network in self.networks if network.name == name)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if bool(self.pythia) == bool(self.files):
            raise ValueError(f"{self.name} needs either `pythia` or `files`: the alternative")
        if self.files and self.chunks:
            raise ValueError(
                f"{self.name}: chunks are of simulated events: leave it out with files"
            )
        if self.training.devices > 1:
            raise ValueError(f"{self.name}: training.devices must be 1: folds train in one process")
        names = [network.name for network in self.networks]
        for key, values in (("networks", names), ("apply_to", self.samples)):
            twice = [value for value in values if list(values).count(value) > 1]
            if twice:
                raise ValueError(f"{self.name}: {key} holds {twice[0]!r} twice")
        for network in self.networks:
            if network.event_objects:
                raise ValueError(
                    f"{self.name}: networks: {network.name!r} takes the whole event, and what is "
                    "compared are fat jets; leave out `objects`"
                )
            if network.masses_gev or network.seeds or network.told_mass:
                raise ValueError(
                    f"{self.name}: networks: {network.name!r} must not have masses_gev, seeds or "
                    "mass_token; set reweighting.training.seeds"
                )
        return self
