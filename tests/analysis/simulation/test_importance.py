"""Russian roulette: what it takes from some events it gives to the others."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.config.simulation import Importance, Simulation
from analysis.simulation import selection
from analysis.simulation.importance import (
    AT_CHECKPOINT,
    AT_HARD_PROCESS,
    LEAST_ACCEPTED,
    Edges,
    PartonJets,
    best_threshold,
    hard_variables,
    tag_potential,
    worth,
)
from analysis.simulation.pythia import Batch, Generator, Normalisation, start
from analysis.simulation.selection import Roulette, Selection

AIM = Importance(masses_gev=(1000.0,))
TTBAR = (
    "Top:gg2ttbar = on",
    "Top:qqbar2ttbar = on",
    "24:onMode = off",
    "24:onIfAny = 1 2 3 4 5",
)
values = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=60)


def trained(pilot: list[float], cost: float = 8.0, seed: int = 1) -> Roulette:
    roulette = Roulette(np.random.default_rng(seed), len(pilot), cost)
    assert [roulette.play(value) for value in pilot] == [0.0] * len(pilot)
    return roulette


@given(pilot=values, cost=st.floats(0.1, 300.0))
@settings(max_examples=50)
def test_pilot_ends_all_its_events_and_sets_the_threshold(pilot: list[float], cost: float) -> None:
    roulette = Roulette(np.random.default_rng(0), len(pilot), cost)
    for value in pilot:
        assert roulette.threshold is None
        assert roulette.play(value) == 0.0
    assert roulette.threshold == best_threshold(np.array(pilot), cost)


def test_no_single_event_of_a_pilot_decides_where_the_heaviest_are_cut_off() -> None:
    pilot = np.random.default_rng(1).lognormal(0.0, 1.5, 500)
    found = {}
    for heaviest in (1.0, 0.99):
        for outlier in (1.0, 1e4):
            roulette = Roulette(np.random.default_rng(0), 501, 1.0, heaviest)
            for value in [*pilot, outlier]:
                roulette.play(float(value))
            found[heaviest, outlier] = roulette.threshold
    assert found[1.0, 1e4] > 10 * found[1.0, 1.0]
    assert found[0.99, 1e4] == pytest.approx(found[0.99, 1.0], rel=0.2)


@given(pilot=values, value=st.floats(1e-6, 1e4))
@settings(max_examples=50)
def test_events_come_through_with_the_threshold_s_value_or_their_own(
    pilot: list[float], value: float
) -> None:
    roulette = trained(pilot)
    assert roulette.threshold is not None
    for factor in [roulette.play(value) for _ in range(10)]:
        assert factor == 0 or value * factor == pytest.approx(max(value, roulette.threshold))
        assert factor > 0 or value < roulette.threshold


@pytest.mark.parametrize("share", [0.03, 0.2, 0.7, 1.0, 4.0])
def test_mean_factor_is_one(share: float) -> None:
    roulette = trained([1.0] * 5, seed=4)
    assert roulette.threshold == 1.0
    factors = np.array([roulette.play(share) for _ in range(20_000)])
    assert np.mean(factors > 0) == pytest.approx(min(share, 1.0), abs=0.02)
    error = factors.std() / np.sqrt(len(factors))
    assert factors.mean() == pytest.approx(1.0, abs=4 * error + 1e-12)


def test_weighted_distributions_survive() -> None:
    """Of log-normal values with a feature that depends on them, sums stay what they were."""
    rng = np.random.default_rng(2)
    value = rng.lognormal(0.0, 2.0, 20_000)
    feature = np.log(value) + rng.normal(size=len(value))
    roulette = trained(value[:1000].tolist())
    factor = np.array([roulette.play(v) for v in value[1000:].tolist()])
    kept = value[1000:] * factor
    assert np.mean(factor > 0) < 0.8
    for quantity in (np.ones(19_000), feature[1000:], feature[1000:] > 1):
        error = np.sqrt(np.sum((quantity * value[1000:] * (factor - 1)) ** 2))
        difference = np.sum(quantity * (kept - value[1000:]))
        assert abs(difference) < 4 * error


def merit(threshold: float, value: np.ndarray, cost: float) -> float:
    """Return (Σ value)² / Σ value² of what is continued, over the time that all take."""
    chance = np.minimum(value / threshold, 1.0)
    after = np.maximum(value, threshold)
    time = len(value) + cost * chance.sum()
    return (chance * after).sum() ** 2 / (chance * after**2).sum() / time


@given(
    value=st.lists(st.one_of(st.just(0.0), st.floats(1e-4, 1e3)), min_size=1, max_size=40),
    cost=st.floats(0.1, 300.0),
)
def test_best_threshold_is_the_best_of_all_values(value: list[float], cost: float) -> None:
    array = np.array(value)
    found = best_threshold(array, cost)
    positive = array[array > 0]
    if len(positive):
        assert found in positive
        best = max(merit(t, array, cost) for t in positive)
        assert merit(found, array, cost) == pytest.approx(best, rel=1e-9)


def test_costly_showers_raise_the_threshold_and_the_yield() -> None:
    value = np.random.default_rng(3).lognormal(0.0, 2.0, 3000)
    found = [best_threshold(value, cost) for cost in (0.1, 3.0, 30.0, 300.0)]
    assert all(low <= high for low, high in pairwise(found))
    assert found[-1] > 2 * found[0]
    everything = merit(1e-12 + value.min(), value, 300.0)
    assert merit(found[-1], value, 300.0) > 3 * everything


@given(flavours=st.lists(st.sampled_from([4, 5]), max_size=5), subjets=st.integers(1, 4))
def test_tags_get_likelier_with_each_heavy_quark(flavours: list[int], subjets: int) -> None:
    now = tag_potential(flavours, subjets)
    assert 0 < now <= 1
    assert now <= tag_potential([*flavours, 4], subjets) <= tag_potential([*flavours, 5], subjets)
    assert tag_potential(flavours, subjets + 1) <= now
    assert tag_potential(flavours[::-1], subjets) == pytest.approx(now)
    if len(flavours) < subjets:
        assert now < tag_potential([*flavours, 4], subjets)


def jets(
    masses: tuple[float, float] = (125.0, 125.0),
    resonance: float = 1000.0,
    pt: tuple[float, float] = (470.0, 460.0),
    rapidity: tuple[float, float] = (0.2, -0.3),
    quarks: float = 2.0,
) -> PartonJets:
    """Return one event: by default that of a decay H → hh → 4b at 1 TeV."""
    distances, softer = [[270 / p for p in pt]], [[0.27 * p for p in pt]]
    pair = [[0.95 * m for m in masses]], distances, softer
    columns = ([masses], [pt], [rapidity], *pair, [[quarks, quarks]])
    return PartonJets(np.array([resonance]), *map(np.array, columns))


def worth_of(event: PartonJets, aim: Importance = AIM) -> float:
    variables = event.variables(np.array(aim.masses_gev))
    return float(worth("checkpoint", variables, event.accepted, aim)[0])


@given(
    masses=st.tuples(*[st.floats(0.0, 400.0)] * 2),
    resonance=st.floats(100.0, 9000.0),
    pt=st.tuples(*[st.floats(50.0, 4000.0)] * 2),
    rapidity=st.tuples(*[st.floats(-4.0, 4.0)] * 2),
    quarks=st.integers(0, 9),
)
def test_worth_of_jets_is_bounded(
    masses: tuple[float, float],
    resonance: float,
    pt: tuple[float, float],
    rapidity: tuple[float, float],
    quarks: int,
) -> None:
    """A worth of zero would end events that no weight makes up for."""
    found = worth_of(jets(masses, resonance, pt, rapidity, quarks))
    assert LEAST_ACCEPTED * AIM.floor <= found < 5


@pytest.mark.parametrize(
    "other",
    [
        {"masses": (60.0, 125.0)},
        {"masses": (125.0, 220.0)},
        {"resonance": 750.0},
        {"resonance": 1400.0},
        {"pt": (470.0, 205.0)},
        {"rapidity": (2.0, -2.0)},
        {"rapidity": (0.2, -2.6)},
    ],
)
def test_worth_falls_with_the_distance_from_the_signal(other: dict) -> None:
    assert worth_of(jets(**other)) < 0.5 * worth_of(jets())


EDGES = st.sampled_from([AT_CHECKPOINT, AT_HARD_PROCESS])
PT, MASS = st.floats(0.0, 3000.0), st.floats(0.0, 400.0)
RAPIDITY = st.floats(-4.0, 4.0)


@given(
    edges=EDGES, pt=st.tuples(PT, PT), rapidity=st.tuples(RAPIDITY, RAPIDITY),
    mass=st.tuples(MASS, MASS), more=st.floats(0.0, 500.0), jet=st.integers(0, 1),
)  # fmt: skip
def test_harder_heavier_more_central_jets_are_selected_no_less(
    edges: Edges,
    pt: tuple[float, float],
    rapidity: tuple[float, float],
    mass: tuple[float, float],
    more: float,
    jet: int,
) -> None:
    columns = [np.array([column]) for column in (pt, rapidity, mass)]
    found = edges.accepted(*columns)[0]
    assert LEAST_ACCEPTED <= found <= 1
    assert edges.accepted(*(column[:, ::-1] for column in columns))[0] == pytest.approx(found)
    columns[1][0, jet] /= 1 + more
    central = edges.accepted(*columns)[0]
    assert central >= found
    for k in (0, 2):
        columns[k][0, jet] += more
        assert edges.accepted(*columns)[0] >= central


@pytest.mark.parametrize("edges", [AT_CHECKPOINT, AT_HARD_PROCESS])
def test_jets_far_within_the_cuts_are_accepted_and_far_outside_hardly(edges: Edges) -> None:
    inside = [np.array([pair]) for pair in ((450.0, 500.0), (0.3, -1.0), (125.0, 90.0))]
    assert edges.accepted(*inside)[0] > 0.9
    for column, value in ((0, 205.0), (1, 2.5)):
        outside = [array.copy() for array in inside]
        outside[column][0, 1] = value
        assert edges.accepted(*outside)[0] < 0.4


def test_floor_counts_a_tenth_for_events_that_are_hardly_selected() -> None:
    high, low = (AIM.model_copy(update={"floor": floor}) for floor in (0.5, 0.1))

    def of_the_floor(event: PartonJets) -> float:
        return (worth_of(event, high) - worth_of(event, low)) / (high.floor - low.floor)

    assert of_the_floor(jets()) > 0.9
    assert of_the_floor(jets(pt=(215.0, 205.0))) == pytest.approx(LEAST_ACCEPTED)
    assert of_the_floor(jets(rapidity=(0.2, -2.5))) == pytest.approx(LEAST_ACCEPTED)


@pytest.mark.parametrize("mass", [800.0, 1000.0, 1500.0, 2000.0])
def test_decays_at_all_masses_are_worth_the_most(mass: float) -> None:
    aim = Importance(masses_gev=(mass,))
    decay = jets(resonance=mass, pt=(0.48 * mass, 0.46 * mass))
    elsewhere = jets(resonance=0.6 * mass, pt=(0.29 * mass, 0.28 * mass))
    assert worth_of(decay, aim) > 0.1
    assert worth_of(decay, aim) > 3 * worth_of(elsewhere, aim)


def test_every_signal_adds_to_the_worth() -> None:
    both = Importance(masses_gev=(1000.0, 1500.0))
    lone = [Importance(masses_gev=(mass,)) for mass in both.masses_gev]
    floor = AIM.floor * jets().accepted[0]
    found = [(worth_of(jets(), aim) - floor) ** (1 / aim.power) for aim in (both, *lone)]
    assert found[0] == pytest.approx(found[1] + found[2])


@given(
    pair_masses=st.lists(st.floats(11.0, 400.0), min_size=1, max_size=2),
    z=st.tuples(*[st.floats(0.01, 0.99)] * 2),
    energy=st.floats(300.0, 5000.0), pt=st.floats(100.0, 2000.0),
    rapidity=st.tuples(*[st.floats(-4.0, 4.0)] * 2),
)  # fmt: skip
def test_worth_of_hard_processes_does_not_depend_on_the_order_of_pairs(
    pair_masses: list[float],
    z: tuple[float, float],
    energy: float,
    pt: float,
    rapidity: tuple[float, float],
) -> None:
    number, masses = len(pair_masses), np.array(AIM.masses_gev)
    rest = [np.array([x]) for x in (energy, (pt, pt), rapidity)]
    found = [
        worth(
            f"hard_{number}",
            hard_variables(
                np.array([pair_masses[::step]]), np.array([z[:number][::step]]), *rest, masses
            ),
            np.ones(1),
            AIM,
        )[0]
        for step in (1, -1)
    ]
    assert AIM.floor <= found[0] < 5
    if number == 1 or pair_masses[0] != pair_masses[1]:
        assert found[0] == pytest.approx(found[1])


@pytest.mark.usefixtures("_short_pilots")
def test_all_hard_processes_of_the_pilot_are_left_out_of_the_count(qcd: Simulation) -> None:
    pythia = start(qcd, 2, ("Check:abortIfVeto = on", "PartonLevel:MPI = off"))
    hooks = Selection(
        pythia.infoPython, None, 200.0, AIM, lambda: 1.0, 0, lambda: len(hooks.weights),
        np.random.default_rng(1),
    )  # fmt: skip
    pythia.setUserHooksPtr(hooks)
    assert pythia.init()
    for number in range(1, 61):
        assert not pythia.next()
        assert hooks.pilot == len(hooks.weights) == number
    came = sum(pythia.next() for _ in range(400))
    assert hooks.pilot == 60
    assert len(hooks.weights) == 460
    factors, places = hooks.take_passed(came)
    assert 0 < came < 400
    assert (np.diff(places) > 0).all()
    assert places.min() >= 60
    assert (factors >= 1).all()
    assert np.ptp(factors) > 0


@pytest.fixture
def _short_pilots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "DECAY_TRIALS", 100)
    monkeypatch.setattr(selection, "CHECKPOINT_TRIALS", 60)


def generate(simulation: Simulation, seed: int) -> tuple[Batch, Normalisation]:
    generator = Generator(simulation, seed)
    (batch,) = generator.batches(1000)
    return batch, generator.normalisation()


def charmed(batch: Batch) -> np.ndarray:
    """Return the number of W → cs of each event."""
    particles = batch.particles
    mother = particles.mother1
    start = np.repeat(particles.offsets[:-1], np.diff(particles.offsets))
    of_w = np.abs(particles.pid[np.where(mother >= 0, start + mother, 0)]) == 24
    charm = of_w & (np.abs(particles.pid) == 4)
    return np.bincount(particles.event[charm], minlength=len(batch.weight))


@pytest.mark.usefixtures("_short_pilots")
def test_importance_enriches_charmed_w_in_ttbar_and_keeps_the_normalisation() -> None:
    common = Simulation.model_fields["common"].default
    block = Simulation(
        pythia=TTBAR, pt_hat_min=300.0, parton_jet_pt_min=200.0, events=60,
        common=(*common, "PartonLevel:MPI = off"),
    )  # fmt: skip
    # a low floor leaves events that hardly count to few of high weight, too few for the sum of all
    aim = AIM.model_copy(update={"floor": 0.1})
    aimed = block.model_copy(update={"importance": aim, "events": 600})
    (plain, norm), (rich, other) = generate(block, 3), generate(aimed, 4)
    number, usual = charmed(rich), charmed(plain)
    assert usual.max() == number.max() == 2
    # W → cs and W → ud are alike: one per event
    weighted = np.average(number, weights=rich.weight)
    error = np.sqrt(np.sum((rich.weight * (number - weighted)) ** 2)) / rich.weight.sum()
    assert error < 0.2
    assert weighted == pytest.approx(1.0, abs=4 * error)
    assert usual.mean() == pytest.approx(1.0, abs=0.4)
    assert number.mean() > 1.2
    assert np.ptp(plain.weight) == 0
    assert rich.weight.max() > 3 * rich.weight.min()
    error = np.hypot(norm.error_pb, other.error_pb)
    assert error < 0.35 * norm.cross_section_pb
    assert other.cross_section_pb == pytest.approx(norm.cross_section_pb, abs=4 * error)
    assert other.generated > 3 * other.events
