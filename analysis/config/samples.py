"""Configuration of the samples: which events, and how they are normalised."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from analysis.config.base import Block, Name, NonNegative, Positive
from analysis.config.simulation import Simulation

HIGGS_MASS_GEV = 125.0


class BHadrons(Block):
    """Events of a sample are kept by their number of b hadrons, both ends included.

    Samples of one process that differ in how they were generated join without double counting
    when each keeps its own range: their weights are normalised to all events generated, so the
    kept ones carry their part of the cross section.
    """

    min: Annotated[int, Field(ge=0)] = Field(0, description="Fewest b hadrons.")
    max: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Most b hadrons; no upper end if absent."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max is not None and self.max < self.min:
            raise ValueError(f"max ({self.max}) must not be below min ({self.min})")
        return self


class Sample(Block):
    """One set of events that share a process and a normalisation."""

    name: Name = Field(description="Unique name; letters, digits, `_` and `-`.")
    process: Name = Field(
        description="Physics process. Samples with the same process are added in all tables and "
        "figures."
    )
    label: Literal["signal", "background"] = Field(description="What the network shall find.")
    files: tuple[str, ...] = Field(
        (),
        description="Delphes files: paths, globs (`*`, `?`, `**`), or `root://` and `https://` "
        "URLs. Relative paths start at the working directory; `~`, `$NAME` and `${NAME}` are "
        "replaced.",
    )
    simulation: Simulation | None = Field(
        None, description="How to make the events, in place of `files`."
    )
    cross_section_pb: Positive | None = Field(
        None,
        description="Cross section of what was generated [pb]. A simulated background has the "
        "generator's; a signal is normalised to σ(gg → H → hh) = 1 fb times BR(h → bb)².",
    )
    k_factor: Positive = Field(1.0, description="Multiplies the cross section.")
    k_factor_error: NonNegative = Field(
        0.0,
        description="Relative error of `k_factor`. The largest of a process's samples enters the "
        "uncertainty of the whole process.",
    )
    mass_gev: Positive | None = Field(None, description="m_H of a signal [GeV].")
    b_hadrons: BHadrons | None = Field(
        None, description="Keep only events with this many b hadrons (see `BHadrons`)."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        name = f"{self.label} sample {self.name!r}"
        if bool(self.files) == (self.simulation is not None):
            raise ValueError(f"{name} needs either `files` or `simulation`")
        if self.label == "signal":
            if self.mass_gev is None:
                raise ValueError(f"{name} needs `mass_gev` (m_H in GeV)")
            if self.mass_gev < 2 * HIGGS_MASS_GEV:
                raise ValueError(
                    f"{name}: mass_gev is {self.mass_gev:g}, below 2 m_h = "
                    f"{2 * HIGGS_MASS_GEV:g} GeV, where H → hh is closed"
                )
            if self.cross_section_pb is not None:
                raise ValueError(
                    f"{name} must not have `cross_section_pb`: the limit is on its cross section, "
                    "the yields in tables are for 1 fb"
                )
        else:
            if self.mass_gev is not None:
                raise ValueError(f"{name} must not have `mass_gev`")
            if self.simulation is None and self.cross_section_pb is None:
                raise ValueError(f"{name} needs `cross_section_pb` (in pb)")
            if self.simulation is not None and self.cross_section_pb is not None:
                raise ValueError(f"{name} must not have `cross_section_pb`: Pythia computes it")
        return self
