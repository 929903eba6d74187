"""Splittings of gluons: probabilities against quadrature and Pythia, kinematics by conservation."""

import numpy as np
import pytest
import pythia8mc
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from analysis.simulation.splitting import (
    QUARK_MASS,
    alpha_s,
    asymmetry,
    azimuths,
    boosted,
    dipole_masses2,
    integrated_kernel,
    kernel,
    mass2,
    no_emission,
    split,
    splitting_density,
    velocity,
    with_masses,
)
from tests.analysis.simulation.hard_events import ANNIHILATION, COMPTON, EXCHANGE, by_hand

quarks = st.sampled_from(sorted(QUARK_MASS))
masses = st.floats(min_value=11.0, max_value=400.0)
fractions = st.floats(min_value=0.0, max_value=1.0)
directions = st.tuples(*[st.floats(min_value=-1.0, max_value=1.0)] * 3).filter(
    lambda d: sum(x * x for x in d) > 0.01
)


def gluon_of(direction: tuple[float, float, float], momentum: float, mass: float) -> np.ndarray:
    unit = np.array(direction) / np.linalg.norm(direction)
    return np.array([[*(momentum * unit), np.hypot(momentum, mass)]])


def inside(fraction: float, mass: float, quark_mass: float) -> float:
    """Return the z at this fraction of the way between its ends."""
    return 0.5 + float(velocity(np.array(mass), quark_mass)) * (fraction - 0.5)


@given(mass=masses, quark=quarks)
def test_integral_of_the_kernel_is_its_closed_form(mass: float, quark: int) -> None:
    quark_mass = QUARK_MASS[quark]
    ends = [inside(end, mass, quark_mass) for end in (0.0, 1.0)]
    found, _ = integrate.quad(lambda z: float(kernel(np.array(mass), z, quark_mass)), *ends)
    assert float(integrated_kernel(np.array(mass), quark_mass)) == pytest.approx(found, rel=1e-8)


def test_coupling_is_that_of_pythia_s_shower() -> None:
    pythia = pythia8mc.AlphaStrong()
    pythia.init(0.1365, 1, 5, False)
    for scale2 in (25.0, 100.0, 1e4, 1e6):
        assert float(alpha_s(np.array(scale2))) == pytest.approx(pythia.alphaS(scale2), rel=1e-3)


@given(mass=masses, fraction=fractions, quark=quarks)
def test_density_is_symmetric_and_less_the_more_it_is_suppressed(
    mass: float, fraction: float, quark: int
) -> None:
    quark_mass = QUARK_MASS[quark]
    z = inside(fraction, mass, quark_mass)
    tall = np.array([mass, mass])
    both = np.array([z, 1 - z])
    wide, narrow = (
        splitting_density(tall, both, quark_mass, np.full((2, 2), factor * mass**2))
        for factor in (100.0, 2.0)
    )
    closed = splitting_density(tall, both, quark_mass, np.full((2, 2), 0.9 * mass**2))
    one = splitting_density(tall, both, quark_mass, np.tile([100 * mass**2, 0.9 * mass**2], (2, 1)))
    assert wide[0] == pytest.approx(wide[1], rel=1e-6)
    assert narrow == pytest.approx(wide * (0.5 / 0.99) ** 3)
    assert one == pytest.approx(wide / 2)
    assert (closed == 0).all()


@given(mass=masses, fraction=st.floats(min_value=0.01, max_value=0.5))
def test_uneven_sharing_leaves_more_room_for_an_earlier_emission(
    mass: float, fraction: float
) -> None:
    even, uneven = no_emission(np.full(2, mass), np.array([0.5, 0.5 * fraction]))
    assert 0 < uneven < even < 1


@given(
    direction=directions, momentum=st.floats(50.0, 3000.0), mass=masses, fraction=fractions,
    azimuth=st.floats(0.0, 2 * np.pi), quark=quarks,
)  # fmt: skip
def test_split_keeps_momentum_masses_and_the_light_cone_share(
    direction: tuple[float, float, float],
    momentum: float,
    mass: float,
    fraction: float,
    azimuth: float,
    quark: int,
) -> None:
    gluon, quark_mass = gluon_of(direction, momentum, mass), QUARK_MASS[quark]
    z = inside(fraction, mass, quark_mass)
    pair = split(gluon, np.array([mass]), np.array([z]), np.array([azimuth]), quark_mass)
    precision = 1e-11 * gluon[0, 3] ** 2 + 1e-9
    assert sum(pair) == pytest.approx(gluon, abs=1e-9 * gluon[0, 3])
    for parton in pair:
        assert mass2(parton)[0] == pytest.approx(quark_mass**2, abs=precision)
    axis = gluon[0, :3] / np.linalg.norm(gluon[0, :3])
    shares = [(parton[0, 3] + parton[0, :3] @ axis) for parton in (pair[0], gluon)]
    assert shares[0] / shares[1] == pytest.approx(z, abs=1e-9)


def test_azimuth_turns_the_pair_about_the_gluon() -> None:
    gluon = np.repeat(gluon_of((0.3, -0.2, 0.9), 400.0, 60.0), 3, axis=0)
    azimuth = np.array([0.0, np.pi / 2, np.pi])
    quark, _ = split(gluon, np.full(3, 60.0), np.full(3, 0.4), azimuth, 4.8)
    axis = gluon[0, :3] / np.linalg.norm(gluon[0, :3])
    across = quark[:, :3] - (quark[:, :3] @ axis)[:, None] * axis
    size = np.linalg.norm(across, axis=1)
    assert size == pytest.approx(size[0])
    assert across[0] @ across[1] == pytest.approx(0.0, abs=1e-8 * size[0] ** 2)
    assert across[0] == pytest.approx(-across[2])


@given(
    first=directions, second=directions, energy=st.floats(200.0, 2000.0),
    share=st.tuples(st.floats(0.0, 0.45), st.floats(0.0, 0.45)),
)  # fmt: skip
def test_new_masses_keep_the_sum_and_the_directions_in_its_frame(
    first: tuple[float, float, float],
    second: tuple[float, float, float],
    energy: float,
    share: tuple[float, float],
) -> None:
    before = [gluon_of(d, p, 0.0) for d, p in ((first, energy), (second, energy / 3))]
    total = sum(before)
    s = mass2(total)
    if s[0] < (0.05 * energy) ** 2:  # nearly collinear: no centre-of-mass frame to speak of
        return
    new = np.array([share]) * np.sqrt(s)[:, None]
    after = with_masses(*before, new)
    assert sum(after) == pytest.approx(total, abs=1e-8 * energy)
    frame = -total[:, :3] / total[:, 3:]
    for old, made, mass in zip(before, after, new[0], strict=True):
        assert mass2(made)[0] == pytest.approx(mass**2, abs=1e-8 * energy**2)
        rest = [boosted(parton, frame)[0, :3] for parton in (old, made)]
        unit = [vector / np.linalg.norm(vector) for vector in rest]
        assert unit[1] == pytest.approx(unit[0], abs=1e-5)


@given(direction=directions, speed=st.floats(0.0, 0.99), mass=masses)
def test_boost_and_back(direction: tuple[float, float, float], speed: float, mass: float) -> None:
    momentum = gluon_of((0.1, 0.7, -0.4), 300.0, mass)
    by = speed * np.array([direction]) / np.linalg.norm(direction)
    there = boosted(momentum, by)
    assert mass2(there)[0] == pytest.approx(mass**2, rel=1e-6, abs=1e-9 * there[0, 3] ** 2)
    assert boosted(there, -by) == pytest.approx(momentum, rel=1e-8, abs=1e-8)
    at_rest = boosted(np.array([[0.0, 0.0, 0.0, mass]]), by)
    assert at_rest[0, :3] / at_rest[0, 3] == pytest.approx(by[0], abs=1e-12)


@pytest.mark.parametrize(
    ("flow", "parton", "partners"),
    [
        # where the lines at its colour and at its anticolour end
        ("annihilation", 2, (0, 3)),
        ("annihilation", 3, (2, 1)),
        ("exchange", 2, (0, 1)),
        ("exchange", 3, (1, 0)),
        ("compton", 3, (1, 2)),
    ],
)
def test_dipoles_end_where_the_colour_lines_end(
    flow: str, parton: int, partners: tuple[int, int]
) -> None:
    hard = by_hand(flow, 2)
    assert {"annihilation": ANNIHILATION, "exchange": EXCHANGE, "compton": COMPTON}[flow] == tuple(
        map(tuple, hard.colours[0].tolist())
    )
    found = dipole_masses2(hard.momenta, hard.colours, parton)
    momenta = hard.momenta[0]
    signs = [-1 if partner < 2 else 1 for partner in partners]
    expected = [
        abs(mass2(momenta[parton] + sign * momenta[partner]))
        for sign, partner in zip(signs, partners, strict=True)
    ]
    assert found == pytest.approx(np.tile(expected, (2, 1)))
    assert expected[0] != pytest.approx(expected[1])


def test_azimuth_has_the_asymmetry_of_polarised_gluons() -> None:
    rng = np.random.default_rng(5)
    for amplitude in (-0.6, 0.0, 0.3):
        phi = azimuths(np.full(40_000, amplitude), rng)
        assert np.mean(np.cos(2 * phi)) == pytest.approx(amplitude / 2, abs=0.02)
        assert np.mean(np.sin(2 * phi)) == pytest.approx(0, abs=0.02)
        assert np.mean(np.cos(phi)) == pytest.approx(0, abs=0.02)


def test_pairs_of_gluons_split_across_the_plane_with_the_beam() -> None:
    z = np.array([0.1, 0.5, 0.9])
    gluons, quarks, mixed = ([code] * 3 for code in ([21, 21], [2, -2], [21, 2]))
    found = [asymmetry(z, np.array(incoming)) for incoming in (gluons, quarks, mixed)]
    assert (found[0] < 0).all()
    assert (found[1] < found[0]).all()
    assert (found[2] == 0).all()
    np.testing.assert_allclose(found[0], found[0][::-1])
    axis = np.array([[0.6, 0.0, 0.8], [0.0, 0.1, -0.995]])
    axis /= np.linalg.norm(axis, axis=1)[:, None]
    gluon = np.column_stack([500 * axis, np.hypot(500, 100) * np.ones(2)])
    mass, half = np.full(2, 100.0), np.full(2, 0.5)
    for azimuth, inside in ((0.0, True), (np.pi / 2, False)):
        quark, _ = split(gluon, mass, half, np.full(2, azimuth), 4.8)
        normal = np.cross([0.0, 0.0, 1.0], axis)
        across = np.abs(np.sum(quark[:, :3] * normal, axis=1))
        assert (across < 1e-9).all() == inside
