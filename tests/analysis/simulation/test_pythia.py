from typing import Any

import awkward as ak
import numpy as np
import pytest

from analysis.config.simulation import PP_14_TEV, HeavyFlavour, Importance, Pairs, Simulation
from analysis.detector.particles import Particles
from analysis.reconstruction.flavour import count_b_hadrons, heavy_hadrons
from analysis.simulation.forced import ForcedSource
from analysis.simulation.hard_process import STOP
from analysis.simulation.les_houches import LesHouches
from analysis.simulation.pythia import Batch, Generator, Normalisation, start
from analysis.simulation.settings import showered_lines
from common.errors import ConfigError


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


def forced_sample(pairs: Pairs = "bb+bb", **options: Any) -> Simulation:
    processes = ("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on")
    return Simulation(
        pythia=processes if "+" in pairs else (*processes, "HardQCD:qg2qg = on"),
        pt_hat_min=300.0,
        bias_power=4.0,
        parton_jet_pt_min=200.0,
        events=100,
        heavy_flavour=HeavyFlavour(pairs=(pairs,), origins=("splitting",), forced=True),
        **options,
    )


@pytest.mark.parametrize("pairs", ["bb+cc", "bb"])
def test_pythia_takes_the_events_that_it_is_handed(pairs: Pairs) -> None:
    """Flavours, colours and momenta of the hard process are those given."""
    block = forced_sample(pairs)
    assert block.heavy_flavour is not None
    hard = start(block, 2, STOP)
    assert hard.init()
    given = LesHouches(
        iter(ForcedSource(hard, block.heavy_flavour, None, 2)), (2212, 2212), 14000.0
    )
    pythia = start(block, 2, STOP, showered_lines(block))
    pythia.setLHAupPtr(given)
    assert pythia.init()
    for _ in range(30):
        assert pythia.next()
        event, record = given.current, pythia.process
        entries = range(3, 3 + event.ids.shape[1])
        assert record.size() == entries.stop
        assert [record[k].id() for k in entries] == event.ids[0].tolist()
        assert record.scale() == pytest.approx(event.scale[0])
        found = [[record[k].px(), record[k].py(), record[k].pz(), record[k].e()] for k in entries]
        # Pythia puts partons on their mass shells
        assert np.array(found) == pytest.approx(event.momenta[0], abs=1e-4 * event.momenta.max())
        ends = [[record[k].col() > 0, record[k].acol() > 0] for k in entries]
        assert np.array_equal(ends, event.colours[0] > 0)


def test_forced_events_have_the_energy_and_the_beams_of_the_settings() -> None:
    lines = tuple(line for line in PP_14_TEV if "eCM" not in line and "idB" not in line)
    common = (*lines, "Beams:eCM = 8000.", "Beams:idB = -2212")
    batch, _ = generate(_few(forced_sample(common=common), 3))
    particles = batch.particles
    final, beams = particles.status == 1, particles.status == 4
    assert particles.energy[final].sum() == pytest.approx(3 * 8000, rel=1e-3)
    assert sorted(particles.pid[beams].tolist()) == [-2212] * 3 + [2212] * 3


@pytest.mark.parametrize("shower", ["simple", "vincia"])
def test_forced_events_conserve_momentum_and_hold_b_hadrons(shower: str) -> None:
    batch, norm = generate(_few(forced_sample(shower=shower), 12))
    particles = batch.particles
    stable = particles.select(particles.status == 1)
    assert np.bincount(stable.event, stable.energy) == pytest.approx(14000.0, rel=1e-4)
    assert np.bincount(stable.event, stable.px) == pytest.approx(0.0, abs=0.1)
    assert (b_hadrons(particles) >= 4).mean() > 0.6
    assert norm.sum_of_weights == pytest.approx(batch.weight.sum())
    fraction = norm.sum_of_weights / norm.generated_sum_of_weights
    assert norm.cross_section_pb == pytest.approx(norm.generated_cross_section_pb * fraction)
    assert 1e-6 < fraction < 0.05


@pytest.mark.parametrize("pairs", ["bb+bb", "bb"])
def test_importance_keeps_the_cross_section_of_forced_events(
    pairs: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.simulation.selection.CHECKPOINT_TRIALS", 100)
    common = (*forced_sample().common, "PartonLevel:MPI = off")
    plain = forced_sample(pairs, common=common)
    aimed = plain.model_copy(update={"importance": Importance(masses_gev=(1000.0,), floor=0.2)})
    (_, norm), (_, other) = generate(plain, 6), generate(aimed, 7)
    error = np.hypot(norm.error_pb, other.error_pb)
    assert other.cross_section_pb == pytest.approx(norm.cross_section_pb, abs=4 * error)
    assert error < 0.35 * norm.cross_section_pb
    # by its own choice of hard processes one sample costs fewer showers per hard process
    assert other.generated > 5 * norm.generated


def test_counting_ends_before_the_event_that_is_one_too_many() -> None:
    """All tries give an event of this sample: N events are N tries, of ten per hard process."""
    block = Simulation(
        pythia=("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on"),
        pt_hat_min=500.0,
        events=1,
        heavy_flavour=HeavyFlavour(
            pairs=("bb+bb",), origins=("splitting",), forced=True, pair_mass_max=100.0
        ),
    )
    for events in (3, 24):
        batch, norm = generate(_few(block, events))
        assert len(batch.weight) == norm.events == events
        # few tries meet a hard process with a b quark or give an event of another stratum
        assert norm.generated_sum_of_weights == pytest.approx(events / 10, rel=0.35)


def test_other_lines_of_a_forced_sample_reach_its_shower() -> None:
    """A variation of the shower that is appended to the sample's lines is one of all samples."""
    plain = _few(forced_sample(), 3)
    varied = plain.model_copy(update={"pythia": (*plain.pythia, "PartonLevel:FSR = off")})
    lengths = [len(generate(block)[0].particles.pid) for block in (plain, varied)]
    assert lengths[1] < 0.85 * lengths[0]


def _few(block: Simulation, events: int) -> Simulation:
    return block.model_copy(update={"events": events})
