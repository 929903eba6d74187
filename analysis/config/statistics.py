"""Configuration of b tagging, the working point and the limits."""

import itertools
import math
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from analysis.config.base import (
    Block,
    NonNegative,
    Positive,
    PositiveInt,
    Probability,
    require_new_name,
)
from analysis.config.reconstruction import Variation

Category = Literal["4b", "3b", "2b"]
RENAMED_CATEGORIES = {"four": "`4b`", "three": "`3b`", "two_split": "`2b`"}


class TagEfficiency(Block):
    """Probability that a subjet is b tagged, by its truth flavour."""

    b: Probability = Field(0.75, description="Efficiency of a b subjet.")
    c: Probability = Field(0.10, description="Mistag rate of a c subjet.")
    light: Probability = Field(0.01, description="Mistag rate of a light subjet.")


class TagUncertainty(Block):
    """Relative uncertainty on the tag rate of a subjet, by its truth flavour; 0: off.

    Each is a nuisance of the fits (`btag_b`, `btag_c`, `btag_light`) with templates of its own.
    """

    b: float = Field(0.0, ge=0, lt=1, description="Of b subjets; takes `btag_uncertainty`'s place.")
    c: float = Field(0.0, ge=0, lt=1, description="Of c subjets.")
    light: float = Field(0.0, ge=0, lt=1, description="Of light subjets.")


class TagMapBinning(Block):
    """Binning of the tag map: each fat jet's tag probabilities, per process."""

    pt_edges: tuple[Positive, ...] = Field(
        (250.0, 350.0, 500.0, 700.0, 1000.0),
        description="Inner and lower edges in fat-jet pT [GeV]; the last bin is open.",
    )
    mass_edges: tuple[Positive, ...] = Field(
        (50.0, 80.0, 110.0, 140.0, 200.0),
        description="Edges in fat-jet mass [GeV]; the first and last bins are open.",
    )
    delta_r_edges: tuple[Positive, ...] = Field(
        (0.3, 0.5, 0.7),
        description="Edges in ΔR of the two leading subjets; the first and last bins are open.",
    )
    prior_events: Positive = Field(
        10.0,
        description="Strength, in effective jets, with which a bin is drawn towards the next "
        "coarser binning; a bin with many more jets than this speaks for itself.",
    )

    @model_validator(mode="after")
    def _edges_increase(self) -> Self:
        for name in ("pt_edges", "mass_edges", "delta_r_edges"):
            edges = getattr(self, name)
            if not edges or any(b <= a for a, b in itertools.pairwise(edges)):
                raise ValueError(f"{name} must increase strictly, found {list(edges)}")
        return self


class BTagging(Block):
    """How the tags of the two leading subjets of both fat jets weight an event."""

    mode: Literal["truth", "cut", "map"] = Field(
        "truth",
        description="`truth` weights an event by the tag rates of its subjets' flavours; `cut` "
        "draws each tag and keeps or drops the event; `map` weights by each fat jet's tag "
        "probability as a function of (pT, mass, subjet ΔR), measured per process.",
    )
    efficiency: TagEfficiency = TagEfficiency()
    uncertainty: TagUncertainty = TagUncertainty()
    categories: tuple[Category, ...] = Field(
        ("4b",),
        min_length=1,
        description="Tag categories, the first of which is the default one: `4b` (all four "
        "subjets tagged), `3b` (exactly three), `2b` (exactly two, one per fat jet).",
    )
    seed: int = Field(1, ge=0, description="Seed of the draws of mode `cut`.")
    map: TagMapBinning = TagMapBinning()

    @field_validator("categories", mode="before")
    @classmethod
    def _new_names(cls, names: Any) -> Any:
        return require_new_name(names, RENAMED_CATEGORIES, "category")

    @model_validator(mode="after")
    def _categories_differ(self) -> Self:
        if len(set(self.categories)) != len(self.categories):
            raise ValueError(f"categories holds a name twice: {list(self.categories)}")
        if self.mode == "cut" and self.nuisances:
            raise ValueError(
                "uncertainty shifts the weights of events, and mode `cut` draws tags instead: take "
                "mode `truth` or `map`, or leave uncertainty at 0"
            )
        return self

    @property
    def nuisances(self) -> tuple[str, ...]:
        """The nuisances of the tag rates that have an uncertainty."""
        return tuple(f"btag_{name}" for name, error in self.uncertainty if error > 0)

    @property
    def variations(self) -> dict[str, "BTagging"]:
        """The block with each of these tag rates shifted: `btag_b_up`, `btag_b_down` and so on.

        A rate above 1 is 1.
        """
        return {
            f"{nuisance}_{side}": self._shifted(nuisance.removeprefix("btag_"), sign)
            for nuisance in self.nuisances
            for side, sign in (("up", 1), ("down", -1))
        }

    def _shifted(self, flavour: str, sign: int) -> "BTagging":
        rate = getattr(self.efficiency, flavour)
        rate *= 1 + sign * getattr(self.uncertainty, flavour)
        efficiency = self.efficiency.model_copy(update={flavour: min(rate, 1.0)})
        return self.model_copy(update={"efficiency": efficiency})


class TailFit(Block):
    """The generalised Pareto fit to the background's tail in log-odds."""

    n_eff: Positive = Field(
        100.0, description="The tail starts where this many effective events lie above the cut."
    )
    max_fraction: Probability = Field(
        0.3, description="Largest share of the background's yield that may count as its tail."
    )
    min_n_eff: Positive = Field(
        5.0,
        description="With fewer effective events than this in the tail, or in all of the "
        "background, there is no fit and no limit.",
    )
    max_relative_error: Positive = Field(
        0.5,
        description="With a larger relative error of the fitted yield than this there is no fitted "
        "cut; `fallback` says what happens.",
    )
    shape_prior: Positive = Field(
        0.3, description="Width of the Gaussian prior about 0 on the Pareto shape ξ."
    )
    bootstrap: PositiveInt = Field(400, description="Bootstrap replicas for the error.")


class TailSharing(Block):
    """Samples whose tail of scores has the shape of another's (`tail_from` of a sample)."""

    n_eff: Positive = Field(
        20.0,
        description="The tail starts where the samples that borrow, taken together, and the one "
        "that lends each have this many effective events above it.",
    )
    closure: NonNegative = Field(
        0.2,
        description="Relative uncertainty of what borrows, beside what the events give.",
    )


class Mixing(Block):
    """Mixed events for the tail of a sample's scores (`mixed_tail` of a sample)."""

    pairs: int = Field(
        60_000,
        ge=0,
        description="Mixed events that are scored, for each network, mass and seed; 0: no sample "
        "is mixed, whatever its `mixed_tail` says.",
    )
    n_eff: Positive = Field(
        100.0,
        description="Mixed events stand for simulated ones above the hardest cut that leaves this "
        "many effective simulated events, and have their yield there.",
    )
    closure: NonNegative = Field(
        0.2,
        description="Relative uncertainty of the yield above a cut, beside what the events give.",
    )


class WorkingPoint(Block):
    """The cut on a network's score."""

    background_events: Positive = Field(20.0, description="Background events that the cut leaves.")
    counting: Literal["weighted", "raw"] = Field(
        "weighted",
        description="How background events are counted: `weighted` by Σ w at the luminosity, `raw` "
        "as simulated events.",
    )
    min_n_eff: Positive = Field(
        10.0,
        description="With fewer effective events above the cut, the threshold of counting "
        "`weighted` comes from a fit to the tail.",
    )
    fallback: Literal["resolved", "none"] = Field(
        "resolved",
        description="Where the simulated background cannot support the target cut: `resolved` "
        "takes the hardest cut that is no harder and has `min_n_eff` effective events above it, "
        "whatever yield that is, and marks the limit; `none` gives no limit.",
    )
    tail: TailFit = TailFit()
    sharing: TailSharing = TailSharing()
    mixing: Mixing = Mixing()
    scan: tuple[Positive, ...] = Field(
        (5.0, 10.0, 20.0, 50.0, 100.0, 200.0),
        description="Numbers of background events of the scan that shows what the choice does.",
    )
    seed: int = Field(1, ge=0, description="Seed of the bootstrap.")

    @model_validator(mode="before")
    @classmethod
    def _new_names(cls, block: Any) -> Any:
        remedy = "`counting`, `weighted` for `expected` or `raw` for `mc`,"
        return require_new_name(block, {"reading": remedy}, "key")


class Limits(Block):
    """Upper limits on σ(gg → H → hh)."""

    confidence_level: float = Field(0.95, gt=0.5, lt=1, description="Level of the CLs limits.")
    z_target: Positive = Field(
        1.645, description="Asimov significance that a signal at the Z_A limit reaches."
    )
    background_uncertainty: NonNegative = Field(
        0.10,
        description="Relative uncertainty on the background of the Z_A limit, and on each "
        "background process in the fits.",
    )
    btag_uncertainty: NonNegative = Field(
        0.02,
        description="Relative uncertainty on the b-tag efficiency of one subjet, in events of four "
        "b subjets; without effect where `btagging.uncertainty.b` is given.",
    )
    luminosity_uncertainty: NonNegative = Field(
        0.01, description="Relative uncertainty on the integrated luminosity."
    )
    shape_bins: PositiveInt = Field(6, description="Most bins of the shape fit of the score.")
    min_bin_n_eff: Positive = Field(
        10.0,
        description="Fewest effective background events in a bin of the shape fit.",
    )
    toys_below: NonNegative = Field(
        10.0, description="With fewer expected background events, toys replace the asymptotics."
    )
    toys: PositiveInt = Field(20000, description="Pseudo-experiments per hypothesis.")
    seed: int = Field(1, ge=0, description="Seed of the pseudo-experiments.")
    projection_luminosities: tuple[Positive, ...] = Field(
        (139.0, 300.0, 450.0, 3000.0, 4000.0),
        description="Luminosities of the projection [fb⁻¹].",
    )
    projection_samples: tuple[Positive, ...] = Field(
        (0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 100.0),
        description="Sizes of the simulated samples of the projection, relative to the run's.",
    )

    @property
    def z_level(self) -> float:
        """The one-sided confidence level that belongs to `z_target`, to three digits."""
        return float(f"{(1 + math.erf(self.z_target / math.sqrt(2))) / 2:.3g}")


class Systematics(Block):
    """Variations that are reconstructed and scored again for the CLs limits; off by default."""

    energy_scale: float = Field(
        0.0, ge=0, lt=0.5, description="Relative uncertainty on the fat jets' energy scale; 0: off."
    )
    resolution: float = Field(
        0.0, ge=0, lt=0.5, description="Relative smearing added to the fat jets' energy; 0: off."
    )
    shower: tuple[str, ...] = Field(
        (),
        description="Pythia lines of another shower model, with which simulated samples are "
        "generated once more: `PartonShowers:model = 2` (Vincia), or, where classes of heavy "
        "flavour need Pythia's own, `TimeShower:renormMultFac = 2`; samples from files stay as "
        "they are.",
    )

    @property
    def nuisances(self) -> dict[str, tuple[str, ...]]:
        """The variations of each nuisance, +1σ first."""
        variations: dict[str, tuple[str, ...]] = {}
        if self.energy_scale:
            variations["jes"] = ("jes_up", "jes_down")
        if self.resolution:
            variations["jer"] = ("jer_up",)
        if self.shower:
            variations["shower"] = ("shower_up",)
        return variations

    def variation(self, name: str) -> Variation:
        """Return what a variation does to the fat jets; another shower does nothing to them."""
        sign = {"jes_up": 1, "jes_down": -1}.get(name, 0)
        resolution = self.resolution if name == "jer_up" else 0.0
        return Variation(energy_scale=sign * self.energy_scale, resolution=resolution)
