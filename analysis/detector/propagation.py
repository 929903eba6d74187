"""Flight of particles through the solenoid: to the face of the calorimeters, past the beam line."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.detector.particles import Floats, Particles, pseudorapidity
from common.angles import wrap

LIGHT = 0.299792458
"""Speed of light [m/ns]; also pT[GeV] = 0.2998 · B[T] · r[m] for unit charge."""


@dataclass(frozen=True)
class Propagated:
    """Particles at the surface of a cylinder; arrays of K.

    Attributes
    ----------
    source : int64
        Entry of each among the particles that were propagated.
    eta, phi : float64
        Direction of the point of exit, seen from the origin: where the calorimeter is hit.
    direction_eta, direction_phi : float64
        Direction of the momentum at the closest approach to the beam line.
    """

    source: NDArray[np.int64]
    eta: Floats
    phi: Floats
    direction_eta: Floats
    direction_phi: Floats


@dataclass(frozen=True)
class Cylinder:
    """A cylinder about the beam: radius and half length [m], in a field along z [T]."""

    radius: float
    half_length: float
    field: float


def propagate(stable: Particles, cylinder: Cylinder) -> Propagated:
    """Return the stable particles where they leave a cylinder.

    Neutral particles fly straight, charged ones on a helix of radius r = pT/(0.2998 q B) (Delphes,
    arXiv:1307.6346, section 2.2). Particles born outside, or along the beam, are left
    out.

    Parameters
    ----------
    stable : Particles
        Stable particles only.
    cylinder : Cylinder
        The surface to which the particles fly.
    """
    x, y, z = stable.x * 1e-3, stable.y * 1e-3, stable.z * 1e-3
    inside = (np.hypot(x, y) <= cylinder.radius) & (np.abs(z) <= cylinder.half_length)
    source = np.flatnonzero(inside & (stable.pt > 10**-4.5))
    bent = (stable.charge[source] != 0) & (cylinder.field > 0)
    exits = np.empty((3, len(source)))
    directions = np.array([stable.eta[source], stable.phi[source]])
    exits[:, ~bent] = _straight(stable, source[~bent], cylinder)
    exits[:, bent], directions[1, bent] = _helix(stable, source[bent], cylinder)
    return Propagated(
        source=source,
        eta=pseudorapidity(np.hypot(exits[0], exits[1]), exits[2]),
        phi=np.arctan2(exits[1], exits[0]),
        direction_eta=directions[0],
        direction_phi=directions[1],
    )


def _time_to_endcap(z: Floats, vz: Floats, half_length: float) -> Floats:
    """Return the time [ns] until |z| reaches the half length; infinite without motion along z."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.where(vz == 0, np.inf, (np.copysign(half_length, vz) - z) / vz)


def _straight(stable: Particles, source: NDArray[np.int64], cylinder: Cylinder) -> Floats:
    """Return the points of exit [3, K] in m of particles that fly straight."""
    start = np.array([stable.x[source], stable.y[source], stable.z[source]]) * 1e-3
    momentum = np.array([stable.px[source], stable.py[source], stable.pz[source]])
    velocity = momentum / stable.energy[source] * LIGHT
    v2 = velocity[0] ** 2 + velocity[1] ** 2
    along = (start[0] * velocity[0] + start[1] * velocity[1]) / v2
    across = start[0] * velocity[1] - start[1] * velocity[0]
    to_barrel = np.sqrt(np.maximum(cylinder.radius**2 * v2 - across**2, 0)) / v2 - along
    time = np.minimum(to_barrel, _time_to_endcap(start[2], velocity[2], cylinder.half_length))
    return start + velocity * time


@dataclass(frozen=True)
class _Orbits:
    """Circles of K charged particles in the transverse plane; lengths in m, times in ns.

    Attributes
    ----------
    r : float64
        Radius, with the sign of the charge.
    omega : float64
        Angular velocity: φ(t) = `phi` − ω t.
    centre_x, centre_y : float64
    phi, z, vz : float64
        Azimuth of the momentum and z at the point of production, velocity along z [m/ns].
    closest : float64
        Time of the closest approach to the beam line, less than half a turn away.
    """

    r: Floats
    omega: Floats
    centre_x: Floats
    centre_y: Floats
    phi: Floats
    z: Floats
    vz: Floats
    closest: Floats


def _orbits(stable: Particles, source: NDArray[np.int64], field: float) -> _Orbits:
    """Return the orbits of some charged particles in a field along z [T], not zero."""
    x, y, z = (getattr(stable, name)[source] * 1e-3 for name in "xyz")
    phi0, pt, energy = stable.phi[source], stable.pt[source], stable.energy[source]
    r = pt / (stable.charge[source] * field * LIGHT)
    omega = stable.charge[source] * field * LIGHT**2 / energy
    vz = stable.pz[source] / energy * LIGHT
    centre_x, centre_y = x + r * np.sin(phi0), y - r * np.cos(phi0)
    half_turn = np.abs(np.pi / omega)
    closest = (phi0 + np.arctan2(centre_x, centre_y)) / omega
    closest -= np.round(closest / half_turn) * half_turn
    return _Orbits(r, omega, centre_x, centre_y, phi0, z, vz, closest)


def _helix(
    stable: Particles, source: NDArray[np.int64], cylinder: Cylinder
) -> tuple[Floats, Floats]:
    """Return points of exit [3, K] in m and φ of the momentum at closest approach [K]."""
    orbit = _orbits(stable, source, cylinder.field)
    r, omega = orbit.r, orbit.omega
    centre = np.hypot(orbit.centre_x, orbit.centre_y)
    to_endcap = _time_to_endcap(orbit.z, orbit.vz, cylinder.half_length)
    cosine = (r**2 + centre**2 - cylinder.radius**2) / (2 * np.abs(r) * centre)
    to_barrel = orbit.closest + np.arccos(np.clip(cosine, -1, 1)) / np.abs(omega)
    loops = centre + np.abs(r) < cylinder.radius
    time = np.where(loops, to_endcap, np.minimum(to_barrel, to_endcap))

    phi = orbit.phi - omega * time
    x, y = orbit.centre_x - r * np.sin(phi), orbit.centre_y + r * np.cos(phi)
    exits = np.array([x, y, orbit.z + orbit.vz * time])
    return exits, wrap(orbit.phi - omega * orbit.closest)


def closest_approach(
    stable: Particles, source: NDArray[np.int64], field: float
) -> tuple[Floats, Floats]:
    """Return the true d₀ and z [mm] of charged particles on their helices.

    Signs and reference are those of Delphes' `ParticlePropagator` (`D0`, `DZ`): particles that
    come from the decay of a B or D hadron carry its flight in their point of production.

    Parameters
    ----------
    stable : Particles
    source : int64 [K]
        Entries of charged particles.
    field : float
        Along z [T]; without one they fly straight.
    """
    if field == 0:
        x, y, z = (getattr(stable, name)[source] for name in "xyz")
        phi, pt = stable.phi[source], stable.pt[source]
        along = x * np.cos(phi) + y * np.sin(phi)
        return x * np.sin(phi) - y * np.cos(phi), z - along * stable.pz[source] / pt
    orbit = _orbits(stable, source, field)
    phi = orbit.phi - orbit.omega * orbit.closest
    x, y = orbit.centre_x - orbit.r * np.sin(phi), orbit.centre_y + orbit.r * np.cos(phi)
    d0 = x * np.sin(phi) - y * np.cos(phi)
    return 1e3 * d0, 1e3 * (orbit.z + orbit.vz * orbit.closest)
