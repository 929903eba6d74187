"""Tracks: efficiency, momentum resolution, and losses in dense surroundings."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from analysis.config.detector import RESOLUTION_PT, Efficiency, Tracker
from analysis.simulation.particles import Floats, Particles
from analysis.simulation.propagation import Cylinder, Propagated, propagate
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
