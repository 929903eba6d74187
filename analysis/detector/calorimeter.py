"""Calorimeter towers and energy flow: what a calorimeter adds to, or takes from, the tracks."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.config.detector import Calorimeter
from analysis.detector.particles import Floats, Particles
from analysis.detector.propagation import Propagated
from analysis.detector.tracking import Tracks, lognormal

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Towers:
    """Energy deposits; arrays of K: event, energy [GeV], direction."""

    event: Ints
    energy: Floats
    eta: Floats
    phi: Floats

    @property
    def pt(self) -> Floats:
        """Transverse energy [GeV], float64 [K]."""
        return self.energy / np.cosh(self.eta)


class Grid:
    """The towers of a calorimeter: rings in η, each divided in φ."""

    def __init__(self, parameters: Calorimeter) -> None:
        rings = sorted((eta, g.phi_divisions) for g in parameters.towers for eta in g.eta)
        self.edges = np.array([eta for eta, _ in rings])
        self.divisions = np.array([division for _, division in rings])
        self.first = np.concatenate(([0], np.cumsum(self.divisions)))
        self.size = int(self.first[-1])

    def find(self, eta: Floats, phi: Floats) -> Ints:
        """Return the number of the tower at (η, φ), −1 outside of the calorimeter."""
        ring = np.searchsorted(self.edges, eta, side="left")
        outside = (ring == 0) | (ring == len(self.edges))
        ring = np.where(outside, 1, ring)
        count = self.divisions[ring]
        column = np.ceil((phi / np.pi + 1) / 2 * count).astype(np.int64) - 1
        return np.where(outside, -1, self.first[ring] + np.clip(column, 0, count - 1))

    def box(self, tower: Ints) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the lower and upper edges in η, and those in φ, of each tower."""
        ring = np.searchsorted(self.first, tower, side="right") - 1
        width = 2 * np.pi / self.divisions[ring]
        low = -np.pi + (tower - self.first[ring]) * width
        return self.edges[ring - 1], self.edges[ring], low, low + width


def energy_resolution(energy: Floats, eta: Floats, parameters: Calorimeter) -> Floats:
    """Return σ(E) [GeV] of a tower at η; zero beyond the last region."""
    regions = parameters.resolution
    edges = np.array([region.abs_eta_max for region in regions])
    table = np.array([(r.constant, r.stochastic, r.noise) for r in regions] + [(0, 0, 0)])
    constant, stochastic, noise = table[np.searchsorted(edges, np.abs(eta), side="left")].T
    return np.sqrt((constant * energy) ** 2 + stochastic**2 * energy + noise**2)


def deposited_fraction(pid: NDArray[np.int32], parameters: Calorimeter) -> Floats:
    """Return the fraction of its energy that each particle deposits."""
    codes, inverse = np.unique(np.abs(pid), return_inverse=True)
    default = parameters.fractions[0]
    return np.array([parameters.fractions.get(int(c), default) for c in codes])[inverse]


def measure(
    stable: Particles,
    flown: Propagated,
    tracks: Tracks,
    parameters: Calorimeter,
    rng: np.random.Generator,
) -> tuple[Towers, Tracks]:
    """Return the neutral energy-flow objects and the energy-flow tracks.

    Delphes' `SimpleCalorimeter` (arXiv:1307.6346, section 3.2.3): the energy of a tower is smeared
    log-normally. A significant excess over the tracks that point to it becomes a neutral object;
    otherwise the tracks are scaled to the mean of tracker and calorimeter weighted by 1/σ².

    Parameters
    ----------
    stable, flown : Particles, Propagated
        Stable particles, and the same at the calorimeter.
    tracks : Tracks
        The tracks so far.
    parameters : Calorimeter
        Towers, resolution, thresholds.
    rng : numpy.random.Generator
        Source of the random numbers; three draws per tower.
    """
    grid = Grid(parameters)
    fraction = deposited_fraction(stable.pid[flown.source], parameters)
    hit = np.flatnonzero(fraction > 0)
    cell = grid.find(flown.eta[hit], flown.phi[hit])
    source, deposit, cell = flown.source[hit][cell >= 0], fraction[hit][cell >= 0], cell[cell >= 0]
    track_cell = grid.find(tracks.outer_eta, tracks.outer_phi)
    track_fraction = deposited_fraction(tracks.pid, parameters)
    stopped = np.flatnonzero((track_cell >= 0) & (track_fraction > 0))

    keys = np.concatenate(
        (
            stable.event[source] * grid.size + cell,
            tracks.event[stopped] * grid.size + track_cell[stopped],
        )
    )
    towers, tower_of = np.unique(keys, return_inverse=True)
    of_particle, of_track = tower_of[: len(source)], tower_of[len(source) :]
    event, tower = np.divmod(towers, grid.size)
    low, high, phi_low, phi_high = grid.box(tower)
    centre = 0.5 * (low + high)

    def total(index: Ints, values: Floats) -> Floats:
        return np.bincount(index, weights=values, minlength=len(towers)).astype(np.float64)

    true_energy = total(of_particle, stable.energy[source] * deposit)
    energy = lognormal(
        true_energy,
        energy_resolution(true_energy, centre, parameters),
        rng.standard_normal(len(towers)),
    )
    sigma = energy_resolution(energy, centre, parameters)
    weak = (energy < parameters.energy_min) | (energy < parameters.significance_min * sigma)
    energy = np.where(weak, 0.0, energy)
    eta, phi = rng.uniform(low, high), rng.uniform(phi_low, phi_high)

    track_energy = tracks.energy[stopped]
    charged = track_energy * track_fraction[stopped]
    relative = tracks.resolution[stopped]
    imprecise = energy_resolution(track_energy, centre[of_track], parameters) < (
        relative * track_energy
    )
    guess = np.where(imprecise, charged, track_energy)
    charged_sum = total(of_track, charged)
    variance = total(of_track, (relative * guess) ** 2)

    neutral = np.maximum(energy - charged_sum, 0.0)
    spread = np.sqrt(variance + sigma**2)
    excess = (neutral > parameters.energy_min) & (neutral > parameters.significance_min * spread)

    scale = np.ones(len(tracks.pt))
    scale[stopped] = _scale(charged_sum, variance, energy, sigma, excess)[of_track]
    return (
        Towers(event[excess], neutral[excess], eta[excess], phi[excess]),
        replace(tracks, pt=tracks.pt * scale).select(track_cell >= 0),
    )


def _scale(
    charged: Floats, variance: Floats, energy: Floats, sigma: Floats, excess: NDArray[np.bool_]
) -> Floats:
    """Return best estimate / sum of tracks of each tower: 1 with an excess or without tracks."""
    with np.errstate(divide="ignore", invalid="ignore"):
        weight_track = np.where(variance > 0, 1 / variance, 0.0)
        weight_tower = np.where(sigma > 0, 1 / sigma**2, 0.0)
        best = (weight_track * charged + weight_tower * energy) / (weight_track + weight_tower)
        scale = best / charged
    return np.where(excess | (charged <= 0), 1.0, scale)
