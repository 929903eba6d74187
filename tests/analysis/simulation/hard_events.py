"""Hard processes by hand and from Pythia, for the tests of forced splittings."""

import numpy as np

from analysis.config.simulation import Simulation
from analysis.simulation.hard_process import STOP, HardProcesses, draw
from analysis.simulation.pythia import start
from analysis.simulation.splitting import QUARK_MASS, splitting_density, velocity

ANNIHILATION = ((1, 2), (2, 3), (1, 4), (4, 3))
"""Colours and anticolours of gg → gg in which a line of the incoming gluons ends in both."""
EXCHANGE = ((1, 2), (3, 4), (1, 4), (3, 2))
"""The same where all four lines run from incoming to outgoing gluons."""
COMPTON = ((1, 0), (2, 1), (3, 0), (2, 3))
"""Of qg → qg."""
FLOWS = {
    "annihilation": ((21, 21, 21, 21), ANNIHILATION),
    "exchange": ((21, 21, 21, 21), EXCHANGE),
    "compton": ((1, 21, 1, 21), COMPTON),
}


def by_hand(
    flow: str, number: int, energy: float = 900.0, cosine: float = 0.3, boost: float = 0.4
) -> HardProcesses:
    """Return the same massless 2 → 2 process `number` times."""
    ids, colours = FLOWS[flow]
    sine = np.sqrt(1 - cosine**2)
    axis = np.array([sine * 0.6, sine * 0.8, cosine])
    beam = np.array([0.0, 0.0, 1.0])
    momenta = np.array([[*d, 1.0] for d in (beam, -beam, axis, -axis)]) * energy / 2
    gamma = 1 / np.sqrt(1 - boost**2)
    pz, e = momenta[:, 2].copy(), momenta[:, 3].copy()
    momenta[:, 2], momenta[:, 3] = gamma * (pz + boost * e), gamma * (e + boost * pz)
    columns = momenta, np.array(ids), np.array(colours), np.array(energy / 3), np.array(1.0)
    return HardProcesses(*(np.repeat(column[None], number, axis=0) for column in columns))


def from_pythia(simulation: Simulation, number: int, seed: int = 3) -> HardProcesses:
    """Return hard processes of a sample."""
    pythia = start(simulation, seed, STOP)
    assert pythia.init()
    return draw(pythia, number)[0]


def probability(quark: int, masses: tuple[float, float], dipoles: np.ndarray) -> float:
    """Return the integral of the density of splittings over z and ln m² by quadrature."""
    quark_mass = QUARK_MASS[quark]
    nodes, shares = np.polynomial.legendre.leggauss(80)
    low, high = np.log(masses)
    mass = np.exp(0.5 * (high + low + (high - low) * nodes))
    beta = velocity(mass, quark_mass)
    z = 0.5 * (1 + beta[:, None] * nodes)
    m = np.repeat(mass, len(nodes))
    density = splitting_density(m, z.ravel(), quark_mass, np.tile(dipoles, (len(m), 1)))
    over_z = 0.5 * beta * (density.reshape(z.shape) @ shares)
    return float((high - low) * (over_z @ shares))
