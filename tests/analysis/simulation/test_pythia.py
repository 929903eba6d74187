import awkward as ak
import numpy as np
import pytest

from analysis.config.simulation import HeavyFlavour, Simulation
from analysis.errors import ConfigError
from analysis.flavour import count_b_hadrons, heavy_hadrons
from analysis.simulation.particles import Particles
from analysis.simulation.pythia import Batch, Generator, Normalisation


def generate(simulation: Simulation, seed: int = 1) -> tuple[Batch, Normalisation]:
    generator = Generator(simulation, seed)
    (batch,) = generator.batches()
    return batch, generator.normalisation()


def b_hadrons(particles: Particles) -> np.ndarray:
    names = ("pid", "pt", "eta", "phi")
    flat = ak.zip({name: getattr(particles, name) for name in names})
    return count_b_hadrons(heavy_hadrons(ak.unflatten(flat, np.diff(particles.offsets))))


@pytest.fixture(scope="module")
def signal_batch(signal: Simulation) -> Batch:
    return generate(signal)[0]


def test_stable_particles_carry_the_beams_momentum_and_charge(signal_batch: Batch) -> None:
    particles = signal_batch.particles
    stable = particles.select(particles.status == 1)

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(stable.event, weights=values)

    assert total(stable.energy) == pytest.approx(14000.0, rel=1e-4)
    assert total(stable.px) == pytest.approx(0.0, abs=0.1)
    assert total(stable.charge.astype(float)) == pytest.approx(2.0)


def test_signal_is_four_b_with_a_resonance_at_its_mass(signal_batch: Batch) -> None:
    particles = signal_batch.particles
    assert len(particles) == 20
    assert np.mean(b_hadrons(particles) >= 4) > 0.5
    assert particles.mass[particles.pid == 35] == pytest.approx(1000.0, rel=0.05)
    quarks = (np.abs(particles.pid) == 5) & (particles.status == 23)
    assert np.sum(quarks) == 4 * 20


def test_status_and_family(signal_batch: Batch) -> None:
    particles = signal_batch.particles
    assert np.sum(particles.status == 4) == 2 * len(particles)
    stable = particles.status == 1
    assert (particles.daughter1[stable] == -1).all()
    decayed = particles.status == 2
    assert (particles.daughter1[decayed] > 0).all()
    assert not np.isin(np.abs(particles.pid[stable]), (111, 310, 511, 521)).any()
    displaced = np.hypot(particles.x, particles.y) > 0.1
    assert 0.001 < displaced[stable].mean() < 0.3


def test_same_seed_same_events(signal: Simulation, signal_batch: Batch) -> None:
    again, _ = generate(signal)
    other, _ = generate(signal, seed=2)
    assert np.array_equal(again.particles.px, signal_batch.particles.px)
    assert len(other.particles.px) != len(again.particles.px)


def test_biased_sampling_gives_weights_and_no_event_is_lost(qcd: Simulation) -> None:
    batch, norm = generate(qcd)
    assert norm.events == norm.generated == len(batch.weight) == 20
    assert norm.sum_of_weights == pytest.approx(batch.weight.sum())
    assert norm.cross_section_pb == pytest.approx(norm.generated_cross_section_pb)
    assert norm.cross_section_pb == pytest.approx(7.15e4, rel=0.05)
    assert np.ptp(batch.weight) > 0.1
    assert (batch.weight <= 1.0001).all()


def test_enhanced_splittings_are_undone_by_weights_on_average(qcd: Simulation) -> None:
    plain = qcd.model_copy(update={"events": 150})
    _, norm = generate(plain.model_copy(update={"enhancement": 5.0}))
    ratio = norm.sum_of_weights / norm.generated_sum_of_weights
    assert ratio == pytest.approx(1.0, abs=0.3)


def test_classes_divide_the_cross_section(qcd: Simulation) -> None:
    """The classes' cross sections, each from its own events, add up to that of the process."""
    parts = []
    for low, high, events in ((0, 1, 40), (2, 4, 25)):
        flavour = HeavyFlavour(min=low, max=high)
        block = qcd.model_copy(update={"heavy_flavour": flavour, "events": events})
        parts.append(generate(block, seed=5)[1])
    total = sum(part.cross_section_pb for part in parts)
    error = np.sqrt(sum(part.error_pb**2 for part in parts))
    assert parts[1].generated > 4 * parts[1].events
    assert total == pytest.approx(parts[0].generated_cross_section_pb, abs=4 * error)
    assert error < 0.25 * total


def test_class_of_four_holds_b_hadrons(qcd: Simulation) -> None:
    flavour = HeavyFlavour(min=4)
    block = qcd.model_copy(update={"heavy_flavour": flavour, "enhancement": 20.0, "events": 15})
    batch, norm = generate(block)
    assert (b_hadrons(batch.particles) >= 3).all()
    assert norm.generated > 3 * norm.events
    assert norm.cross_section_pb < 0.02 * norm.generated_cross_section_pb


def test_jets_of_partons_can_be_asked_for(signal: Simulation) -> None:
    block = signal.model_copy(update={"mass_gev": 400.0, "parton_jet_pt_min": 200.0, "events": 5})
    _, norm = generate(block)
    assert norm.generated > 2 * norm.events
    assert norm.cross_section_pb == pytest.approx(
        norm.generated_cross_section_pb * norm.events / norm.generated
    )


@pytest.mark.parametrize("line", ["HardQCD:everything = on", "Beams:eCM", "35:m1 = 3"])
def test_unknown_line_is_named(qcd: Simulation, line: str) -> None:
    with pytest.raises(ConfigError, match=f"does not accept the line '{line}'"):
        Generator(qcd.model_copy(update={"pythia": (line,)}), 1)


def test_no_process_switched_on_is_refused(qcd: Simulation) -> None:
    with pytest.raises(ConfigError, match="cannot start"):
        Generator(qcd.model_copy(update={"pythia": ("HardQCD:all = off",)}), 1)


def test_dire_is_refused_where_pythia_has_none(qcd: Simulation) -> None:
    with pytest.raises(ConfigError, match="PartonShowers:model = 3"):
        Generator(qcd.model_copy(update={"shower": "dire"}), 1)


def test_vincia_showers_differently(qcd: Simulation) -> None:
    plain, _ = generate(qcd.model_copy(update={"events": 3}))
    vincia, norm = generate(qcd.model_copy(update={"events": 3, "shower": "vincia"}))
    assert norm.cross_section_pb > 0
    assert len(vincia.particles.pid) != len(plain.particles.pid)
