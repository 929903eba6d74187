"""Configuration of the simulation of one sample: physics, sampling, detector."""

import re
from collections.abc import Sequence
from itertools import product
from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from analysis.config.base import Block, NonNegative, Positive, PositiveInt

PP_14_TEV = (
    "Beams:idA = 2212",
    "Beams:idB = 2212",
    "Beams:eCM = 14000.",
    "Tune:pp = 14",
    "PartonLevel:MPI = on",
    "HadronLevel:all = on",
)


Origin = Literal["splitting", "excitation", "creation"]
Pairs = Literal["bb+bb", "bb+cc", "cc+cc", "bb", "cc", "none"]
ORIGINS: tuple[Origin, ...] = get_args(Origin)
PAIRS: tuple[Pairs, ...] = get_args(Pairs)
BOTTOM_MASS_GEV = 4.8
ENERGY_GEV = 14000.0
"""Of the collisions, by Pythia's default."""
TWO_GLUONS = ("HardQCD:gg2gg", "HardQCD:qqbar2gg")
ONE_GLUON = ("HardQCD:qg2qg",)
"""Processes of two or one outgoing gluons that can be made to split."""
_SETTING = re.compile(r"^\s*(?P<key>\w+:\w+)\s*(?:=|\s)\s*(?P<value>[^\s!]+)")
_PROCESS = re.compile(r"HardQCD:\w+|(?!PhaseSpace:|\w+Level:)\w+:(?:all|[a-z]+2\w+)", re.IGNORECASE)


class HeavyFlavour(Block):
    """A stratum of a process by its heavy quarks; what is not of it is dropped early, and counted.

    It is decided when the parton shower and the multi-parton interactions have come down to
    `scale_gev`, by the same rules in all samples, so that samples whose strata divide a process add
    up to it without double counting. A stratum is a choice in three respects:

    - `origins`: a b quark comes into the hard process (`excitation`), two go out of it
      (`creation`), or neither (`splitting`);
    - `pairs`: pairs of heavy quarks, with a mass between `pair_mass_min` and `pair_mass_max`, that
      the outgoing gluons of the hard process have, b before c;
    - `min` … `max`: the class. The partons are clustered (anti-kT, R = 1.0). A jet counts 2 if it
      holds two b quarks above `quark_pt_min` that are further than `separation` apart, so that two
      subjets can be tagged, else 1 if it holds any. The class is the sum over the two jets that
      count most.
    """

    origins: tuple[Origin, ...] = Field(
        ORIGINS, min_length=1, description="Where b quarks come from by the hard process."
    )
    pairs: tuple[Pairs, ...] = Field(
        PAIRS, min_length=1, description="Pairs of the hard process's gluons."
    )
    forced: bool = Field(
        False,
        description="Make the gluons of the hard process split into the one entry of `pairs`, with "
        "exact weights, in place of waiting for the shower to do it.",
    )
    min: int = Field(0, ge=0, le=4, description="Lowest class of b quarks.")
    max: int = Field(4, ge=0, le=4, description="Highest class of b quarks.")
    scale_gev: Positive = Field(
        5.0,
        description="Evolution scale pT at which all is decided [GeV]; as all else that defines "
        "the strata, the same for all samples of one process.",
    )
    pair_mass_min: Positive = Field(20.0, description="Smallest mass of a pair [GeV].")
    pair_mass_max: Positive = Field(300.0, description="Largest mass of a pair [GeV].")
    jet_pt_min: Positive = Field(200.0, description="Smallest pT of the two jets [GeV].")
    quark_pt_min: NonNegative = Field(15.0, description="Smallest pT of a b quark [GeV].")
    separation: NonNegative = Field(0.25, description="Smallest ΔR of two b quarks of one jet.")

    @property
    def all_pairs(self) -> bool:
        """Whether the pairs of the hard gluons do not matter."""
        return set(self.pairs) == set(PAIRS)

    @property
    def cells(self) -> set[tuple[Origin, Pairs, int]]:
        """Origin, pairs and class of all that the stratum holds."""
        return set(product(self.origins, self.pairs, range(self.min, self.max + 1)))

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max < self.min:
            raise ValueError(f"max ({self.max}) must not be below min ({self.min})")
        if self.pair_mass_min <= 2 * BOTTOM_MASS_GEV:
            raise ValueError(
                f"pair_mass_min ({self.pair_mass_min:g} GeV) must be above 2 m_b = "
                f"{2 * BOTTOM_MASS_GEV:g} GeV"
            )
        if self.pair_mass_max <= self.pair_mass_min:
            raise ValueError(
                f"pair_mass_max ({self.pair_mass_max:g} GeV) must be above pair_mass_min "
                f"({self.pair_mass_min:g} GeV): the window of masses is empty"
            )
        for name in ("origins", "pairs"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} holds an entry twice: {list(values)}")
        if self.forced:
            self._check_forced()
        return self

    def _check_forced(self) -> None:
        if len(self.pairs) != 1 or self.pairs[0] == "none":
            raise ValueError(
                f"forced needs exactly one entry of pairs, not none, found {', '.join(self.pairs)}"
            )
        if "creation" in self.origins:
            raise ValueError(
                "forced makes gluons split, and origin creation has none: name the other origins"
            )
        if (self.min, self.max) != (0, 4):
            raise ValueError("forced makes all classes at once: leave min and max out")


class Importance(Block):
    """What the sampling aims at: jets of mass m_h that together have the mass of a signal.

    Events are dropped by Russian roulette with a chance that grows with their distance from it and
    with how unlikely their b tags are; the weight of the others grows in return.
    """

    masses_gev: tuple[Positive, ...] = Field(
        (), description="m_H to aim at [GeV]; those of the configured signals if absent."
    )
    power: Positive = Field(
        0.85,
        le=1,
        description="Power of the chance to pass in the worth: high for the fewest events behind "
        "hard cuts, low for even weights of rare events.",
    )
    floor: Positive = Field(
        0.0002,
        le=1,
        description="Smallest worth, a power of a chance, which bounds the weights of distant "
        "events.",
    )


class Delphes(Block):
    """The user's own Delphes."""

    card: str | None = Field(None, description="Path of the Delphes card; needed.")
    executable: str | None = Field(
        None,
        description="Name on PATH, or path; `DelphesPythia8` if absent, `DelphesHepMC3` with "
        "`hepmc`.",
    )
    hepmc: str | None = Field(
        None,
        description="HepMC 3 file to read in place of generating, `{chunk}` standing for the "
        "chunk's number; `pythia` must be the settings it was made with.",
    )


class Simulation(Block):
    """How the events of one sample are generated and measured."""

    pythia: tuple[str, ...] = Field(
        min_length=1,
        description="Lines of Pythia 8 settings that choose the process. `{mass_gev}` stands for "
        "the sample's `mass_gev`.",
    )
    common: tuple[str, ...] = Field(
        PP_14_TEV, description="Lines of Pythia 8 settings for beams, tune and what is simulated."
    )
    mass_gev: float | None = Field(
        None, description="m_H of a signal [GeV]; taken from the sample if absent."
    )
    events: PositiveInt = Field(description="Events in one chunk (one file, one job).")
    chunks: PositiveInt = Field(1, le=100_000, description="Number of chunks.")
    pt_hat_min: Positive | None = Field(
        None, description="Smallest pT of the hard process, `PhaseSpace:pTHatMin` [GeV]."
    )
    bias_power: NonNegative = Field(
        0.0,
        description="Hard processes are sampled with probability times (pT / pt_hat_min) to this "
        "power, and weighted with its inverse; 0 is unweighted.",
    )
    enhancement: float = Field(
        1.0,
        ge=1,
        description="g → bb̄ splittings in the final-state shower are made this many times as "
        "often, with weights that undo it on average.",
    )
    heavy_flavour: HeavyFlavour | None = Field(
        None, description="Keep one class of events by heavy flavour."
    )
    importance: Importance | None = Field(
        None,
        description="Thin events out by Russian roulette, aimed at the signals; all are kept if "
        "absent. Needs `parton_jet_pt_min`.",
    )
    parton_jet_pt_min: Positive | None = Field(
        None,
        description="Drop events before hadronisation, counting them in the normalisation, unless "
        "two anti-kT R = 1.0 jets of partons are above this pT [GeV] and within |η| < 2.5.",
    )
    shower: Literal["simple", "vincia", "dire"] = Field(
        "simple", description="Parton shower: Pythia's default, Vincia or Dire."
    )
    detector: Literal["parametric", "delphes"] = Field(
        "parametric",
        description="`parametric` is ours; `delphes` runs the user's own Delphes.",
    )
    delphes: Delphes = Delphes()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.bias_power > 0 and self.pt_hat_min is None:
            raise ValueError("bias_power needs pt_hat_min")
        if self.importance and self.parton_jet_pt_min is None:
            raise ValueError("importance needs parton_jet_pt_min")
        if self.shower != "simple" and (self.enhancement > 1 or self.heavy_flavour):
            raise ValueError(
                f"enhancement and heavy_flavour work with shower: simple, not {self.shower}"
            )
        if self.detector == "delphes":
            if self.delphes.card is None:
                raise ValueError("detector: delphes needs delphes.card, the path of a card")
            if self.heavy_flavour or self.parton_jet_pt_min:
                raise ValueError(
                    "heavy_flavour and parton_jet_pt_min need detector: parametric; "
                    "DelphesPythia8 generates its events itself"
                )
        if self.heavy_flavour and self.heavy_flavour.forced:
            self._check_processes(self.heavy_flavour)
        return self

    def _check_processes(self, flavour: HeavyFlavour) -> None:
        """Forced samples need all processes with enough outgoing gluons, and no other."""
        allowed = TWO_GLUONS if "+" in flavour.pairs[0] else TWO_GLUONS + ONE_GLUON
        # no b quark comes into gg → gg
        needed = allowed if "splitting" in flavour.origins else allowed[1:]
        chosen = {key.lower(): key for key, on in self.settings.items() if _switches_on(key, on)}
        missing = [key for key in needed if key.lower() not in chosen]
        known = {key.lower() for key in allowed}
        other = [key for lower, key in chosen.items() if lower not in known]
        if missing or other:
            wrong = f"{', '.join(missing)} missing" if missing else f"found {', '.join(other)}"
            raise ValueError(
                f"pythia: forced pairs {flavour.pairs[0]} need exactly the processes with as many "
                f"outgoing gluons, {wrong}; write `{' = on`, `'.join(allowed)} = on`"
            )

    @property
    def settings(self) -> dict[str, str]:
        """Values by key of all lines of Pythia settings, a later line before an earlier one."""
        found: dict[str, tuple[str, str]] = {}
        for line in (*self.common, *self.pythia):
            if match := _SETTING.match(line):
                found[match["key"].lower()] = (match["key"], match["value"])
        return dict(found.values())

    @property
    def hard_masses(self) -> tuple[float, float]:
        """Smallest and largest mass m̂ of the hard process that the settings allow [GeV]."""
        settings = {key.lower(): value for key, value in self.settings.items()}

        def number(key: str, default: float) -> float:
            try:
                return float(settings.get(key, default))
            except ValueError:  # Pythia says what is wrong with it
                return default

        low = max(2 * (self.pt_hat_min or 0.0), number("phasespace:mhatmin", 0.0))
        high, limit = number("beams:ecm", ENERGY_GEV), number("phasespace:mhatmax", -1.0)
        return low, min(high, limit) if limit > 0 else high


def chooses_process(line: str) -> bool:
    """Return whether a line of Pythia settings chooses hard processes or their phase space."""
    match = _SETTING.match(line)
    if match is None:
        return False
    key = match["key"]
    return bool(_PROCESS.fullmatch(key)) or key.lower().startswith("phasespace:")


def _switches_on(key: str, value: str) -> bool:
    """Return whether a setting switches a process on."""
    return bool(_PROCESS.fullmatch(key)) and value.lower() in ("on", "yes", "true", "ok", "1")


def check_strata(strata: Sequence[HeavyFlavour]) -> None:
    """Check that the strata of one process's samples divide it.

    Raises
    ------
    ValueError
        If they differ in how heavy quarks are counted, overlap (double counting) or leave a gap.
    """
    choice = {"origins", "pairs", "min", "max", "forced"}
    definitions = [block.model_dump(exclude=choice) for block in strata]
    for definition in definitions[1:]:
        if definition != definitions[0]:
            raise ValueError(
                "heavy_flavour must count alike in all samples of a process, found "
                f"{definitions[0]} and {definition}"
            )
    forced = [block.pairs[0] for block in strata if block.forced]
    for cell in product(ORIGINS, PAIRS, range(5)):
        number = sum(cell in block.cells for block in strata)
        # no gluon goes out of gg, qq̄ → bb̄, and but for bb̄ → gg one at most where a b comes in
        impossible = cell[0] == "creation" and cell[1] != "none" and cell[1] in forced
        if number == 1 or (number == 0 and impossible):
            continue
        what = "in no sample" if number == 0 else "counted twice"
        raise ValueError(
            f"heavy_flavour: origin {cell[0]}, pairs {cell[1]}, class {cell[2]} is {what}; the "
            "samples of a process must divide origins, pairs and classes 0 … 4"
        )
