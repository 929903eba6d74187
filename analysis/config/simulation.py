"""Configuration of the simulation of one sample: physics, sampling, detector."""

import re
from collections.abc import Mapping, Sequence
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
MASS = "{mass_gev}"
"""What stands for the mass [GeV] in the name and the files of a signal at several masses."""
OF_FILES = ("weight", "cross_section_pb")
"""Keys of event files alone."""
OF_PYTHIA = ("pt_hat_min", "bias_power", "enhancement", "heavy_flavour", "importance")
"""Keys of events that Pythia makes."""
OF_SHOWER = ("pythia", "shower", "parton_jet_pt_min")
"""Keys of events that Pythia showers."""
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
    def by_hard_process(self) -> bool:
        """Whether the hard process alone decides on the stratum: both gluons are made to split."""
        return self.forced and self.pairs == ("bb+bb",)

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
        description="Smallest worth of an event that will be selected, a power of a chance, which "
        "bounds the weights of distant events; one that will hardly be has a tenth of it.",
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
        (),
        description="Lines of Pythia 8 settings that choose the process; with `lhe`, those of "
        "shower and merging, if any. `{mass_gev}` stands for the sample's `mass_gev`.",
    )
    lhe: str | tuple[str, ...] = Field(
        (),
        description="Les Houches files, plain or gzip: a path, a glob, or a list of them. Pythia "
        "showers their events. With `masses_gev`, `{mass_gev}` in it stands for the mass.",
    )
    hepmc: str | tuple[str, ...] = Field(
        (),
        description="HepMC files of version 2 or 3, as `lhe`: the detector measures their final "
        "states as they are.",
    )
    weight: str | None = Field(
        None,
        min_length=1,
        description="Name of the weight to take from the files' events; the nominal one if absent.",
    )
    cross_section_pb: Positive | None = Field(
        None,
        description="Cross section of all events in the files [pb], in place of what they say.",
    )
    common: tuple[str, ...] = Field(
        PP_14_TEV, description="Lines of Pythia 8 settings for beams, tune and what is simulated."
    )
    mass_gev: float | None = Field(
        None, description="m_H of a signal [GeV]: that of the sample, which need not be repeated."
    )
    events: int = Field(
        0,
        ge=0,
        description="Events in one chunk (one file, one job). With `lhe` and `hepmc`, 0 divides "
        "all events of the files over the chunks.",
    )
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
        "two anti-kT R = 1.0 jets of partons are above this pT [GeV] and within |η| < 3.0.",
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
        self._check_source()
        if self.bias_power > 0 and self.pt_hat_min is None:
            raise ValueError("bias_power needs pt_hat_min")
        if self.importance and self.parton_jet_pt_min is None:
            raise ValueError("importance needs parton_jet_pt_min")
        model = self._number("partonshowers:model", 1)
        if not self.any_shower and (self.shower != "simple" or model != 1):
            found = f"PartonShowers:model = {model:g}" if self.shower == "simple" else self.shower
            raise ValueError(
                f"enhancement and heavy_flavour (but for forced pairs bb+bb) work with shower: "
                f"simple, not {found}"
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

    def _check_source(self) -> None:
        """One source of events, and no key that makes sense for another source alone."""
        sources = [key for key in ("lhe", "hepmc") if getattr(self, key)]
        if not sources:
            if not self.pythia:
                raise ValueError("needs `pythia` lines, or event files as `lhe` or `hepmc`")
            if not self.events:
                raise ValueError("events is missing: give a number above 0")
            found = [key for key in OF_FILES if getattr(self, key) is not None]
            if found:
                raise ValueError(f"{found[0]} belongs to event files: it needs lhe or hepmc")
            return
        if len(sources) > 1:
            raise ValueError("lhe and hepmc are two sources of events: make two samples of them")
        source = sources[0]
        if not all(self.event_files):
            raise ValueError(f"{source} has an empty path; correct it")
        unfit = OF_PYTHIA if source == "lhe" else (*OF_PYTHIA, *OF_SHOWER)
        for key in unfit:
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(
                    f"{key} makes no sense with {source}: its events are made already; leave it out"
                )
        if self.detector == "delphes":
            raise ValueError(
                f"{source} needs detector: parametric (for HepMC files, there is delphes.hepmc)"
            )
        for line in (*self.common, *self.pythia):
            match = _SETTING.match(line)
            key = match["key"].lower() if match else ""
            chosen = line in self.pythia and chooses_process(line)
            if chosen or key in ("beams:frametype", "beams:lhef", "beams:lhefheader"):
                raise ValueError(
                    f"pythia: {line!r} makes no sense with {source}: the hard processes come from "
                    "the files; leave the line out"
                )

    @property
    def any_shower(self) -> bool:
        """Whether nothing in the block needs to look into Pythia's own shower."""
        flavour = self.heavy_flavour
        return self.enhancement == 1 and (flavour is None or flavour.by_hard_process)

    @property
    def event_files(self) -> tuple[str, ...]:
        """The entries of `lhe` or `hepmc`; none where Pythia makes the events."""
        found = self.lhe or self.hepmc
        return (found,) if isinstance(found, str) else found

    def at(self, mass_gev: float) -> "Simulation":
        """Return the block with the mass [GeV] in the place of `{mass_gev}` in its event files."""
        filled = tuple(file.replace(MASS, f"{mass_gev:.12g}") for file in self.event_files)
        return self.model_copy(
            update={key: filled for key in ("lhe", "hepmc") if getattr(self, key)}
        )

    @property
    def beams(self) -> tuple[int, int]:
        """PDG codes of the beams."""
        return int(self._number("beams:ida", 2212)), int(self._number("beams:idb", 2212))

    @property
    def energy_gev(self) -> float:
        """√s of the collisions [GeV]."""
        return self._number("beams:ecm", ENERGY_GEV)

    def _number(self, key: str, default: float) -> float:
        """Return the number of a setting; Pythia says what is wrong with what is none."""
        settings = {name.lower(): value for name, value in self.settings.items()}
        try:
            return float(settings.get(key, default))
        except ValueError:
            return default

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
        low = max(2 * (self.pt_hat_min or 0.0), self._number("phasespace:mhatmin", 0.0))
        high, limit = self.energy_gev, self._number("phasespace:mhatmax", -1.0)
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


def check_divided(process: str, blocks: Mapping[str, Simulation]) -> None:
    """Check that the simulated samples of one process divide it, if any of them is a stratum.

    What comes from event files stands beside the strata, as they cannot tell what it holds.

    Parameters
    ----------
    process : str
    blocks : mapping of str to Simulation
        How each sample is simulated, by its name.

    Raises
    ------
    ValueError
        If a sample holds the whole process once more, or the strata are not of the same collisions
        and phase space, or do not divide it (see `check_strata`).
    """
    strata = {name: block for name, block in blocks.items() if block.heavy_flavour}
    if not strata:
        return
    for name, block in blocks.items():
        if name not in strata and not block.event_files:
            raise ValueError(
                f"samples: {name!r} has no heavy_flavour, so that it counts once more what the "
                f"strata of process {process!r} hold ({', '.join(strata)}); give it one, or a "
                "process of its own, or leave it out"
            )
    first, *others = strata
    for other in others:
        for key, wanted, found in zip(
            ("pt_hat_min", "common", "the PhaseSpace lines of pythia"),
            _phase_space(strata[first]),
            _phase_space(strata[other]),
            strict=True,
        ):
            if found != wanted:
                raise ValueError(
                    f"samples: {first!r} and {other!r} are strata of process {process!r}, which "
                    f"differ in {key}, so that they overlap or leave a gap: found {wanted} and "
                    f"{found}; give all strata the same"
                )
    check_strata([block.heavy_flavour for block in strata.values() if block.heavy_flavour])


def _phase_space(block: Simulation) -> tuple[float | None, list[str], dict[str, str]]:
    """Return pt_hat_min, the lines of `common` and the PhaseSpace lines, but for the bias."""
    lines = {}
    for line in block.pythia:
        match = _SETTING.match(line)
        key = match["key"].lower() if match else ""
        if match and key.startswith("phasespace:") and "bias2selection" not in key:
            lines[key] = match["value"]
    return block.pt_hat_min, ["".join(line.split()) for line in block.common], lines
