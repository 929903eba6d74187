import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analysis.config.simulation import (
    ORIGINS,
    PAIRS,
    HeavyFlavour,
    Importance,
    Simulation,
    check_strata,
)
from analysis.simulation.selection import ABS_ETA_MAX
from analysis.simulation.settings import chunk_seeds, settings_lines, showered_lines
from common.errors import ConfigError


def test_lines_of_a_signal(signal: Simulation) -> None:
    lines = settings_lines(signal)
    assert "35:m0 = 1000" in lines
    assert "Beams:eCM = 14000." in lines


def test_lines_of_biased_and_enhanced_sampling(qcd: Simulation) -> None:
    lines = settings_lines(qcd.model_copy(update={"enhancement": 5.0}))
    assert "PhaseSpace:bias2SelectionPow = 4" in lines
    assert "PhaseSpace:bias2SelectionRef = 200" in lines
    assert "EnhancedSplittings:List = {fsr:G2BB=5}" in lines


@given(mass=st.floats(max_value=249.99, min_value=0.01))
def test_mass_below_threshold_is_refused(signal: Simulation, mass: float) -> None:
    with pytest.raises(ConfigError, match=r"35:m0 = .* is below 2·m_h = 250 GeV"):
        settings_lines(signal.model_copy(update={"mass_gev": mass}))


@pytest.mark.parametrize("mass", [-1000.0, 0.0])
def test_mass_must_be_positive(signal: Simulation, mass: float) -> None:
    with pytest.raises(ConfigError, match=r"35:m0.*must be positive"):
        settings_lines(signal.model_copy(update={"mass_gev": mass}))


def test_mass_must_be_a_number(signal: Simulation) -> None:
    lines = ("35:m0 = heavy",)
    with pytest.raises(ConfigError, match="'heavy' is no number"):
        settings_lines(signal.model_copy(update={"pythia": lines}))


def test_missing_mass_is_named(signal: Simulation) -> None:
    with pytest.raises(ConfigError, match="needs the sample's mass_gev"):
        settings_lines(signal.model_copy(update={"mass_gev": None}))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bias_power": 4.0}, "bias_power needs pt_hat_min"),
        ({"shower": "vincia", "enhancement": 5.0}, "work with shower: simple"),
        ({"shower": "dire", "heavy_flavour": {"min": 4}}, "work with shower: simple"),
        ({"heavy_flavour": {"min": 3, "max": 2}}, "max .2. must not be below min .3."),
        ({"heavy_flavour": {"min": 5}}, "less than or equal to 4"),
        ({"detector": "delphes"}, "needs delphes.card"),
        ({"detector": "geant"}, "'parametric' or 'delphes'"),
        ({"pythia": ()}, "needs `pythia` lines"),
        ({"events": 0}, "give a number above 0"),
        ({"enhancement": 2, "shower": "vincia"}, "work with shower: simple, not vincia"),
        (
            {"heavy_flavour": {"pairs": ("bb",)}, "shower": "vincia"},
            "heavy_flavour .but for forced pairs bb.bb. work with shower: simple, not vincia",
        ),
        (
            {"enhancement": 2, "pythia": ("HardQCD:all = on", "partonShowers:Model=2")},
            "work with shower: simple, not PartonShowers:model = 2",
        ),
        ({"enhancement": 0.5}, "greater than or equal to 1"),
        ({"tune": 14}, "Extra inputs"),
        ({"importance": {}}, "importance needs parton_jet_pt_min"),
        (
            {"heavy_flavour": {"pair_mass_min": 90, "pair_mass_max": 80}},
            r"pair_mass_max .80 GeV. must be above pair_mass_min .90 GeV.: the window .* is empty",
        ),
        (
            {"heavy_flavour": {"pair_mass_min": 9.6}},
            r"pair_mass_min .9\.6 GeV. must be above 2 m_b = 9\.6 GeV",
        ),
        (
            {"heavy_flavour": {"pairs": ("bb", "cc"), "forced": True}},
            "exactly one entry of pairs, not none, found bb, cc",
        ),
        ({"heavy_flavour": {"forced": True}}, "exactly one entry of pairs"),
        ({"heavy_flavour": {"pairs": ("none",), "forced": True}}, "not none, found none"),
        (
            {"heavy_flavour": {"pairs": ("bb",), "forced": True}},
            "origin creation has none: name the other origins",
        ),
        (
            {
                "heavy_flavour": {
                    "pairs": ("bb",),
                    "origins": ("splitting",),
                    "forced": True,
                    "min": 2,
                }
            },
            "leave min and max out",
        ),
        ({"heavy_flavour": {"pairs": ("bb", "bb")}}, "pairs holds an entry twice"),
        ({"heavy_flavour": {"origins": ()}}, "at least 1 item"),
        ({"importance": {"masses_gev": (-1,)}, "parton_jet_pt_min": 200}, "greater than 0"),
    ],
)
def test_bad_blocks_are_refused(values: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Simulation.model_validate({"pythia": ("HardQCD:all = on",), "events": 10} | values)


def test_seeds_differ_by_sample_chunk_and_seed() -> None:
    seeds = {
        chunk_seeds(seed, sample, chunk)[0]
        for seed in (1, 2)
        for sample in ("qcd", "ttbar", "ttbar2")
        for chunk in range(20)
    }
    assert len(seeds) == 120
    assert all(1 <= seed <= 900_000_000 for seed in seeds)
    assert chunk_seeds(1, "qcd", 0)[0] == chunk_seeds(1, "qcd", 0)[0]


def test_classes_that_divide_a_process_are_accepted() -> None:
    check_strata([HeavyFlavour(min=0, max=1), HeavyFlavour(min=4), HeavyFlavour(min=2, max=3)])
    check_strata([HeavyFlavour()])


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ([(0, 2), (2, 4)], "class 2 is counted twice"),
        ([(0, 2), (4, 4)], "class 3 is in no sample"),
        ([(3, 4)], "class 0 is in no sample"),
    ],
)
def test_overlaps_and_gaps_are_refused(ranges: list[tuple[int, int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_strata([HeavyFlavour(min=low, max=high) for low, high in ranges])


def test_classes_must_be_counted_alike() -> None:
    with pytest.raises(ValueError, match="must count alike"):
        check_strata([HeavyFlavour(max=3), HeavyFlavour(min=4, scale_gev=10.0)])


def forced(*lines: str, pairs: str = "bb+bb", origins: tuple[str, ...] = ("splitting",)):
    flavour = {"pairs": (pairs,), "origins": origins, "forced": True}
    return Simulation.model_validate({"pythia": lines, "events": 10, "heavy_flavour": flavour})


GG, QQBAR, QG = (f"HardQCD:{name} = on" for name in ("gg2gg", "qqbar2gg", "qg2qg"))


def test_forced_samples_with_all_processes_of_enough_gluons_are_accepted() -> None:
    forced(GG, QQBAR)
    forced(GG, QQBAR, QG, pairs="bb")
    forced(GG, QQBAR, "HardQCD:gg2qqbar = off", "TimeShower:renormMultFac = 2")
    forced("hardqcd:GG2GG=ON", QQBAR, pairs="cc+cc")
    # no b quark comes into gg → gg
    forced(QQBAR, QG, pairs="bb", origins=("excitation",))


@pytest.mark.parametrize(
    ("lines", "pairs", "found"),
    [
        ((GG,), "bb+bb", "HardQCD:qqbar2gg missing"),
        ((QQBAR,), "bb+bb", "HardQCD:gg2gg missing"),
        ((GG, QQBAR), "bb", "HardQCD:qg2qg missing"),
        ((GG, QQBAR, QG), "bb+bb", "found HardQCD:qg2qg"),
        ((GG, QQBAR, QG, "HardQCD:all = on"), "bb", "found HardQCD:all"),
        ((GG, QQBAR, "HardQCD:hardbbbar = on"), "bb+cc", "found HardQCD:hardbbbar"),
        ((GG, QQBAR, "Top:gg2ttbar = on"), "bb+cc", "found Top:gg2ttbar"),
        ((GG, QQBAR, "HardQCD:gg2gg = off"), "bb+cc", "HardQCD:gg2gg missing"),
    ],
)
def test_forced_samples_of_other_processes_are_refused(
    lines: tuple[str, ...], pairs: str, found: str
) -> None:
    with pytest.raises(ValidationError, match=f"forced pairs .*{found}; write `HardQCD:gg2gg = on"):
        forced(*lines, pairs=pairs)


def test_shower_of_forced_events_keeps_all_lines_but_those_of_processes() -> None:
    block = forced(GG, QQBAR, "PhaseSpace:mHatMax = 3000", "TimeShower:renormMultFac = 2")
    block = block.model_copy(update={"pt_hat_min": 200.0, "bias_power": 4.0, "enhancement": 5.0})
    lines = showered_lines(block)
    assert not [line for line in lines if line.startswith(("HardQCD", "PhaseSpace"))]
    assert "TimeShower:renormMultFac = 2" in lines
    assert "Beams:frameType = 5" in lines
    assert lines.index("Vincia:sectorShower = off") < lines.index("TimeShower:renormMultFac = 2")
    assert "EnhancedSplittings:List = {fsr:G2BB=5}" in lines
    assert set(block.common) <= set(lines)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (0.0, 14000.0)),
        ({"pt_hat_min": 200.0}, (400.0, 14000.0)),
        ({"pythia": ("HardQCD:all = on", "PhaseSpace:mHatMax = 1700.")}, (0.0, 1700.0)),
        ({"pythia": ("PhaseSpace:mHatMin = 780",), "pt_hat_min": 200.0}, (780.0, 14000.0)),
        ({"common": ("Beams:eCM = 8000.",)}, (0.0, 8000.0)),
        ({"common": ("Tune:pp = 14",)}, (0.0, 14000.0)),
    ],
)
def test_range_of_the_mass_of_hard_processes(options: dict, expected: tuple[float, float]) -> None:
    block = {"pythia": ("HardQCD:all = on",), "events": 10} | options
    assert Simulation.model_validate(block).hard_masses == expected


def test_strata_by_origin_and_pairs_that_divide_a_process_are_accepted() -> None:
    without = tuple(name for name in PAIRS if name != "bb+bb")
    gluons = ("splitting", "excitation")
    check_strata(
        [
            HeavyFlavour(pairs=("bb+bb",), origins=gluons, forced=True),
            HeavyFlavour(pairs=without, origins=gluons),
            HeavyFlavour(origins=("creation",)),
        ]
    )
    # creation has no hard gluons to force: nobody needs its bb+bb
    check_strata(
        [
            HeavyFlavour(pairs=("bb+bb",), origins=gluons, forced=True),
            HeavyFlavour(pairs=without),
        ]
    )


@given(data=st.data())
def test_strata_must_hold_every_cell_once(data: st.DataObject) -> None:
    """One sample per origin, one of them cut in two by its pairs, is a division; less is not."""
    cut = data.draw(st.sampled_from(ORIGINS))
    first = data.draw(st.sets(st.sampled_from(PAIRS), min_size=1, max_size=len(PAIRS) - 1))
    rest = tuple(name for name in PAIRS if name not in first)
    strata = [HeavyFlavour(origins=(name,)) for name in ORIGINS if name != cut]
    strata += [HeavyFlavour(origins=(cut,), pairs=tuple(first))]
    strata += [HeavyFlavour(origins=(cut,), pairs=rest)]
    check_strata(strata)
    left_out = data.draw(st.integers(0, len(strata) - 1))
    with pytest.raises(ValueError, match="is in no sample; the samples of a process must divide"):
        check_strata([block for k, block in enumerate(strata) if k != left_out])
    with pytest.raises(ValueError, match="is counted twice"):
        check_strata([*strata, strata[left_out]])


@pytest.mark.parametrize(
    "changed",
    [{"pair_mass_min": 30.0}, {"pair_mass_max": 200.0}, {"jet_pt_min": 250.0}, {"separation": 0.3}],
)
def test_strata_must_be_defined_alike(changed: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"must count alike .*{next(iter(changed))}"):
        check_strata(
            [
                HeavyFlavour(origins=("splitting", "excitation")),
                HeavyFlavour(origins=("creation",), **changed),
            ]
        )


def test_worth_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="floor"):
        Importance(floor=0.0)


def test_the_reference_says_where_jets_of_partons_must_be() -> None:
    text = Simulation.model_fields["parton_jet_pt_min"].description or ""
    assert f"|η| < {ABS_ETA_MAX}" in text
