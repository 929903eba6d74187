"""Forced splittings: balance of momentum, colour and flavour; exact weights for any proposal."""

from collections import Counter

import numpy as np
import pytest

from analysis.config.simulation import HeavyFlavour, Importance, Simulation
from analysis.simulation.forced import TRIES, ForcedEvents, ForcedSource, force, quarks_of
from analysis.simulation.hard_process import STOP, HardProcesses
from analysis.simulation.importance import AT_HARD_PROCESS, hard_variables, worth
from analysis.simulation.pythia import start
from analysis.simulation.splitting import QUARK_MASS, boosted, dipole_masses2, mass2
from tests.analysis.simulation.hard_events import by_hand, from_pythia, probability

TWO = ("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on")
ONE = (*TWO, "HardQCD:qg2qg = on")
ALL_PAIRS = ("bb+bb", "bb+cc", "cc+cc", "bb", "cc")
RANGE = (20.0, 300.0)
AIM = Importance(masses_gev=(800.0, 1500.0))


def sample(pairs: str, **options) -> Simulation:
    return Simulation(
        pythia=TWO if "+" in pairs else ONE,
        pt_hat_min=200.0,
        bias_power=4.0,
        events=10,
        heavy_flavour=HeavyFlavour(pairs=(pairs,), origins=("splitting",), forced=True),
        **options,
    )


@pytest.fixture(scope="module", params=ALL_PAIRS)
def made(request: pytest.FixtureRequest) -> tuple[str, HardProcesses, ForcedEvents]:
    """Hard processes of Pythia and what became of them, those that can be forced."""
    pairs = request.param
    hard = from_pythia(sample(pairs), 400)
    events = force(hard, quarks_of(pairs), RANGE, np.random.default_rng(1))
    able = np.flatnonzero(events.weight)
    assert len(able) > 100
    return pairs, HardProcesses(*(c[able] for c in vars(hard).values())), events.select(able)


def test_momentum_is_conserved(made) -> None:
    _, hard, events = made
    incoming, outgoing = events.momenta[:, :2], events.momenta[:, 2:].sum(axis=1)
    assert outgoing == pytest.approx(incoming.sum(axis=1), abs=1e-6)
    assert np.array_equal(incoming, hard.momenta[:, :2])


def test_partons_and_pairs_are_on_their_mass_shells(made) -> None:
    pairs, _, events = made
    for k, quark in enumerate(quarks_of(pairs)):
        members = events.momenta[:, 2 + 2 * k : 4 + 2 * k]
        pair = mass2(members.sum(axis=1))
        assert np.sqrt(pair) == pytest.approx(events.pair_masses[:, k], rel=1e-5)
        assert (np.abs(events.ids[:, 2 + 2 * k : 4 + 2 * k]) == quark).all()
    expected = np.where(events.masses > 0, events.masses, 0.0)
    energy2 = events.momenta[..., 3] ** 2
    assert (np.abs(mass2(events.momenta) - expected**2) < 1e-9 * energy2).all()
    heavy = np.isin(np.abs(events.ids), (4, 5))
    heavy[:, :2] = False
    heavy[:, 2 + 2 * len(quarks_of(pairs)) :] = False
    masses = np.select([np.abs(events.ids) == 5, np.abs(events.ids) == 4], [4.8, 1.5])
    assert np.array_equal(events.masses[heavy], masses[heavy])
    assert (events.masses[~heavy] == 0).all()
    assert ((events.pair_masses >= RANGE[0]) & (events.pair_masses <= RANGE[1])).all()


def test_gluons_keep_their_directions_in_the_partonic_frame(made) -> None:
    _, hard, events = made
    total = hard.momenta[:, 2:].sum(axis=1)
    frame = -total[:, :3] / total[:, 3:]
    jets = events.jets
    units = [
        [p[:, :3] / np.linalg.norm(p[:, :3], axis=1)[:, None] for p in partons]
        for partons in (
            [boosted(hard.momenta[:, k], frame) for k in (2, 3)],
            [boosted(jets[:, k], frame) for k in (0, 1)],
        )
    ]
    old, new = units
    # the first pair may come from either gluon
    same = np.sum(old[0] * new[0], axis=1)
    assert np.abs(same) == pytest.approx(1.0, abs=1e-6)
    assert 0.3 < np.mean(same > 0) < 0.9
    assert np.sum(new[0] * new[1], axis=1) == pytest.approx(-1.0, abs=1e-6)


def test_quark_takes_its_share_of_the_light_cone_momentum(made) -> None:
    pairs, _, events = made
    for k in range(len(quarks_of(pairs))):
        quark, antiquark = (events.momenta[:, 2 + 2 * k + n] for n in (0, 1))
        gluon = quark + antiquark
        axis = gluon[:, :3] / np.linalg.norm(gluon[:, :3], axis=1)[:, None]
        plus = [p[:, 3] + np.sum(p[:, :3] * axis, axis=1) for p in (quark, gluon)]
        assert plus[0] / plus[1] == pytest.approx(events.z[:, k], abs=1e-6)


def test_colour_lines_close(made) -> None:
    """Each tag starts once and ends once, incoming partons crossed."""
    _, _, events = made
    for colours in events.colours:
        starts = sorted(tag for tag in (*colours[:2, 1], *colours[2:, 0]) if tag)
        ends = sorted(tag for tag in (*colours[:2, 0], *colours[2:, 1]) if tag)
        assert starts == ends
        assert len(set(starts)) == len(starts) >= 3


def test_partons_have_the_colours_of_their_kind(made) -> None:
    _, _, events = made
    has = events.colours > 0
    assert (has[events.ids == 21]).all()
    quarks, antiquarks = (sign * events.ids for sign in (1, -1))
    for ids, place in ((quarks, 0), (antiquarks, 1)):
        found = has[(ids > 0) & (ids < 7)]
        assert found[:, place].all()
        assert not found[:, 1 - place].any()


def test_flavours_balance(made) -> None:
    _, _, events = made
    for row in events.ids:
        sums: Counter[int] = Counter()
        for k, code in enumerate(row.tolist()):
            if code != 21:
                sums[abs(code)] += (1 if code > 0 else -1) * (-1 if k < 2 else 1)
        assert not any(sums.values())


def expected_mean(hard: HardProcesses, quarks: tuple[int, ...], masses: tuple[float, float]):
    """Return the probability of such pairs: the sum over all different assignments to gluons."""
    gluons = [k for k in (2, 3) if hard.ids[0, k] == 21]
    dipoles = {k: dipole_masses2(hard.momenta, hard.colours, k)[0] for k in gluons}
    chance = {(k, q): probability(q, masses, dipoles[k]) for k in gluons for q in set(quarks)}
    if len(quarks) == 1:
        return sum(chance[k, quarks[0]] for k in gluons)
    if len(gluons) < 2:
        return 0.0
    ways = {quarks, quarks[::-1]}
    return sum(chance[2, first] * chance[3, second] for first, second in ways)


@pytest.mark.parametrize("pairs", ALL_PAIRS)
@pytest.mark.parametrize(
    ("flow", "cosine"), [("annihilation", 0.3), ("exchange", 0.8), ("compton", -0.5)]
)
def test_mean_weight_is_the_integral_of_the_density(pairs: str, flow: str, cosine: float) -> None:
    hard = by_hand(flow, 40_000, cosine=cosine)
    masses = (30.0, 250.0)
    events = force(hard, quarks_of(pairs), masses, np.random.default_rng(7))
    expected = expected_mean(hard, quarks_of(pairs), masses)
    error = events.weight.std() / np.sqrt(len(events))
    assert error <= 0.015 * expected
    assert events.weight.mean() == pytest.approx(expected, abs=4 * error)


@pytest.mark.parametrize("pairs", ["bb", "bb+bb", "bb+cc"])
def test_mean_weight_has_a_closed_form_without_running_and_suppression(
    pairs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Per gluon: α_s/2π ∫ ½ [..] dz d ln m² = α_s/2π · (2/3 + ...)/2 · ln(m₂²/m₁²) for m ≫ m_Q."""
    monkeypatch.setattr("analysis.simulation.splitting.alpha_s", lambda _: 0.1)
    monkeypatch.setattr("analysis.simulation.splitting.no_emission", lambda *_: 1.0)
    hard = by_hand("exchange", 40_000, energy=1e5)
    quarks, (low, high) = quarks_of(pairs), (150.0, 450.0)
    events = force(hard, quarks, (low, high), np.random.default_rng(2))
    # up to (m_Q/m)⁴ and (m²/ŝ): ∫ kernel dz = 1/3 (1 + …) has no term in m_Q²/m²
    once = 0.1 / (2 * np.pi) / 3 * np.log(high**2 / low**2)
    expected = {"bb": 2 * once, "bb+bb": once**2, "bb+cc": 2 * once**2}[pairs]
    error = events.weight.std() / np.sqrt(len(events))
    assert error < 0.01 * expected
    assert events.weight.mean() == pytest.approx(expected, abs=4 * error + 2e-3 * expected)


def test_pairs_heavier_than_the_energy_have_no_weight() -> None:
    hard = by_hand("exchange", 500, energy=420.0)
    events = force(hard, (5, 5), (150.0, 290.0), np.random.default_rng(3))
    heavy = events.pair_masses.sum(axis=1) >= 420.0
    assert 0.2 < heavy.mean() < 0.8
    assert (events.weight[heavy] == 0).all()
    assert np.isfinite(events.momenta).all()


def features(events: ForcedEvents) -> np.ndarray:
    """Return means of these tell distributions: ln m, z (1−z), m̂, pT and Δy, [N, 5]."""
    energy = np.sqrt(mass2(events.momenta[:, 0] + events.momenta[:, 1]))
    jets = events.jets
    y = np.arctanh(jets[..., 2] / jets[..., 3])
    pt = np.hypot(jets[:, 0, 0], jets[:, 0, 1])
    first, z = events.pair_masses[:, 0], events.z
    return np.stack(
        [np.log(first), (z * (1 - z)).mean(axis=1), np.log(energy), pt, np.abs(y[:, 0] - y[:, 1])],
        axis=1,
    )


def mean_and_error(events: ForcedEvents) -> tuple[np.ndarray, np.ndarray]:
    """Return weighted means and their errors; tries with one hard process count as one."""
    values, weight = features(events), events.weight
    mean = np.average(values, weights=weight, axis=0)
    off = weight[:, None] * (values - mean)
    grouped = np.stack([np.bincount(events.place // TRIES, column) for column in off.T])
    return mean, np.sqrt((grouped**2).sum(axis=1)) / weight.sum()


def blocks(aim: Importance | None, number: int, seed: int, pairs: str) -> ForcedEvents:
    block = sample(pairs)
    pythia = start(block, seed, STOP)
    assert pythia.init()
    assert block.heavy_flavour is not None
    source = ForcedSource(pythia, block.heavy_flavour, aim, seed)
    parts = [source.block() for _ in range(number)]
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return ForcedEvents(*map(np.concatenate, columns))


@pytest.mark.parametrize("pairs", ["bb+bb", "bb"])
def test_thinning_changes_no_distribution(pairs: str) -> None:
    """Thinned and not, means agree in the region that is aimed at and everywhere."""
    plain, thinned = blocks(None, 6, 3, pairs), blocks(AIM, 12, 4, pairs)
    assert len(thinned) / 12 < len(plain) / 6 / 4
    for low, high in ((400.0, 1e5), (700.0, 1800.0)):
        chosen = []
        for events in (plain, thinned):
            energy = np.sqrt(mass2(events.momenta[:, 0] + events.momenta[:, 1]))
            chosen.append(events.select((energy > low) & (energy < high)))
        sums = [events.weight.sum() / n for events, n in zip(chosen, (6, 12), strict=True)]
        errors = [
            np.sqrt(np.sum(np.bincount(events.place // TRIES, events.weight) ** 2)) / n
            for events, n in zip(chosen, (6, 12), strict=True)
        ]
        assert sums[0] == pytest.approx(sums[1], abs=4 * np.hypot(*errors))
        (mean, error), (other, other_error) = map(mean_and_error, chosen)
        assert (np.abs(mean - other) < 4.5 * np.hypot(error, other_error)).all()


def test_thinned_events_are_worth_the_same_or_more() -> None:
    """What is below the threshold is raised to it, what is above keeps its weight."""
    events = blocks(AIM, 3, 5, "bb+bb")
    energy = np.sqrt(mass2(events.momenta[:, 0] + events.momenta[:, 1]))
    jets = events.jets
    pt, y = np.hypot(jets[..., 0], jets[..., 1]), np.arctanh(jets[..., 2] / jets[..., 3])
    masses = np.array(AIM.masses_gev)
    variables = hard_variables(events.pair_masses, events.z, energy, pt, y, masses)
    value = events.weight * worth("hard_2", variables, AT_HARD_PROCESS.accepted(pt, y), AIM)
    at_threshold = np.isclose(value, value.min(), rtol=1e-9)
    assert 0.3 < at_threshold.mean() < 1
    assert value.max() > 1.001 * value.min()


@pytest.mark.parametrize("proposal", [(15.0, 500.0), (55.0, 200.0)])
def test_range_of_the_proposal_changes_no_distribution(proposal: tuple[float, float]) -> None:
    """Restricted to masses that both hold, the events of two ranges agree."""
    hard = from_pythia(sample("bb+cc"), 2000, seed=9).repeated(10)
    found, sums = [], []
    for k, masses in enumerate(((60.0, 150.0), proposal)):
        events = force(hard, (5, 4), masses, np.random.default_rng(k))
        inside = ((events.pair_masses > 60) & (events.pair_masses < 150)).all(axis=1)
        assert (inside.mean() < 0.9) == bool(k)
        events = events.select(inside & (events.weight > 0))
        found.append(mean_and_error(events))
        spread = np.sqrt(np.sum(np.bincount(events.place // TRIES, events.weight) ** 2))
        sums.append((events.weight.sum(), spread))
    (mean, error), (other, other_error) = found
    assert (np.abs(mean - other) < 4 * np.hypot(error, other_error)).all()
    (total, spread), (other_total, other_spread) = sums
    assert total == pytest.approx(other_total, abs=4 * np.hypot(spread, other_spread))


def test_tries_are_numbered_over_blocks_and_find_their_hard_process() -> None:
    block = sample("bb")
    pythia = start(block, 6, STOP)
    assert pythia.init()
    assert block.heavy_flavour is not None
    source = ForcedSource(pythia, block.heavy_flavour, None, 6)
    parts = [source.block() for _ in range(2)]
    place = np.concatenate([part.place for part in parts])
    energy = np.concatenate([part.momenta[:, :2, 3].sum(axis=1) for part in parts])
    assert (np.diff(place) > 0).all()
    assert parts[0].place.max() < TRIES * len(source.drawn[0]) <= parts[1].place.min()
    # tries with one hard process have its energy
    hard, first, inverse = np.unique(place // TRIES, return_index=True, return_inverse=True)
    assert len(np.unique(energy[first])) == len(hard) > 2000
    assert np.array_equal(energy, energy[first][inverse])


@pytest.mark.parametrize("cut", [0, 1, 9, 10, 4321, 19_999, 20_000, 25_000])
def test_weights_drawn_add_up_wherever_they_are_cut(cut: int) -> None:
    block = sample("bb+bb")
    pythia = start(block, 6, STOP)
    assert pythia.init()
    assert block.heavy_flavour is not None
    source = ForcedSource(pythia, block.heavy_flavour, None, 6)
    for _ in range(2):
        source.block()
    end = TRIES * sum(map(len, source.drawn))
    total = np.concatenate(source.drawn).sum()
    parts = source.drawn_between(0, cut), source.drawn_between(cut, end)
    assert sum(part.sum() for part in parts) == pytest.approx(total)
    assert len(parts[0]) == -(-cut // TRIES)
    assert len(parts[1]) == (end - cut + TRIES - 1) // TRIES


def test_bottom_and_charm_have_pythia_s_masses() -> None:
    data = start(sample("bb"), 1).particleData
    for code, mass in QUARK_MASS.items():
        assert data.m0(code) == mass
