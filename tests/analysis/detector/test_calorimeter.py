import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.config.detector import Detector
from analysis.detector.calorimeter import Grid, energy_resolution
from analysis.detector.detector import simulate
from tests.simulated_particles import many, one_particle, scalar_sums

DETECTOR = Detector()


@pytest.mark.parametrize("name", ["ecal", "hcal"])
@given(eta=st.floats(-6, 6), phi=st.floats(-np.pi, np.pi))
def test_tower_encloses_what_falls_into_it(name: str, eta: float, phi: float) -> None:
    calorimeter = getattr(DETECTOR, name)
    grid = Grid(calorimeter)
    tower = grid.find(np.array([eta]), np.array([phi]))
    if tower[0] < 0:
        assert eta <= grid.edges[0] or eta > grid.edges[-1]
        return
    eta_low, eta_high, phi_low, phi_high = (edge[0] for edge in grid.box(tower))
    assert eta_low <= eta <= eta_high
    assert phi_low - 1e-9 <= phi <= phi_high + 1e-9


def test_granularity_of_the_card() -> None:
    """Cells of 0.0174 × 1° in the barrel of the first, 0.1 × 10° in that of the second."""
    for calorimeter, width, degrees in ((DETECTOR.ecal, 0.0174, 1), (DETECTOR.hcal, 0.1, 10)):
        grid = Grid(calorimeter)
        box = grid.box(grid.find(np.array([0.55]), np.array([0.3])))
        assert box[1] - box[0] == pytest.approx(width)
        assert np.degrees(box[3] - box[2]) == pytest.approx(degrees)


@pytest.mark.parametrize("energy", [20.0, 100.0])
def test_photons_keep_their_energy_on_average_and_spread_by_the_resolution(energy: float) -> None:
    photons = many(one_particle(pid=22, charge=0, px=energy, mass=0.0), 3000)
    response = simulate(photons, DETECTOR, np.random.default_rng(1))
    sigma = energy_resolution(np.array([energy]), np.array([0.0]), DETECTOR.ecal)[0]
    assert len(response.photons.energy) == 3000
    assert response.photons.energy.mean() == pytest.approx(energy, abs=5 * sigma / np.sqrt(3000))
    assert response.photons.energy.std() == pytest.approx(sigma, rel=0.1)
    assert len(response.tracks.pt) == len(response.neutral_hadrons.pt) == 0


def test_muons_leave_a_track_and_nothing_else() -> None:
    muons = many(one_particle(pid=13, charge=-1, px=30.0, mass=0.1057), 500)
    response = simulate(muons, DETECTOR, np.random.default_rng(1))
    assert len(response.tracks.pt) == 500
    assert len(response.photons.pt) == len(response.neutral_hadrons.pt) == 0
    assert response.tracks.pt.mean() == pytest.approx(30.0, rel=0.005)


def test_neutral_hadron_is_measured_by_the_second_calorimeter_alone() -> None:
    neutrons = many(one_particle(pid=2112, charge=0, px=100.0, mass=0.94), 2000)
    response = simulate(neutrons, DETECTOR, np.random.default_rng(1))
    assert len(response.photons.pt) == len(response.tracks.pt) == 0
    assert response.neutral_hadrons.energy.mean() == pytest.approx(100.0, rel=0.02)


def test_a_precise_track_replaces_its_tower() -> None:
    """A pion's tower is much coarser than its track: the energy flow keeps the track's momentum."""
    pions = many(one_particle(px=20.0), 3000)
    response = simulate(pions, DETECTOR, np.random.default_rng(1))
    found = len(response.tracks.pt)
    assert found / 3000 == pytest.approx(0.95, abs=0.02)
    spread = response.tracks.pt.std() / 20.0
    tower = energy_resolution(np.array([20.0]), np.array([0.05]), DETECTOR.hcal)[0] / 20.0
    assert spread < 0.1 * tower
    # without a track the tower is a neutral hadron; with one only an upward fluctuation by 2σ is
    assert 0.03 < len(response.neutral_hadrons.pt) / 3000 < 0.12


def test_electron_energy_is_not_counted_twice() -> None:
    electrons = many(one_particle(pid=11, charge=-1, px=50.0, mass=0.000511), 3000)
    response = simulate(electrons, DETECTOR, np.random.default_rng(1))
    flow = scalar_sums(response, 3000).mean()
    assert 50.0 * 0.99 < flow < 50.0 * 1.04
