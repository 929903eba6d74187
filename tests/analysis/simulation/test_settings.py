import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analysis.config.simulation import HeavyFlavour, Simulation, check_strata
from analysis.errors import ConfigError
from analysis.simulation.settings import chunk_seeds, settings_lines


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
        ({"pythia": ()}, "at least 1 item"),
        ({"events": 0}, "greater than 0"),
        ({"enhancement": 0.5}, "greater than or equal to 1"),
        ({"tune": 14}, "Extra inputs"),
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
