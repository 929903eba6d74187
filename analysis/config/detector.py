"""Configuration of the parametric detector; the defaults are Delphes' HL-LHC card.

Source of every default: `cards/delphes_card_HLLHC.tcl` of Delphes (de Favereau et al.,
arXiv:1307.6346; the card by M. Selvaggi, 2017), without pile-up. The card's own sources are the CMS
Phase-II tracker resolution, the CMS and HGCAL electromagnetic calorimeters (arXiv:1306.2016,
arXiv:1502.02701, LHCC-P-008) and the ATLAS hadronic calorimeter (hep-ex/0004009), the resolutions
doubled inside |η| = 3 as the card does.
"""

from typing import Self

from pydantic import Field, model_validator

from analysis.config.base import Block, NonNegative, Positive, PositiveInt, Probability

CELL = 0.0174
"""Width in η of an electromagnetic cell (one degree in φ)."""

ECAL_FORWARD = (-5.0, -4.7, -4.525, -4.35, -4.175, -4.0, -3.825, -3.65, -3.475, -3.3, -3.125)
ECAL_EDGES = (
    *(-2.958 + i * CELL for i in range(1, 85)),
    *(i * CELL for i in range(-85, 87)),
    *(1.4964 + i * CELL for i in range(1, 85)),
)
HCAL_COARSE = (4.9, 4.7, 4.5, 4.3, 4.1, 3.9, 3.7, 3.5, 3.3, 3.0, 2.8, 2.6)


class Efficiency(Block):
    """Tracking efficiency ε(pT, |η|) of one kind of particle.

    Zero up to `pt_min`; `slope` · pT/GeV up to 1 GeV; `plateau` / (1 + `log_slope` · (1 − lg pT))
    above. One entry per region of |η|, each region from the last edge to its own; zero beyond.
    """

    abs_eta: tuple[Positive, ...] = Field(description="Upper edges of the regions in |η|.")
    slope: tuple[Probability, ...] = Field(description="Efficiency per GeV between pt_min and 1.")
    plateau: tuple[Probability, ...] = Field(description="Efficiency above 1 GeV.")
    log_slope: tuple[NonNegative, ...] = Field((0, 0, 0), description="Rise with lg pT.")
    pt_min: NonNegative = Field(0.5, description="No track below this pT [GeV].")

    @model_validator(mode="after")
    def _one_value_per_region(self) -> Self:
        lengths = {len(self.abs_eta), len(self.slope), len(self.plateau), len(self.log_slope)}
        if len(lengths) != 1 or list(self.abs_eta) != sorted(set(self.abs_eta)):
            raise ValueError("abs_eta must rise, and all lists must have one value per region")
        return self


HADRON = Efficiency(abs_eta=(1.2, 2.5, 4.0), slope=(0.90, 0.85, 0.80), plateau=(0.95, 0.90, 0.85))
ELECTRON = HADRON.model_copy(update={"log_slope": (0, 0.033, 0.033)})
MUON = Efficiency(abs_eta=(1.2, 2.8, 4.0), slope=(1, 1, 0.95), plateau=(1, 1, 0.95))

RESOLUTION_PT = (1.0, 10.0, 100.0)
RESOLUTION = (
    (0.004579, 0.004983, 0.009244),
    (0.005050, 0.005343, 0.009172),
    (0.005106, 0.005317, 0.009077),
    (0.005780, 0.005779, 0.009177),
    (0.007287, 0.007011, 0.010429),
    (0.010451, 0.009989, 0.013867),
    (0.014772, 0.013616, 0.016800),
    (0.017315, 0.015439, 0.018161),
    (0.019420, 0.015669, 0.018039),
    (0.022014, 0.016012, 0.020098),
    (0.025743, 0.015681, 0.020289),
    (0.028858, 0.016753, 0.021524),
    (0.032048, 0.021138, 0.024477),
    (0.039504, 0.027026, 0.030392),
    (0.040848, 0.024824, 0.027445),
    (0.045324, 0.022851, 0.025053),
    (0.064189, 0.027691, 0.030710),
    (0.076825, 0.036234, 0.040629),
    (0.097964, 0.046145, 0.052345),
    (0.134159, 0.059612, 0.069617),
)


class Tracker(Block):
    """Solenoid, tracking efficiency and momentum resolution."""

    radius: Positive = Field(1.2, description="Radius of the magnetic volume [m].")
    half_length: Positive = Field(3.25, description="Half length of the magnetic volume [m].")
    field: NonNegative = Field(3.0, description="Magnetic field along z [T].")
    hadron_efficiency: Efficiency = Field(HADRON, description="Charged hadrons.")
    electron_efficiency: Efficiency = Field(ELECTRON, description="Electrons.")
    muon_efficiency: Efficiency = Field(MUON, description="Muons.")
    resolution_eta_step: Positive = Field(0.2, description="Width in |η| of a resolution bin.")
    resolution: tuple[tuple[Positive, Positive, Positive], ...] = Field(
        RESOLUTION,
        min_length=1,
        description="σ(pT)/pT at pT = 1, 10, 100 GeV for each bin of |η|, linear in between; "
        "constant below, proportional to pT above (a fifth of that slope for muons).",
    )
    hadron_resolution_scale: Positive = Field(
        2.0, description="Factor on the resolution of charged hadrons and electrons."
    )
    muon_resolution_scale: Positive = Field(1.0, description="Factor on the resolution of muons.")
    cell: Positive = Field(
        0.003,
        description="Of all charged particles in one cell of this size in η and φ at the inner "
        "surface only the hardest can be found; directions are smeared by the same number [rad].",
    )
    inner_radius: Positive = Field(
        0.3, description="Radius of the inner surface [m]; no tracks of particles born outside."
    )
    inner_half_length: Positive = Field(0.7, description="Half length of the inner surface [m].")


IMPACT_PT = (0.55, 1.0, 2.2, 5.0, 11.0, 20.0, 45.0, 100.0)
IMPACT_D0 = (
    (0.1434, 0.0753, 0.0452, 0.0283, 0.0191, 0.0143, 0.0116, 0.0104),
    (0.1595, 0.0926, 0.0488, 0.0313, 0.0214, 0.0141, 0.0108, 0.0102),
    (0.2788, 0.1557, 0.0767, 0.0425, 0.0256, 0.0196, 0.0150, 0.0130),
)
IMPACT_DZ = (
    (0.1936, 0.1113, 0.0684, 0.0484, 0.0382, 0.0316, 0.0316, 0.0283),
    (0.3199, 0.1982, 0.1031, 0.0707, 0.0511, 0.0408, 0.0377, 0.0343),
    (1.1997, 0.6695, 0.3319, 0.1816, 0.1117, 0.0983, 0.0784, 0.0820),
)


class ImpactResolution(Block):
    """Resolution of the impact parameters of tracks, with a Gaussian of this width.

    Delphes' HL-LHC card smears none. The defaults are those of Delphes' `trackResolutionCMS.tcl`,
    from figure 15 of arXiv:1405.6569: the CMS tracker of 2011, for |η| < 2.5; the trackers of the
    HL-LHC shall be better.
    """

    pt: tuple[Positive, ...] = Field(
        IMPACT_PT,
        description="pT of the columns [GeV]; linear in between, lg σ over lg pT, constant beyond.",
    )
    abs_eta: tuple[Positive, ...] = Field(
        (0.9, 1.4, 2.5), description="Upper edges of the regions in |η|; the last has no end."
    )
    d0: tuple[tuple[Positive, ...], ...] = Field(
        IMPACT_D0, description="σ(d₀) [mm] in each region, at each pT."
    )
    dz: tuple[tuple[Positive, ...], ...] = Field(
        IMPACT_DZ, description="σ(z) [mm] in each region, at each pT."
    )

    @model_validator(mode="after")
    def _tables_fit(self) -> Self:
        for name, values in (("pt", self.pt), ("abs_eta", self.abs_eta)):
            if not values or list(values) != sorted(set(values)):
                raise ValueError(f"{name} must rise")
        for name, table in (("d0", self.d0), ("dz", self.dz)):
            shape = [len(row) for row in table]
            if shape != [len(self.pt)] * len(self.abs_eta):
                raise ValueError(
                    f"{name} needs {len(self.abs_eta)} rows (one per abs_eta) of {len(self.pt)} "
                    f"numbers (one per pt), has rows of {shape}"
                )
        return self


class Granularity(Block):
    """Calorimeter towers of one width in φ."""

    phi_divisions: PositiveInt = Field(description="Number of towers around φ.")
    eta: tuple[float, ...] = Field(description="Upper edges in η of these towers.")


class Resolution(Block):
    """σ(E)² = (constant · E)² + stochastic² · E/GeV + noise² up to |η| = `abs_eta_max`."""

    abs_eta_max: Positive = Field(description="Upper edge of the region in |η|.")
    constant: NonNegative = Field(description="Constant term.")
    stochastic: NonNegative = Field(description="Stochastic term [√GeV].")
    noise: NonNegative = Field(0.0, description="Noise term [GeV].")


class Calorimeter(Block):
    """One calorimeter: which particles it stops, its towers, its resolution."""

    towers: tuple[Granularity, ...] = Field(
        description="The edges of all entries together divide η; the lowest edge opens the first "
        "tower, each other edge closes one, with its own division of φ."
    )
    resolution: tuple[Resolution, ...] = Field(description="Energy resolution by region.")
    energy_min: NonNegative = Field(description="Smallest tower or neutral energy [GeV].")
    significance_min: NonNegative = Field(
        description="Smallest E/σ(E) of a tower, and of a neutral excess over the tracks."
    )
    fractions: dict[int, Probability] = Field(
        description="Fraction of the energy that is deposited, by |PDG code|; 0 is all others."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        edges = {edge for granularity in self.towers for edge in granularity.eta}
        if len(edges) < 2:
            raise ValueError(
                f"towers need at least two edges in η, found {sorted(edges)}: the lowest opens the "
                "first tower, each other closes one"
            )
        if 0 not in self.fractions:
            raise ValueError(
                "fractions has no entry 0, the fraction of all particles that have none of their "
                "own; add it"
            )
        return self


INVISIBLE = {12: 0.0, 13: 0.0, 14: 0.0, 16: 0.0}
LONG_LIVED = (310, 3122)

ECAL = Calorimeter(
    towers=(
        Granularity(phi_divisions=360, eta=ECAL_EDGES),
        Granularity(
            phi_divisions=36,
            eta=(*ECAL_FORWARD, -2.958, *(-eta for eta in reversed(ECAL_FORWARD))),
        ),
    ),
    resolution=(
        Resolution(abs_eta_max=1.5, constant=0.018, stochastic=0.24, noise=0.90),
        Resolution(abs_eta_max=1.75, constant=0.012, stochastic=0.40),
        Resolution(abs_eta_max=2.15, constant=0.014, stochastic=0.42),
        Resolution(abs_eta_max=3.0, constant=0.016, stochastic=0.48),
        Resolution(abs_eta_max=5.0, constant=0.08, stochastic=1.98),
    ),
    energy_min=0.5,
    significance_min=1.0,
    fractions={0: 0.0, 11: 1.0, 22: 1.0, 111: 1.0, **dict.fromkeys(LONG_LIVED, 0.3), **INVISIBLE},
)
HCAL = Calorimeter(
    towers=(
        Granularity(
            phi_divisions=36, eta=(-3.2, *(round(0.1 * i, 1) for i in range(-25, 27)), 3.3)
        ),
        Granularity(
            phi_divisions=18,
            eta=(
                *(-eta for eta in HCAL_COARSE),
                *(2.8, 3.0, 3.2, 3.5, 3.7, 3.9, 4.1, 4.3, 4.5, 4.7, 4.9),
            ),
        ),
    ),
    resolution=(
        Resolution(abs_eta_max=1.7, constant=0.0604, stochastic=1.041, noise=3.18),
        Resolution(abs_eta_max=3.2, constant=0.1, stochastic=1.412),
        Resolution(abs_eta_max=4.9, constant=0.0942, stochastic=1.0),
    ),
    energy_min=1.0,
    significance_min=2.0,
    fractions={0: 1.0, 11: 0.0, 22: 0.0, 111: 0.0, **dict.fromkeys(LONG_LIVED, 0.7), **INVISIBLE},
)


class Detector(Block):
    """The parametric detector: Delphes' HL-LHC card without pile-up."""

    tracker: Tracker = Tracker()
    ecal: Calorimeter = Field(ECAL, description="Electromagnetic calorimeter.")
    hcal: Calorimeter = Field(HCAL, description="Hadronic calorimeter.")
    impact_parameters: ImpactResolution = ImpactResolution()
    particle_pt_min: NonNegative = Field(
        5.0,
        le=5,
        description="Generator particles below this pT are not written [GeV]; 0 writes all, and "
        "only then are the mother and daughter indices valid. At most 5: the true flavour of "
        "subjets is that of hadrons above 5 GeV.",
    )
