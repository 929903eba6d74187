"""Hard processes whose gluons are made to split into heavy quarks, with exact weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from math import factorial

import numpy as np
import pythia8mc
from numpy.typing import NDArray

from analysis.config.simulation import HeavyFlavour, Importance
from analysis.detector.particles import Floats
from analysis.simulation.hard_process import HardProcesses, draw
from analysis.simulation.importance import (
    AT_HARD_PROCESS,
    best_threshold,
    hard_variables,
    worth,
)
from analysis.simulation.splitting import (
    GLUON,
    QUARK_MASS,
    asymmetry,
    azimuths,
    dipole_masses2,
    mass2,
    split,
    splitting_density,
    velocity,
    with_masses,
)

BLOCK = 2000
"""Hard processes that are drawn at a time."""
TRIES = 10
"""Pairs that are tried with each hard process, each with a tenth of its weight."""
SHOWER_COST = 400.0
"""Time of a shower over that of a try."""


@dataclass(frozen=True)
class ForcedEvents:
    """Partons of N events: two incoming, the pairs of the forced gluons, what else goes out.

    Attributes
    ----------
    momenta : [N, P, 4]
        (px, py, pz, E) [GeV].
    ids : [N, P]
        PDG codes.
    colours : [N, P, 2]
        Colour and anticolour.
    masses : [N, P]
        [GeV]
    scale : [N]
        Scale at which the shower starts [GeV].
    weight : [N]
        Weight of the hard process times probability over density of the splittings.
    pair_masses, z : [N, F]
        Of the F forced gluons: mass of the pair [GeV] and the quark's share.
    place : [N] int
        Number of the try in the order in which they were drawn.
    """

    momenta: Floats
    ids: NDArray[np.int64]
    colours: NDArray[np.int64]
    masses: Floats
    scale: Floats
    weight: Floats
    pair_masses: Floats
    z: Floats
    place: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.weight)

    @property
    def jets(self) -> Floats:
        """Four-momenta [N, 2, 4] of the first pair and of what recoils against it [GeV]."""
        first = self.momenta[:, 2] + self.momenta[:, 3]
        return np.stack([first, self.momenta[:, 4:].sum(axis=1)], axis=1)

    def select(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> "ForcedEvents":
        """Return some of the events."""
        return ForcedEvents(*(column[keep] for column in vars(self).values()))


def quarks_of(pairs: str) -> tuple[int, ...]:
    """Return the PDG codes of the quarks that the hard gluons are to split into.

    Examples
    --------
    >>> quarks_of("bb+cc"), quarks_of("bb")
    ((5, 4), (5,))
    """
    return tuple({"bb": 5, "cc": 4}[pair] for pair in pairs.split("+"))


def force(
    hard: HardProcesses,
    quarks: tuple[int, ...],
    mass_range: tuple[float, float],
    rng: np.random.Generator,
) -> ForcedEvents:
    """Make one or both outgoing gluons split into quark pairs.

    Pair masses are drawn uniformly in their logarithm, z uniformly, the azimuth as the gluon is
    polarised; which gluon gets which pair is drawn among all ways. The weight is that of the hard
    process times probability over density, so that its mean over all N is the cross section with
    such pairs over that without. It is zero where there are too few gluons or too little energy.

    Parameters
    ----------
    hard : HardProcesses
    quarks : tuple of int
        Quarks of the pairs, one or two PDG codes.
    mass_range : (float, float)
        Smallest and largest mass of a pair [GeV].
    rng : numpy.random.Generator
    """
    count = len(hard)
    low, high = mass_range
    is_gluon = hard.ids[:, 2:] == GLUON
    ways = list(permutations((2, 3), len(quarks)))
    open_ways = np.stack([is_gluon[:, np.array(way) - 2].all(axis=1) for way in ways], axis=1)
    # of two equal pairs, exchanging them is no other way
    number = open_ways.sum(axis=1) * len({*permutations(quarks)}) / factorial(len(quarks))
    order = np.where(open_ways, rng.random(open_ways.shape), -1.0)
    partons = np.array(ways)[np.argmax(order, axis=1)]
    weight = hard.weight * number
    masses = low * (high / low) ** rng.random((count, len(quarks)))
    z, azimuth = rng.random(masses.shape), np.zeros(masses.shape)
    for k, quark in enumerate(quarks):
        beta = velocity(masses[:, k], QUARK_MASS[quark])
        z[:, k] = 0.5 + beta * (z[:, k] - 0.5)
        azimuth[:, k] = azimuths(asymmetry(z[:, k], hard.ids[:, :2]), rng)
        dipoles = np.where(
            (partons[:, k] == 2)[:, None],
            dipole_masses2(hard.momenta, hard.colours, 2),
            dipole_masses2(hard.momenta, hard.colours, 3),
        )
        dipoles = np.where(dipoles > 0, dipoles, np.inf)
        density = splitting_density(masses[:, k], z[:, k], QUARK_MASS[quark], dipoles)
        weight *= density * beta * 2 * np.log(high / low)
    return _events(hard, quarks, partons, masses, z, azimuth, weight)


def _events(
    hard: HardProcesses,
    quarks: tuple[int, ...],
    partons: NDArray[np.int64],
    masses: Floats,
    z: Floats,
    azimuth: Floats,
    weight: Floats,
) -> ForcedEvents:
    rows = np.arange(len(hard))
    new_masses = np.zeros((len(hard), 2))
    new_masses[rows[:, None], partons - 2] = masses
    energy = np.sqrt(mass2(hard.momenta[:, 2] + hard.momenta[:, 3]))
    possible = new_masses.sum(axis=1) < energy
    # events of no weight; any masses that leave the kinematics defined
    light = np.minimum(new_masses, energy[:, None] / 4)
    new_masses = np.where(possible[:, None], new_masses, light)
    outgoing = np.stack(with_masses(hard.momenta[:, 2], hard.momenta[:, 3], new_masses), axis=1)
    columns = [(hard.momenta[:, k], hard.ids[:, k], hard.colours[:, k], 0.0) for k in (0, 1)]
    nothing = np.zeros(len(hard), np.int64)
    for k, quark in enumerate(quarks):
        gluon = outgoing[rows, partons[:, k] - 2]
        pair = split(
            gluon, new_masses[rows, partons[:, k] - 2], z[:, k], azimuth[:, k], QUARK_MASS[quark]
        )
        colour, anticolour = hard.colours[rows, partons[:, k]].T
        ends = ((colour, nothing), (nothing, anticolour))
        for sign, momentum, end in zip((1, -1), pair, ends, strict=True):
            columns.append(
                (momentum, nothing + sign * quark, np.stack(end, axis=1), QUARK_MASS[quark])
            )
    if len(quarks) == 1:
        other = 5 - partons[:, 0]
        columns.append(
            (outgoing[rows, other - 2], hard.ids[rows, other], hard.colours[rows, other], 0.0)
        )
    momenta, ids, colours, quark_masses = zip(*columns, strict=True)
    return ForcedEvents(
        momenta=np.stack(momenta, axis=1),
        ids=np.stack(ids, axis=1),
        colours=np.stack(colours, axis=1),
        masses=np.tile(quark_masses, (len(hard), 1)),
        scale=hard.scale,
        weight=np.where(possible, weight, 0.0),
        pair_masses=masses,
        z=z,
        place=rows,
    )


class ForcedSource:
    """An endless sequence of forced events, thinned towards the signals.

    Attributes
    ----------
    drawn : list of [BLOCK]
        Weights of all hard processes drawn so far, the discarded ones among them.
    pairs : int
        Pairs that each event begins with.

    Parameters
    ----------
    pythia : pythia8mc.Pythia
        Initialised; stops behind the hard process.
    flavour : HeavyFlavour
        The stratum, with one entry in `pairs`.
    aim : Importance, optional
        What to thin towards; no thinning if absent.
    seed : int
    """

    def __init__(
        self,
        pythia: pythia8mc.Pythia,
        flavour: HeavyFlavour,
        aim: Importance | None,
        seed: int,
    ) -> None:
        self._pythia, self._flavour, self._aim = pythia, flavour, aim
        self._rng = np.random.default_rng([seed, 1])
        self._threshold: float | None = None
        self.pairs = len(quarks_of(flavour.pairs[0]))
        self.drawn: list[Floats] = []

    def __iter__(self) -> Iterator[ForcedEvents]:
        """Yield blocks of events."""
        while True:
            yield self.block()

    def drawn_between(self, first: int, last: int) -> Floats:
        """Return the weights of the hard processes of the tries first … last − 1.

        The weight of a hard process of which only some of the tries are among them is in
        proportion to these, so that counting may begin and end between any two events.
        """
        weights = np.concatenate(self.drawn)
        edges = np.clip(TRIES * np.arange(len(weights) + 1), first, last)
        share = np.diff(edges) / TRIES
        return np.asarray((weights * share)[share > 0])

    def block(self) -> ForcedEvents:
        """Draw `BLOCK` more hard processes and return what is kept of them."""
        flavour = self._flavour
        excited = tuple(
            value
            for value, name in ((True, "excitation"), (False, "splitting"))
            if name in flavour.origins
        )
        once, numbers, weights = draw(self._pythia, BLOCK, excited)
        first = TRIES * (numbers + BLOCK * len(self.drawn))
        place = (first[:, None] + np.arange(TRIES)).ravel()
        self.drawn.append(weights)
        range_gev = (flavour.pair_mass_min, flavour.pair_mass_max)
        hard = once.repeated(TRIES)
        events = force(hard, quarks_of(flavour.pairs[0]), range_gev, self._rng)
        weight = events.weight / TRIES
        if self._aim is not None:
            weight = self._thinned(weight, events)
        kept = np.flatnonzero(weight)
        events = ForcedEvents(**{**vars(events), "weight": weight, "place": place})
        return events.select(kept)

    def _thinned(self, weight: Floats, events: ForcedEvents) -> Floats:
        """Return weights after Russian roulette on weight times importance."""
        assert self._aim is not None
        energy = np.sqrt(mass2(events.momenta[:, 0] + events.momenta[:, 1]))
        jets = events.jets
        pt = np.hypot(jets[..., 0], jets[..., 1])
        rapidity = np.arctanh(jets[..., 2] / jets[..., 3])
        variables = hard_variables(
            events.pair_masses, events.z, energy, pt, rapidity, np.array(self._aim.masses_gev)
        )
        accepted = AT_HARD_PROCESS.accepted(pt, rapidity)
        value = weight * worth(f"hard_{self.pairs}", variables, accepted, self._aim)
        if self._threshold is None and len(value):
            self._threshold = best_threshold(value, SHOWER_COST)
        chance = np.minimum(value / (self._threshold or 1.0), 1.0)
        kept = self._rng.random(len(weight)) < chance
        return np.divide(weight, chance, out=np.zeros_like(weight), where=kept)
