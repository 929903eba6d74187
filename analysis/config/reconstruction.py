"""Configuration of the reconstruction: what turns a Delphes file into a table of events."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from analysis.config.base import Block, NonNegative, Positive, PositiveInt

Branch = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]


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


class Branches(Block):
    """Names of the branches that hold the energy flow, as the card's `TreeWriter` calls them."""

    tracks: Branch = Field("EFlowTrack", description="Charged objects, of Delphes' class Track.")
    photons: Branch = Field("EFlowPhoton", description="Photons, of class Tower.")
    neutral_hadrons: Branch = Field(
        "EFlowNeutralHadron", description="Neutral hadrons, of class Tower."
    )
    candidates: Branch | None = Field(
        None,
        description="One branch of class ParticleFlowCandidate that holds all of them, as PUPPI "
        "writes it; the three others are then not read.",
    )

    @property
    def energy_flow(self) -> tuple[str, ...]:
        """The branches that are read, in the order of their objects in an event's list."""
        return (self.candidates,) if self.candidates else tuple(self.model_dump().values())[:3]


class FatJets(Block):
    """Large-radius jets, two per event."""

    source: Literal["eflow", "delphes"] = Field(
        "eflow",
        description="`eflow` clusters the energy-flow objects; `delphes` takes the file's own "
        "`FatJet` branch and its constituents.",
    )
    algorithm: Literal["antikt", "cambridge", "kt"] = Field(
        "antikt", description="Sequential recombination algorithm (source `eflow` only)."
    )
    radius: Positive = Field(1.0, description="Jet radius R (source `eflow` only).")
    input_abs_eta_max: Positive = Field(
        3.0, description="Energy-flow objects beyond this |η| are not clustered."
    )
    pt_min: Positive = Field(250.0, description="Smallest pT of either fat jet [GeV].")
    abs_eta_max: Positive = Field(2.0, description="Largest |η| of either fat jet.")
    mass_min: float = Field(50.0, ge=0, description="Smallest mass of either fat jet [GeV].")


class Subjets(Block):
    """Subjets inside each fat jet."""

    algorithm: Literal["cambridge", "antikt", "kt_exclusive", "hdbscan"] = Field(
        "cambridge",
        description="`cambridge` and `antikt` use `radius`; `kt_exclusive` stops at `count` "
        "subjets; `hdbscan` finds density clusters of at least `min_cluster_size` constituents, "
        "and takes a jet without two of them as one subjet.",
    )
    radius: Positive = Field(0.3, description="Subjet radius (`cambridge`, `antikt`).")
    count: PositiveInt = Field(2, description="Number of subjets of `kt_exclusive`.")
    min_cluster_size: int = Field(3, ge=2, description="Smallest cluster of `hdbscan`.")
    cut: NonNegative = Field(
        0.0,
        description="Distance at which the tree of `hdbscan` is cut, as a radius; 0: where its "
        "clusters persist longest, which is HDBSCAN's own choice.",
    )
    pt_min: Positive = Field(20.0, description="Smallest subjet pT [GeV].")
    max_per_jet: int = Field(6, ge=2, description="Leading subjets kept per fat jet.")
    flavour_matching: Literal["nearest", "cone"] = Field(
        "nearest",
        description="`nearest`: a hadron labels the nearest subjet alone; `cone`: every subjet "
        "within `flavour_cone`, so that a collinear g → bb̄ between two subjets labels both.",
    )
    flavour_cone: Positive = Field(
        0.3, description="A subjet is b (c) if a b (c) hadron lies within this ΔR of its axis."
    )


class SubjetScan(Block):
    """How well subjets of each algorithm and radius find the two b quarks of a Higgs boson."""

    events: int = Field(
        0,
        ge=0,
        description="Events of each signal, from the beginning of its files, whose fat jets are "
        "scanned; 0: no scan.",
    )
    algorithms: tuple[Literal["cambridge", "antikt", "hdbscan"], ...] = Field(
        ("cambridge", "antikt", "hdbscan"),
        min_length=1,
        description="Algorithms. The radius of `hdbscan` is `cut` of `reconstruction.subjets`.",
    )
    radii: tuple[Positive, ...] = Field(
        (0.1, 0.2, 0.3, 0.4, 0.5), min_length=1, description="Radii."
    )
    seed: int = Field(1, ge=0, description="Seed of the bootstrap behind the errors.")


class Variation(Block):
    """A systematic variation of the fat jets' energy; the nominal one changes nothing."""

    energy_scale: float = Field(
        0.0, gt=-0.5, lt=0.5, description="Relative shift of every fat jet's four-momentum."
    )
    resolution: float = Field(
        0.0,
        ge=0,
        lt=0.5,
        description="Relative Gaussian smearing of every fat jet's four-momentum.",
    )
    seed: int = Field(1, ge=0, description="Seed of the smearing.")

    @property
    def is_nominal(self) -> bool:
        """Whether nothing is varied."""
        return self.energy_scale == 0 and self.resolution == 0


class Reconstruction(Block):
    """From Delphes branches to a table of events with two oriented fat jets."""

    step_size: PositiveInt = Field(
        1000, description="Events held in memory at a time while a file is streamed."
    )
    on_bad_file: Literal["fail", "skip"] = Field(
        "fail",
        description="`skip` leaves a damaged file out, records it in the cut flow and on the "
        "results page, and normalises to the generator weights of the files that were read.",
    )
    branches: Branches = Branches()
    fatjets: FatJets = FatJets()
    subjets: Subjets = Subjets()
    variation: Variation = Variation()
    max_constituents: PositiveInt = Field(
        50, description="Leading constituents (in pT) kept per fat jet."
    )
    impact_parameters: bool = Field(
        False,
        description="Whether the impact parameters of tracks are read and kept (`D0`, `DZ`, "
        "`ErrorD0`, `ErrorDZ`); they are where a network's features name them.",
    )
    event_objects: int = Field(
        0,
        ge=0,
        description="Leading energy-flow objects of the whole event that are kept beside the fat "
        "jets; as many as the largest of the `networks` takes (`objects`), if that is more.",
    )

    @model_validator(mode="after")
    def _subjets_fit_into_fatjets(self) -> Self:
        if self.subjets.radius >= self.fatjets.radius:
            raise ValueError(
                f"subjets.radius ({self.subjets.radius}) must be below "
                f"fatjets.radius ({self.fatjets.radius})"
            )
        return self
