import numpy as np
import pytest

from analysis.config.detector import Detector, Efficiency
from analysis.detector.particles import Particles
from analysis.detector.propagation import Cylinder, propagate
from analysis.detector.tracking import (
    Tracks,
    efficiency,
    find_tracks,
    lognormal,
    resolution,
    separable,
)
from tests.simulated_particles import many, one_particle

TRACKER = Detector().tracker
VOLUME = Cylinder(TRACKER.radius, TRACKER.half_length, TRACKER.field)


def tracks_of(particles: Particles, seed: int = 1) -> Tracks:
    return find_tracks(
        particles, propagate(particles, VOLUME), TRACKER, np.random.default_rng(seed)
    )


def test_efficiency_of_the_card() -> None:
    pt = np.array([0.4, 0.8, 5.0, 5.0, 5.0, 5.0])
    eta = np.array([0.0, 1.0, 1.2, -1.3, 3.9, 4.1])
    found = efficiency(pt, eta, TRACKER.hadron_efficiency)
    assert found == pytest.approx([0.0, 0.72, 0.95, 0.90, 0.85, 0.0])


def test_electron_efficiency_rises_with_lg_pt() -> None:
    found = efficiency(np.array([10.0]), np.array([2.0]), TRACKER.electron_efficiency)
    assert found == pytest.approx(0.90 / (1.033 - 0.033))


def test_resolution_is_the_table_at_its_nodes_and_linear_between() -> None:
    pt = np.array([0.5, 1.0, 10.0, 55.0, 100.0, 300.0])
    hadron = resolution(pt, np.zeros(6), np.zeros(6, bool), TRACKER)
    low, middle, high = TRACKER.resolution[0]
    expected = [low, low, middle, (middle + high) / 2, high, 3 * high]
    assert hadron == pytest.approx([2 * value for value in expected])
    muon = resolution(pt, np.zeros(6), np.ones(6, bool), TRACKER)
    assert muon[:5] == pytest.approx(expected[:5])
    assert muon[5] == pytest.approx(high * (1 + 0.2 * 2))


def test_lognormal_has_the_mean_and_width_it_is_given() -> None:
    normal = np.random.default_rng(3).standard_normal(200_000)
    values = lognormal(np.full_like(normal, 10.0), np.full_like(normal, 3.0), normal)
    assert values.mean() == pytest.approx(10.0, abs=5 * 3 / np.sqrt(len(normal)))
    assert values.std() == pytest.approx(3.0, rel=0.02)
    assert (values > 0).all()
    assert lognormal(np.zeros(2), np.ones(2), normal[:2]) == pytest.approx([0, 0])


@pytest.mark.parametrize(("pz", "expected"), [(0.0, 0.95), (30.0, 0.90), (200.0, 0.85)])
def test_fraction_of_tracks_found_is_the_efficiency(pz: float, expected: float) -> None:
    copies = 4000
    found = len(tracks_of(many(one_particle(pz=pz), copies)).pt) / copies
    assert found == pytest.approx(expected, abs=5 * np.sqrt(expected * (1 - expected) / copies))


def test_of_two_tracks_in_one_cell_the_harder_survives() -> None:
    """Two particles along x, charges such that both cross the same cell."""
    pair = many(one_particle(), 2)
    pair = Particles(**{**vars_of(pair), "offsets": np.array([0, 2]), "px": np.array([10.0, 10.1])})
    assert separable(pair, TRACKER).tolist() == [False, True]
    apart = Particles(**{**vars_of(pair), "py": np.array([0.0, 3.0])})
    assert separable(apart, TRACKER).all()
    other_events = many(one_particle(), 2)
    assert separable(other_events, TRACKER).all()


@pytest.mark.parametrize("where", [{"x": 350.0}, {"z": 800.0}])
def test_no_tracks_of_particles_born_beyond_the_inner_surface(where: dict[str, float]) -> None:
    assert len(tracks_of(many(one_particle(**where), 50)).pt) == 0


def test_efficiency_needs_one_value_per_region() -> None:
    with pytest.raises(ValueError, match="one value per region"):
        Efficiency(abs_eta=(1.0, 2.0), slope=(1.0,), plateau=(1.0, 1.0), log_slope=(0, 0))


def vars_of(particles: Particles) -> dict[str, np.ndarray]:
    return {name: getattr(particles, name) for name in Particles.__dataclass_fields__}
