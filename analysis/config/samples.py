"""Configuration of the samples: which events, and how they are normalised."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from analysis.config.base import Block, Name, NonNegative, Positive
from analysis.config.reconstruction import BHadrons
from analysis.config.simulation import MASS, Simulation

HIGGS_MASS_GEV = 125.0

SampleName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_\-]|\{mass_gev\})*$", max_length=64)
]


class Sample(Block):
    """One set of events that share a process and a normalisation."""

    name: SampleName = Field(
        description="Unique name; letters, digits, `_` and `-`. With `masses_gev`, `{mass_gev}` in "
        "it stands for the mass; where it is not there, `_mH{mass_gev}` is added."
    )
    process: Name = Field(
        description="Physics process. Samples with the same process are added in all tables and "
        "figures."
    )
    label: Literal["signal", "background"] = Field(description="Signal or background.")
    files: tuple[str, ...] = Field(
        (),
        description="Delphes files: paths, globs (`*`, `?`, `**`), or `root://` and `https://` "
        "URLs. Relative paths start at the working directory; `~`, `$NAME` and `${NAME}` are "
        "replaced, and with `masses_gev`, `{mass_gev}`.",
    )
    simulation: Simulation | None = Field(
        None, description="How to make the events, in place of `files`."
    )
    cross_section_pb: Positive | None = Field(
        None,
        description="Cross section of what was generated [pb]. A simulated background has the "
        "generator's; a signal is normalised to σ(gg → H → hh) = 1 fb times BR(h → bb)².",
    )
    k_factor: Positive = Field(1.0, description="Multiplies the cross section of a background.")
    k_factor_error: NonNegative = Field(
        0.0,
        description="Relative error of `k_factor`. The largest of a process's samples enters the "
        "uncertainty of the whole process.",
    )
    tail_from: str | None = Field(
        None,
        description="A larger sample of the same process. Above the cut up to which this sample is "
        "resolved, its scores are taken to be distributed as those (`working_point.sharing`).",
    )
    mixed_tail: bool = Field(
        False,
        description="Above the cut up to which this background is resolved, its scores are those "
        "of mixed events: fat jet 1 of one event, fat jet 2 of another (`working_point.mixing`).",
    )
    mass_gev: Positive | None = Field(None, description="m_H of a signal [GeV].")
    masses_gev: tuple[Positive, ...] = Field(
        (),
        exclude=True,
        description="Several m_H [GeV], in place of `mass_gev`: one sample each, which share all "
        "else.",
    )
    b_hadrons: BHadrons | None = Field(
        None, description="Keep only events with this many b hadrons (see `BHadrons`)."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        name = f"{self.label} sample {self.name!r}"
        if bool(self.files) == (self.simulation is not None):
            raise ValueError(f"{name} needs either `files` or `simulation`")
        if self.label == "signal":
            self._check_masses(name)
            for key in ("tail_from", "mixed_tail"):
                if getattr(self, key):
                    raise ValueError(f"{name} must not have `{key}`: it is for backgrounds")
            own = self.simulation.cross_section_pb if self.simulation else None
            if self.cross_section_pb is not None or own is not None:
                raise ValueError(
                    f"{name} must not have `cross_section_pb`: the limit is on its cross section, "
                    "the yields in tables are for 1 fb"
                )
            for key in ("k_factor", "k_factor_error"):
                if getattr(self, key) != type(self).model_fields[key].default:
                    raise ValueError(
                        f"{name} must not have `{key}`: the limit is on its cross section, which "
                        "is 1 fb; leave it out"
                    )
        else:
            if self.mass_gev is not None or self.masses_gev:
                raise ValueError(f"{name} must not have `mass_gev` or `masses_gev`")
            if self.tail_from and self.mixed_tail:
                raise ValueError(
                    f"{name} has both `tail_from` and `mixed_tail`: give it the tail of one of them"
                )
            if MASS in self.name:
                raise ValueError(f"{name} has no mass that `{MASS}` in its name could stand for")
            if self.simulation is None and self.cross_section_pb is None:
                raise ValueError(f"{name} needs `cross_section_pb` (in pb)")
            if self.simulation is not None and self.cross_section_pb is not None:
                raise ValueError(
                    f"{name} must not have `cross_section_pb`: Pythia computes it, and event files "
                    "hold it, or `simulation.cross_section_pb`"
                )
        own_mass = self.simulation.mass_gev if self.simulation else None
        if own_mass not in (None, self.mass_gev):
            raise ValueError(
                f"{name}: simulation.mass_gev is {own_mass:g}, which is not the sample's; m_H "
                "stands in the sample: leave it out of simulation"
            )
        return self

    def _check_masses(self, name: str) -> None:
        if (self.mass_gev is None) == (not self.masses_gev):
            raise ValueError(f"{name} needs either `mass_gev` (m_H in GeV) or `masses_gev`")
        for mass in self.masses_gev or (self.mass_gev or 0.0,):
            if mass < 2 * HIGGS_MASS_GEV:
                key = "masses_gev holds" if self.masses_gev else "mass_gev is"
                raise ValueError(
                    f"{name}: {key} {mass:g}, below 2 m_h = {2 * HIGGS_MASS_GEV:g} GeV, where "
                    "H → hh is closed"
                )
        if self.mass_gev is not None and MASS in self.name:
            raise ValueError(f"{name}: `{MASS}` in the name needs `masses_gev`")
        if self.masses_gev and any(MASS not in file for file in self.files):
            raise ValueError(
                f"{name} has `masses_gev`, so that each entry of `files` needs `{MASS}`: each mass "
                "has files of its own"
            )
        event_files = self.simulation.event_files if self.simulation else ()
        if self.masses_gev and any(MASS not in file for file in event_files):
            raise ValueError(
                f"{name} has `masses_gev`, so that each event file of `simulation` needs `{MASS}`: "
                "each mass has files of its own"
            )

    def at_each_mass(self) -> tuple["Sample", ...]:
        """Return one sample per entry of `masses_gev`; the sample itself where there are none.

        A sample's name ends in `_mH` and its mass, or has it in the place of `{mass_gev}`, with `p`
        for the decimal point.
        """
        return tuple(map(self._at, self.masses_gev)) or (self,)

    def _at(self, mass_gev: float) -> "Sample":
        name = self.name if MASS in self.name else f"{self.name}_mH{MASS}"
        at_mass = {
            "name": name.replace(MASS, f"{mass_gev:.12g}".replace(".", "p")),
            "files": tuple(file.replace(MASS, f"{mass_gev:.12g}") for file in self.files),
            "simulation": self.simulation and self.simulation.at(mass_gev),
            "mass_gev": mass_gev,
            "masses_gev": (),
        }
        return self.model_copy(update=at_mass)
