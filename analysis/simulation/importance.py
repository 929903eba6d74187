"""How much an event is worth to the limits, and the Russian roulette that follows from it.

An event is continued with a chance in proportion to its weight times its worth, and its weight is
divided by the chance: no distribution changes, and the time goes to the events that matter. The
worth is a power of the chance that the event passes a hard cut on the score of a network. It is
learned (`python -m benchmarks.importance`), for hard processes with forced pairs and for partons at
the checkpoint, in variables that scale with m_H.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from analysis.config.simulation import Importance
from analysis.detector.particles import Floats

EFFICIENCY = {5: 0.75, 4: 0.10}
"""Chance of a b or c quark that its subjet is b-tagged, as the roulette sees it."""
LIGHT = 0.03
"""The same of anything else; above the mistag rate, for what only the shower adds."""
HIGGS_MASS = 125.0
FURTHEST = 4.0
"""Range of the variables, beyond which all events are alike."""
LEAST_ACCEPTED = 0.1
"""Smallest root of the chance to be selected, which bounds what it does to weights."""


@dataclass(frozen=True)
class Perceptron:
    """A small network with tanh between its layers.

    Attributes
    ----------
    matrices, biases : tuple of [I, O] and [O]
        Of each layer.
    """

    matrices: tuple[Floats, ...]
    biases: tuple[Floats, ...]

    def __call__(self, variables: Floats) -> Floats:
        """Return the network's number for each row of variables [..., I]."""
        values = variables
        for k, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            values = (np.tanh(values) if k else values) @ matrix + bias
        return np.asarray(values[..., 0])


@cache
def learned(stage: str) -> Perceptron:
    """Return the network for `checkpoint`, or for `hard_1` or `hard_2` forced pairs.

    It gives the logarithm of the chance that an event passes a cut for one m_H, up to a constant.
    """
    text = files("analysis.simulation").joinpath("data/importance.json").read_text(encoding="utf-8")
    layers = json.loads(text)[stage]
    return Perceptron(
        tuple(np.array(layer["matrix"]) for layer in layers),
        tuple(np.array(layer["bias"]) for layer in layers),
    )


@dataclass(frozen=True)
class Edges:
    """Where a jet of partons begins to be selected, and in what range it may be or not.

    Attributes
    ----------
    pt, mass, abs_rapidity : (float, float)
        Where half of the jets are selected [GeV, GeV, 1], and the width of the transition, which
        for pT and mass is one in their logarithms.
    """

    pt: tuple[float, float]
    abs_rapidity: tuple[float, float]
    mass: tuple[float, float] | None = None

    def accepted(self, pt: Floats, rapidity: Floats, mass: Floats | None = None) -> Floats:
        """Return the root of the chance that both jets [N, 2] are selected, and 0.1 at least."""
        chance = _step(np.log(np.maximum(pt, 1.0) / self.pt[0]) / self.pt[1])
        chance *= _step((self.abs_rapidity[0] - np.abs(rapidity)) / self.abs_rapidity[1])
        if self.mass and mass is not None:
            chance *= _step(np.log(np.maximum(mass, 1.0) / self.mass[0]) / self.mass[1])
        return np.asarray(np.maximum(np.sqrt(chance.prod(axis=1)), LEAST_ACCEPTED))


def _step(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-_within(x, -30.0, 30.0))))


AT_CHECKPOINT = Edges(pt=(281.0, 0.085), abs_rapidity=(1.95, 0.02), mass=(30.0, 0.28))
AT_HARD_PROCESS = Edges(pt=(271.0, 0.14), abs_rapidity=(2.0, 0.09))
"""Of the default's selection: pT > 250 GeV, |η| < 2, mass > 50 GeV (fits to 4,000 events)."""


@dataclass(frozen=True)
class PartonJets:
    """The two hardest jets of partons in N events.

    Attributes
    ----------
    resonance : [N]
        Mass of both together [GeV].
    mass, pt, rapidity : [N, 2]
        Of the jets [GeV].
    pair_mass, distance, softer_pt : [N, 2]
        Mass [GeV] and ΔR of the jet's two best heavy quarks, and the smaller pT [GeV]; 0 where
        there are not two.
    quarks : [N, 2]
        Number of heavy quarks in the jet.
    """

    resonance: Floats
    mass: Floats
    pt: Floats
    rapidity: Floats
    pair_mass: Floats
    distance: Floats
    softer_pt: Floats
    quarks: Floats

    @property
    def accepted(self) -> Floats:
        """Root of the chance that an event is selected [N]."""
        return AT_CHECKPOINT.accepted(self.pt, self.rapidity, self.mass)

    def variables(self, masses_gev: Floats) -> Floats:
        """Return what the network sees [N, M, 19], for each of M masses m_H."""
        fixed = np.empty((len(self.resonance), 15))
        fixed[:, 0] = np.abs(self.rapidity[:, 1] - self.rapidity[:, 0]) - 1
        per_jet = (
            (self.mass - HIGGS_MASS) / 20,
            3 * _within(self.pair_mass / np.maximum(self.mass, 1.0), 0.0, 1.3) - 2,
            np.log(np.maximum(self.distance, 0.02) / 0.5),
            np.log(np.maximum(self.softer_pt, 2.0) / 60),
            (self.pt - 300) / 60,
            np.abs(self.rapidity) - 1,
            np.minimum(self.quarks, 3.0) - 2,
        )
        for k, values in enumerate(per_jet):
            fixed[:, 1 + 2 * k : 3 + 2 * k] = values
        scaled = np.empty((len(fixed), len(masses_gev), 3))
        energy = np.maximum(self.resonance, 50.0)
        scaled[..., 0] = np.log(energy[:, None] / masses_gev) / 0.1
        for k in (0, 1):
            scaled[..., 1 + k] = 3 * np.log(2.2 * self.pt[:, k, None] / masses_gev)
        return _variables(fixed, scaled, masses_gev)


def hard_variables(
    pair_masses: Floats, z: Floats, energy: Floats, pt: Floats, rapidity: Floats, masses_gev: Floats
) -> Floats:
    """Return what the network sees of hard processes with forced pairs [N, M, 5 + 3 F].

    Parameters
    ----------
    pair_masses, z : [N, F]
        Of the F pairs [GeV], in any order.
    energy : [N]
        Partonic energy m̂ [GeV].
    pt, rapidity : [N, 2]
        Of the two outgoing partons or pairs [GeV].
    masses_gev : [M]
        m_H [GeV].
    """
    order = np.argsort(-pair_masses, axis=1)
    pair_masses, z = (np.take_along_axis(array, order, axis=1) for array in (pair_masses, z))
    typical = pt.mean(axis=1, keepdims=True)
    softer = np.minimum(z, 1 - z)
    distance = pair_masses / np.sqrt(z * (1 - z)) / typical
    fixed = np.concatenate(
        [
            np.abs(np.diff(rapidity, axis=1)) - 1,
            np.abs(rapidity).max(axis=1, keepdims=True) - 1,
            (pt.min(axis=1, keepdims=True) - 300) / 50,
            1.5 * np.log(pair_masses / 110),
            np.log(softer * typical / 50),
            np.log(distance / 0.5),
        ],
        axis=1,
    )
    scaled = np.log(energy[:, None] / masses_gev)[:, :, None] / 0.12
    return _variables(fixed, scaled, masses_gev)


def _variables(fixed: Floats, scaled: Floats, masses_gev: Floats) -> Floats:
    """Join variables [N, F] and those that differ between masses [N, M, S]."""
    events, masses, first = scaled.shape
    last = first + fixed.shape[1]
    joined = np.empty((events, masses, last + 1))
    joined[..., :first] = scaled
    joined[..., first:last] = fixed[:, None]
    joined[..., last] = np.log(masses_gev / 1100)
    return _within(joined, -FURTHEST, FURTHEST)


def _within(values: Floats, low: float, high: float) -> Floats:
    """Return values within bounds; for single events in a third of the time of `numpy.clip`."""
    return np.asarray(np.minimum(np.maximum(values, low), high))


def worth(stage: str, variables: Floats, accepted: Floats, aim: Importance) -> Floats:
    """Return the worth of N events, from their variables [N, M, …] for the masses of `aim`.

    It is a power of the summed chances to pass, and at least the floor times `accepted` [N]: events
    that will hardly be selected need not be light.
    """
    chance = np.exp(learned(stage)(variables)).sum(axis=1)
    return np.asarray(chance**aim.power + aim.floor * accepted)


def tag_potential(flavours: list[int], subjets: int = 2) -> float:
    """Return the chance that this many subjets are tagged where there are these heavy quarks.

    Parameters
    ----------
    flavours : list of int
        PDG codes without sign of the b and c quarks that can be told apart.
    subjets : int
        Number of subjets; those without a heavy quark are light.

    Examples
    --------
    >>> tag_potential([5, 5]), tag_potential([4])
    (0.5625, 0.003)
    """
    best = sorted((EFFICIENCY[flavour] for flavour in flavours), reverse=True)[:subjets]
    return float(np.prod(best) * LIGHT ** (subjets - len(best)))


def best_threshold(value: Floats, cost: float, heaviest: float = 1.0) -> float:
    """Return the value above which every event is continued.

    Of `value` [N], weight times worth, events are continued with a chance value / threshold and
    then have the same value. The threshold maximises (Σ value)² / Σ value² of what is continued per
    time, where continuing takes `cost` times as long as coming so far. Values are cut off at their
    quantile `heaviest`, so that no single event decides how long a sample takes.
    """
    came = len(value)
    value = np.sort(value[value > 0])
    if not len(value):
        return 1.0
    value = np.minimum(value, np.quantile(value, heaviest))
    sums, below = np.cumsum(value), np.arange(1, len(value) + 1)
    squares = np.cumsum(value[::-1] ** 2)[::-1]
    squares = np.append(squares[1:], 0.0)
    # below the threshold the squares are value · threshold, above it value²
    spread = sums * value + squares
    time = came + cost * (sums / value + len(value) - below)
    return float(value[np.argmin(spread * time)])
