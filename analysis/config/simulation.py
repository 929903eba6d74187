"""Configuration of the simulation of one sample: physics, sampling, detector."""

from collections.abc import Sequence
from typing import Literal, Self

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


class HeavyFlavour(Block):
    """A class of events by the b quarks in two fat jets: those that can be b-tagged.

    When the parton shower and the multi-parton interactions have come down to `scale_gev`, the
    partons are clustered (anti-kT, R = 1.0). A jet counts 2 if it holds two b quarks above
    `quark_pt_min` that are further than `separation` apart, so that two subjets can be tagged,
    else 1 if it holds any. The class is the sum over the two jets that count most: 0 … 4. What is
    not of the class is dropped there, which takes a twentieth of the time of a full event, and is
    counted in the normalisation. Samples whose ranges divide 0 … 4 without overlap add up to the
    whole process without double counting.
    """

    min: int = Field(0, ge=0, le=4, description="Fewest b quarks.")
    max: int = Field(4, ge=0, le=4, description="Most b quarks.")
    scale_gev: Positive = Field(
        5.0,
        description="Evolution scale pT at which they are counted [GeV]; as all else that defines "
        "the classes, the same for all samples of one process.",
    )
    jet_pt_min: Positive = Field(200.0, description="Smallest pT of the two jets [GeV].")
    quark_pt_min: NonNegative = Field(15.0, description="Smallest pT of a b quark [GeV].")
    separation: NonNegative = Field(0.25, description="Smallest ΔR of two b quarks of one jet.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max < self.min:
            raise ValueError(f"max ({self.max}) must not be below min ({self.min})")
        return self


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
        return self


def check_classes(classes: Sequence[HeavyFlavour]) -> None:
    """Check that the classes of one process's samples divide 0 … 4.

    Raises
    ------
    ValueError
        If they differ in how b quarks are counted, overlap (double counting) or leave a gap.
    """
    definitions = [block.model_dump(exclude={"min", "max"}) for block in classes]
    for definition in definitions[1:]:
        if definition != definitions[0]:
            raise ValueError(
                "heavy_flavour must count alike in all samples of a process, found "
                f"{definitions[0]} and {definition}"
            )
    covered = [number for block in classes for number in range(block.min, block.max + 1)]
    for number in range(5):
        if covered.count(number) != 1:
            what = "in no sample" if number not in covered else "counted twice"
            raise ValueError(
                f"heavy_flavour: class {number} is {what}; the ranges of a process's samples must "
                "divide 0 … 4"
            )
