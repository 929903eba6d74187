"""Tracks: efficiency, momentum resolution, losses in dense surroundings, impact parameters."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from analysis.config.detector import RESOLUTION_PT, Efficiency, ImpactResolution, Tracker
from analysis.detector.particles import Floats, Particles
from analysis.detector.propagation import Cylinder, Propagated, closest_approach, propagate
from common.angles import wrap


@dataclass(frozen=True)
class Tracks:
    """Reconstructed tracks; arrays of K.

    Attributes
    ----------
    event, source : int64
        Event, and entry among the stable particles.
    pid, charge : int32
        True PDG code and charge.
    pt, eta, phi, mass : float64
        Momentum at the beam line [GeV, rad].
    outer_eta, outer_phi : float64
        Where the track hits the calorimeter.
    resolution : float64
        σ(pT)/pT.
    """

    event: NDArray[np.int64]
    source: NDArray[np.int64]
    pid: NDArray[np.int32]
    charge: NDArray[np.int32]
    pt: Floats
    eta: Floats
    phi: Floats
    mass: Floats
    outer_eta: Floats
    outer_phi: Floats
    resolution: Floats

    def select(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Return the tracks at `keep`, a mask or a list of entries."""
        return type(self)(**{f.name: getattr(self, f.name)[keep] for f in fields(self)})

    def sorted_by_event(self) -> Self:
        """Return the tracks in the order of their events."""
        return self.select(np.argsort(self.event, kind="stable"))

    @property
    def energy(self) -> Floats:
        """Energy [GeV], float64 [K]."""
        return np.sqrt((self.pt * np.cosh(self.eta)) ** 2 + self.mass**2)


@dataclass(frozen=True)
class ImpactParameters:
    """Measured impact parameters of K tracks [mm], with respect to the origin.

    Attributes
    ----------
    d0, dz : float64 [K]
        d₀ = x sin φ − y cos φ and z at the closest approach to the beam line in the transverse
        plane, with the momentum's φ there.
    error_d0, error_dz : float64 [K]
        Their resolutions.
    """

    d0: Floats
    dz: Floats
    error_d0: Floats
    error_dz: Floats


def efficiency(pt: Floats, eta: Floats, parameters: Efficiency) -> Floats:
    """Return the tracking efficiency at pT [GeV] and η; see `Efficiency` for the formula."""
    edges = np.asarray(parameters.abs_eta)
    region = np.searchsorted(edges, np.abs(eta), side="left")
    slope, plateau, log_slope = (
        np.append(values, 0.0)[region]
        for values in (parameters.slope, parameters.plateau, parameters.log_slope)
    )
    safe = np.maximum(pt, 1.0)
    high = plateau / (1 + log_slope * (1 - np.log10(safe)))
    found = np.where(pt > 1.0, high, slope * pt)
    return np.where(pt > parameters.pt_min, np.clip(found, 0, 1), 0.0)


def resolution(pt: Floats, eta: Floats, is_muon: NDArray[np.bool_], parameters: Tracker) -> Floats:
    """Return σ(pT)/pT at pT [GeV] and η, at most 1; zero beyond the tracker."""
    table = np.vstack([parameters.resolution, np.zeros(3)])
    step = parameters.resolution_eta_step
    row = table[np.minimum(np.abs(eta) / step, len(table) - 1).astype(int)]
    low, middle, high = RESOLUTION_PT
    inner = row[:, 0] + (row[:, 1] - row[:, 0]) * np.clip((pt - low) / (middle - low), 0, 1)
    sigma = inner + (row[:, 2] - row[:, 1]) * np.clip((pt - middle) / (high - middle), 0, 1)
    rise = np.maximum(pt / high - 1, 0) * np.where(is_muon, 0.2, 1.0)
    scale = np.where(is_muon, parameters.muon_resolution_scale, parameters.hadron_resolution_scale)
    return np.minimum(scale * (sigma + row[:, 2] * rise), 1.0)


def lognormal(mean: Floats, sigma: Floats, normal: Floats) -> Floats:
    """Return log-normal numbers of the given mean and σ from standard normal ones; 0 at mean 0."""
    safe = np.where(mean > 0, mean, 1.0)
    b2 = np.log1p((sigma / safe) ** 2)
    return np.where(mean > 0, safe * np.exp(np.sqrt(b2) * normal - 0.5 * b2), 0.0)


def find_tracks(
    stable: Particles, flown: Propagated, parameters: Tracker, rng: np.random.Generator
) -> Tracks:
    """Return the tracks that the tracker finds.

    Efficiency and resolution are functions of pT and of η at the point of exit. Of all charged
    particles that cross one cell in η and φ of an inner surface only the hardest can be found, and
    directions are smeared by the size of the cell (Delphes' `DenseTrackFilter`).

    Parameters
    ----------
    stable : Particles
        Stable particles of a batch of events.
    flown : Propagated
        The same at the end of the magnetic volume.
    parameters : Tracker
        Efficiencies, resolutions, inner surface.
    rng : numpy.random.Generator
        Source of the random numbers.
    """
    charged = np.flatnonzero(stable.charge[flown.source] != 0)
    source = flown.source[charged]
    kind = np.abs(stable.pid[source])
    found = np.select(
        [kind == 11, kind == 13],
        [
            efficiency(stable.pt[source], flown.eta[charged], parameters.electron_efficiency),
            efficiency(stable.pt[source], flown.eta[charged], parameters.muon_efficiency),
        ],
        efficiency(stable.pt[source], flown.eta[charged], parameters.hadron_efficiency),
    )
    keep = rng.random(len(charged)) < found
    keep &= separable(stable, parameters)[source]
    charged, source = charged[keep], source[keep]

    pt, eta = stable.pt[source], flown.eta[charged]
    sigma = resolution(pt, eta, kind[keep] == 13, parameters)
    smeared = lognormal(pt, sigma * pt, rng.standard_normal(len(pt)))
    shift = parameters.cell * rng.standard_normal((2, len(pt)))
    phi = flown.direction_phi[charged] + shift[1]
    return Tracks(
        event=stable.event[source],
        source=source,
        pid=stable.pid[source],
        charge=stable.charge[source],
        pt=smeared,
        eta=flown.direction_eta[charged] + shift[0],
        phi=wrap(phi),
        mass=stable.mass[source],
        outer_eta=eta,
        outer_phi=flown.phi[charged],
        resolution=sigma,
    )


def separable(stable: Particles, parameters: Tracker) -> NDArray[np.bool_]:
    """Return which of the stable particles are the hardest charged one in their inner cell."""
    charged = np.flatnonzero(stable.charge != 0)
    inner = Cylinder(parameters.inner_radius, parameters.inner_half_length, parameters.field)
    flown = propagate(stable.select(stable.charge != 0), inner)
    source = charged[flown.source]
    eta_max = parameters.resolution_eta_step * len(parameters.resolution)
    bins_eta, bins_phi = int(eta_max / parameters.cell), int(np.pi / parameters.cell)
    row = np.ceil(flown.eta / parameters.cell).astype(np.int64) + bins_eta
    column = np.ceil(flown.phi / np.pi * bins_phi).astype(np.int64) + bins_phi
    inside = (row >= 1) & (row <= 2 * bins_eta)
    cell = (stable.event[source] * (2 * bins_eta + 1) + row) * (2 * bins_phi + 1) + column
    order = np.flatnonzero(inside)[np.lexsort((-stable.pt[source[inside]], cell[inside]))]
    first = np.ones(len(order), dtype=bool)
    first[1:] = cell[order][1:] != cell[order][:-1]
    hardest = np.zeros(len(stable.pid), dtype=bool)
    hardest[source[order[first]]] = True
    return hardest


def impact_resolution(
    pt: Floats, eta: Floats, nodes: Floats, table: Floats, edges: Floats
) -> Floats:
    """Return σ [mm] at pT [GeV] and η, linear between the nodes in lg σ over lg pT.

    Parameters
    ----------
    pt, eta : [K]
    nodes : [P]
        pT of the columns [GeV]; constant beyond the first and the last.
    table : [R, P]
        σ [mm] in each region of |η|.
    edges : [R]
        Upper ends of the regions; the last one has no end.
    """
    region = np.minimum(np.searchsorted(edges, np.abs(eta), side="left"), len(edges) - 1)
    log_pt, log_nodes, log_table = np.log(pt), np.log(nodes), np.log(table)
    curves = np.stack([np.interp(log_pt, log_nodes, row) for row in log_table])
    sigma: Floats = np.exp(np.take_along_axis(curves, region[None], axis=0)[0])
    return sigma


def measure_impact(
    stable: Particles,
    source: NDArray[np.int64],
    field: float,
    parameters: ImpactResolution,
    rng: np.random.Generator,
) -> ImpactParameters:
    """Return the impact parameters of tracks, smeared by Gaussians of their resolutions.

    Parameters
    ----------
    stable : Particles
    source : int64 [K]
        The tracks' entries in it.
    field : float
        Along z [T].
    parameters : ImpactResolution
    rng : numpy.random.Generator
        Of these numbers alone.
    """
    pt, eta = stable.pt[source], stable.eta[source]
    nodes, edges = np.array(parameters.pt), np.array(parameters.abs_eta)
    errors = [
        impact_resolution(pt, eta, nodes, np.array(table), edges)
        for table in (parameters.d0, parameters.dz)
    ]
    normal = rng.standard_normal((2, len(source)))
    d0, dz = closest_approach(stable, source, field)
    return ImpactParameters(d0 + errors[0] * normal[0], dz + errors[1] * normal[1], *errors)
