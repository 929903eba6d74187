"""Gluon splitting g → QQ̄ of hard gluons: probability and kinematics, for N events at once.

The leading-log branching probability of Pythia's final-state shower (Norrbin and Sjöstrand,
hep-ph/0010012, and the manual's `TimeShower:weightGluonToQuark = 4`), with the probability that
nothing inside the opening angle of the pair was emitted before it. Four-momenta are [..., 4]:
(px, py, pz, E) in GeV.
"""

import numpy as np
from numpy.typing import NDArray

from analysis.detector.particles import Floats

Z_MASS = 91.188
ALPHA_S_Z = 0.1365
"""α_s(m_Z) of Pythia's final-state shower, which runs at one loop."""
FLAVOURS = 5
COLOURS = 3.0
HARD_COLLINEAR = 11 / 12
"""−B_g of g → gg: the constant that goes with its logarithm."""
QUARK_MASS = {5: 4.8, 4: 1.5}
"""Quark masses of Pythia [GeV] by PDG code."""
ALONG_BEAM = 1 - 1e-9
"""cos ϑ from which there is no plane with the beam."""
UNDISTURBED = 0.7
"""Share of the polarisation that the shower's pairs have (`benchmarks/pair_radiation.py`)."""
GLUON = 21
SMALLEST_SCALE2 = 1.0
"""μ² below which α_s is frozen [GeV²]."""


def alpha_s(scale2: Floats) -> Floats:
    """Return the one-loop strong coupling at μ² [GeV²].

    Examples
    --------
    >>> float(alpha_s(np.array(91.188**2)).round(4))
    0.1365
    """
    inverse = 1 / ALPHA_S_Z + (33 - 2 * FLAVOURS) / (12 * np.pi) * np.log(
        np.maximum(scale2, SMALLEST_SCALE2) / Z_MASS**2
    )
    return np.asarray(1 / inverse)


def velocity(mass: Floats, quark_mass: float) -> Floats:
    """Return β of the quarks in the rest frame of a pair of this mass [GeV].

    Examples
    --------
    >>> float(velocity(np.array(10.0), 4.0).round(6))
    0.6
    """
    return np.asarray(np.sqrt(1 - 4 * quark_mass**2 / mass**2))


def kernel(mass: Floats, z: Floats, quark_mass: float) -> Floats:
    """Return ½ [z² + (1−z)² + 8 r z (1−z)] with r = m_Q²/m².

    Examples
    --------
    >>> float(kernel(np.array(1e6), np.array(0.5), 4.8).round(6))  # ½ (¼ + ¼), massless
    0.25
    """
    ratio = (quark_mass / mass) ** 2
    return np.asarray(0.5 * (z**2 + (1 - z) ** 2 + 8 * ratio * z * (1 - z)))


def integrated_kernel(mass: Floats, quark_mass: float) -> Floats:
    """Return the integral of `kernel` over all z: β/2 · [½(1 + β²/3) + 2r(1 − β²/3)].

    With z = (1 + β c)/2: z² + (1−z)² = (1 + β²c²)/2 and z (1−z) = (1 − β²c²)/4.

    Examples
    --------
    >>> float(integrated_kernel(np.array(1e6), 4.8).round(6))
    0.333333
    """
    beta = velocity(mass, quark_mass)
    ratio = (quark_mass / mass) ** 2
    return np.asarray(0.5 * beta * (0.5 * (1 + beta**2 / 3) + 2 * ratio * (1 - beta**2 / 3)))


def no_emission(mass: Floats, z: Floats) -> Floats:
    """Return the probability that no gluon was emitted inside the pair's angle before the pair.

    A splitting of relative transverse momentum k = √(z(1−z)) m opens an angle that corresponds to
    k / (z(1−z)). Emissions between the two, harder and more collinear than the pair, come before
    it in a shower ordered in transverse momentum, and leave no gluon that could open so wide:
    Δ = exp{−(C_A α_s/π) [ln 1/(z(1−z)) − 11/12]²} where the bracket is positive.

    Examples
    --------
    >>> mass = np.array(2 * Z_MASS)  # α_s at μ = m/2 = m_Z: exp{−(3 · 0.1365/π) (ln 4 − 11/12)²}
    >>> float(no_emission(mass, np.array(0.5)).round(4))
    0.9717
    """
    width = z * (1 - z)
    logarithm = np.maximum(-np.log(width) - HARD_COLLINEAR, 0.0)
    return np.asarray(np.exp(-COLOURS * alpha_s(width * mass**2) / np.pi * logarithm**2))


def splitting_density(mass: Floats, z: Floats, quark_mass: float, dipole_masses2: Floats) -> Floats:
    """Return dP / (dz d ln m²) of g → QQ̄.

    Parameters
    ----------
    mass : [N]
        Mass of the pair [GeV].
    z : [N]
        Share of the momentum that the quark takes, between (1−β)/2 and (1+β)/2.
    quark_mass : float
        [GeV]
    dipole_masses2 : [N, 2]
        Squared masses of the two colour dipoles that the gluon belongs to [GeV²].

    Returns
    -------
    [N]
        α_s(z(1−z)m²)/2π · kernel · Δ · mean over the dipoles of (1 − m²/m_dipole²)³.
    """
    allowed = np.maximum(1 - mass[:, None] ** 2 / dipole_masses2, 0.0) ** 3
    coupling = alpha_s(z * (1 - z) * mass**2) / (2 * np.pi)
    return np.asarray(
        coupling * kernel(mass, z, quark_mass) * no_emission(mass, z) * allowed.mean(axis=1)
    )


def asymmetry(z: Floats, incoming: NDArray[np.int64]) -> Floats:
    """Return a of the azimuth of a pair, 1 + a cos 2φ, φ from the plane of gluon and beam.

    Hard processes polarise gluons in their plane, and polarised gluons split across it: as in
    Pythia's shower (`TimeShower:phiPolAsym`), a = −p · 2z(1−z) / [1 − 2z(1−z)] with p = 4/9 for gg
    and 4/5 for qq̄ that come in, z = ½ in the process; none for qg. It is the `UNDISTURBED` share of
    that, since a gluon that emitted another before has lost the plane.

    Parameters
    ----------
    z : [N]
        Share of the momentum that the quark takes.
    incoming : [N, 2] int
        PDG codes of the partons that come in.

    Examples
    --------
    >>> asymmetry(np.array([0.5]), np.array([[21, 21]])).round(3).tolist()
    [-0.311]
    """
    gluons = (incoming == GLUON).sum(axis=1)
    produced = np.choose(gluons, (4 / 5, 0.0, 4 / 9))
    width = 2 * z * (1 - z)
    return np.asarray(-UNDISTURBED * produced * width / (1 - width))


def azimuths(amplitude: Floats, rng: np.random.Generator) -> Floats:
    """Draw φ from 1 + a cos 2φ, for each a of an array.

    A φ that is refused gives way to the one at a right angle, whose chance is what it lacks.
    """
    phi = 2 * np.pi * rng.random(amplitude.shape)
    refused = 2 * rng.random(amplitude.shape) > 1 + amplitude * np.cos(2 * phi)
    return np.asarray(phi + np.where(refused, np.pi / 2, 0.0))


def mass2(momentum: Floats) -> Floats:
    """Return E² − p² of four-momenta [..., 4].

    Examples
    --------
    >>> float(mass2(np.array([3.0, 4.0, 0.0, 13.0])))
    144.0
    """
    return np.asarray(momentum[..., 3] ** 2 - np.sum(momentum[..., :3] ** 2, axis=-1))


def boosted(momentum: Floats, velocity: Floats) -> Floats:
    """Return four-momenta [N, 4] in a frame in which theirs moves with `velocity` [N, 3].

    Examples
    --------
    >>> boosted(np.array([[0.0, 0.0, 0.0, 1.0]]), np.array([[0.0, 0.0, 0.6]])).round(6).tolist()
    [[0.0, 0.0, 0.75, 1.25]]
    """
    squared = np.sum(velocity**2, axis=1)
    gamma = 1 / np.sqrt(1 - squared)
    along = np.sum(velocity * momentum[:, :3], axis=1)
    factor = np.divide(gamma - 1, squared, out=np.full_like(squared, 0.5), where=squared > 1e-12)
    space = momentum[:, :3] + (factor * along + gamma * momentum[:, 3])[:, None] * velocity
    return np.column_stack([space, gamma * (momentum[:, 3] + along)])


def with_masses(first: Floats, second: Floats, masses: Floats) -> tuple[Floats, Floats]:
    """Return two partons with masses, their sum and their directions in its rest frame kept.

    Parameters
    ----------
    first, second : [N, 4]
    masses : [N, 2]
        New masses, together less than that of the sum [GeV].
    """
    total = first + second
    frame = total[:, :3] / total[:, 3:]
    axis = boosted(first, -frame)[:, :3]
    axis /= np.linalg.norm(axis, axis=1)[:, None]
    s, (a, b) = mass2(total), masses.T**2
    momentum = np.sqrt(s**2 + a**2 + b**2 - 2 * (s * a + a * b + b * s)) / (2 * np.sqrt(s))
    pair = [
        np.column_stack([sign * momentum[:, None] * axis, np.sqrt(momentum**2 + square)])
        for sign, square in ((1, a), (-1, b))
    ]
    return boosted(pair[0], frame), boosted(pair[1], frame)


def split(
    gluon: Floats, mass: Floats, z: Floats, azimuth: Floats, quark_mass: float
) -> tuple[Floats, Floats]:
    """Return quark and antiquark [N, 4] of massive gluons [N, 4].

    In the rest frame of the pair the quark has the polar angle cos ϑ = (2z − 1)/β to the
    gluon's direction, so that z is its share of the light-cone momentum. The azimuth is that from
    the plane of gluon and beam.
    """
    beta = velocity(mass, quark_mass)
    cosine = np.clip((2 * z - 1) / beta, -1, 1)
    axis = gluon[:, :3] / np.linalg.norm(gluon[:, :3], axis=1)[:, None]
    direction = _around(axis, cosine, azimuth)
    momentum = (beta * mass / 2)[:, None] * direction
    energy = mass[:, None] / 2
    frame = gluon[:, :3] / gluon[:, 3:]
    quark, antiquark = (np.hstack([sign * momentum, energy]) for sign in (1, -1))
    return boosted(quark, frame), boosted(antiquark, frame)


def _around(axis: Floats, cosine: Floats, azimuth: Floats) -> Floats:
    """Return unit vectors [N, 3] at polar angle and azimuth about unit vectors [N, 3].

    The azimuth is that from the plane of these and the z axis.
    """
    helper = np.where(np.abs(axis[:, 2:]) < ALONG_BEAM, (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    normal = np.cross(helper, axis)
    normal /= np.linalg.norm(normal, axis=1)[:, None]
    within = np.cross(axis, normal)
    sine = np.sqrt(1 - cosine**2)
    across = np.cos(azimuth)[:, None] * within + np.sin(azimuth)[:, None] * normal
    return np.asarray(cosine[:, None] * axis + sine[:, None] * across)


def dipole_masses2(momenta: Floats, colours: NDArray[np.int64], parton: int) -> Floats:
    """Return the squared masses of the dipoles at the two colours of an outgoing gluon, [N, 2].

    Parameters
    ----------
    momenta : [N, 4, 4]
        Incoming, incoming, outgoing, outgoing partons.
    colours : [N, 4, 2]
        Colour and anticolour of each: lines that run through the hard process.
    parton : int
        2 or 3.
    """
    result = np.zeros((len(momenta), 2))
    for end in (0, 1):
        line = colours[:, parton, end]
        for other in {0, 1, 2, 3} - {parton}:
            # a line joins colour to anticolour of outgoing partons, and to colour of incoming ones
            matches = colours[:, other, end if other < 2 else 1 - end] == line
            products = momenta[:, parton, 3] * momenta[:, other, 3] - np.sum(
                momenta[:, parton, :3] * momenta[:, other, :3], axis=1
            )
            result[:, end] = np.where(matches, 2 * np.abs(products), result[:, end])
    return result
