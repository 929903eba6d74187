"""How much an event is worth to the limits, and the Russian roulette that follows from it.

An event is continued with a chance in proportion to its weight times its worth, and its weight is
divided by the chance: no distribution changes, and the time goes to the events that matter.
"""

import numpy as np
from scipy.special import expit

from analysis.config.simulation import Importance
from analysis.simulation.particles import Floats

EFFICIENCY = {5: 0.75, 4: 0.10}
"""Chance of a b or c quark that its subjet is b-tagged, as the roulette sees it."""
LIGHT = 0.03
"""The same of anything else; above the mistag rate, for what only the shower adds."""
PT_MIN, PT_WIDTH = 280.0, 14.0
"""pT of a jet of partons that has an even chance to become a fat jet, and how fast it grows."""
RAPIDITY_MAX, RAPIDITY_WIDTH = 1.95, 0.08
"""The same for its rapidity."""
PARTON_MASS = 1.02
"""Mass of two jets of partons over m_H: what else is in the cones adds to it."""
SPREAD = 1.3
"""Difference in rapidity of the jets at which an event is worth less than a decay's."""

# What the shower leaves of forced pairs, as a pilot of 30,000 showers shows it
FULL_MASS, HEAVY_MASS, HEAVY_WIDTH, HEAVY_FLOOR = 0.6, 1.1, 0.13, 0.02
"""Pair masses over m_h from which and up to which pairs become jets of mass m_h, and the fall."""
HARD_RESONANCE_WIDTH = 0.12
"""Spread of ln(m̂/m_H) of what is reconstructed at m_H."""
HARD_PT_MIN, HARD_PT_WIDTH = 305.0, 16.0
QUARK_PT_MIN, QUARK_PT_WIDTH = 22.0, 3.0
SEPARATION, SEPARATION_WIDTH = 0.3, 0.03
"""pT of a quark, and distance of two, that make two subjets with an even chance."""
MERGED = 0.1
"""Worth of pairs that do not."""
SHARPNESS, TAIL, TAIL_SHARPNESS = 0.55, 0.08, 0.1
"""The root mean square of the worth behind the shower, which moves masses and directions, falls
like these powers of all that."""


def resonance_importance(mass: Floats, aim: Importance, width: float) -> Floats:
    """Return how close masses [N] come to the nearest of the signals'.

    Heavier signals count with the square of their mass, since the background falls.
    """
    targets = np.array(aim.masses_gev)
    close = np.exp(-0.5 * (np.log(mass[:, None] / (PARTON_MASS * targets)) / width) ** 2)
    return np.asarray((close * (targets / targets.min()) ** 2).max(axis=1))


def angular_importance(pt: Floats, rapidity: Floats) -> Floats:
    """Return the worth of two jets by their pT [GeV] and rapidity, [N, 2] each.

    The decay of a scalar is isotropic, the exchange of a gluon is not.
    """
    chance = rises(pt, PT_MIN, PT_WIDTH) * rises(-np.abs(rapidity), -RAPIDITY_MAX, RAPIDITY_WIDTH)
    return np.asarray(chance.prod(axis=1) * separation_importance(rapidity))


def separation_importance(rapidity: Floats) -> Floats:
    """Return the worth of the rapidities [N, 2] of two jets by their difference."""
    difference = rapidity[:, 0] - rapidity[:, 1]
    return np.asarray(np.exp(-0.5 * (difference / SPREAD) ** 2))


def rises(value: Floats, middle: float, width: float) -> Floats:
    """Return the root of a step from 0 to 1 at `middle`, smeared by `width`.

    The root of a chance, because what counts is the mean of the squared weights.
    """
    return np.asarray(np.sqrt(expit((value - middle) / width)))


def jet_importance(
    masses: Floats, resonance: Floats, pt: Floats, rapidity: Floats, aim: Importance
) -> Floats:
    """Return the worth of two jets of partons.

    Parameters
    ----------
    masses, pt, rapidity : [N, 2]
        Of the jets [GeV].
    resonance : [N]
        Mass of both together [GeV].
    aim : Importance
    """
    off = (masses - aim.higgs_mass_gev) / aim.mass_width_gev
    worth = np.exp(-0.5 * off**2).prod(axis=1) * angular_importance(pt, rapidity)
    worth *= resonance_importance(resonance, aim, aim.resonance_width)
    return np.asarray(np.maximum(worth, aim.floor))


def hard_importance(
    pair_masses: Floats,
    z: Floats,
    energy: Floats,
    pt: Floats,
    rapidity: Floats,
    aim: Importance,
) -> Floats:
    """Return the worth of a hard process with forced pairs.

    Parameters
    ----------
    pair_masses, z : [N, F]
        Of the F pairs [GeV].
    energy : [N]
        Partonic energy m̂ [GeV].
    pt, rapidity : [N, 2]
        Of the two outgoing partons or pairs [GeV].
    aim : Importance
    """
    ratio = pair_masses / aim.higgs_mass_gev
    excess = np.maximum(ratio - HEAVY_MASS, 0.0) / HEAVY_WIDTH
    mass = np.minimum(ratio / FULL_MASS, 1.0) * np.maximum(np.exp(-0.5 * excess**2), HEAVY_FLOOR)
    typical = pt.mean(axis=1)[:, None]
    subjets = rises(np.minimum(z, 1 - z) * typical, QUARK_PT_MIN, QUARK_PT_WIDTH)
    distance = pair_masses / (np.sqrt(z * (1 - z)) * typical)
    subjets *= rises(distance, SEPARATION, SEPARATION_WIDTH)
    worth = (mass * np.maximum(subjets, MERGED)).prod(axis=1)
    worth *= resonance_importance(energy, aim, HARD_RESONANCE_WIDTH)
    worth *= expit((pt.min(axis=1) - HARD_PT_MIN) / HARD_PT_WIDTH)
    worth *= rises(-np.abs(rapidity), -RAPIDITY_MAX, RAPIDITY_WIDTH).prod(axis=1)
    worth *= separation_importance(rapidity)
    return np.asarray(np.maximum(worth**SHARPNESS, TAIL * worth**TAIL_SHARPNESS))


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


def best_threshold(value: Floats, cost: float) -> float:
    """Return the value above which every event is continued.

    Of `value` [N], weight times worth, events are continued with a chance value / threshold and
    then have the same value. The threshold maximises (Σ value)² / Σ value² of what is continued per
    time, where continuing takes `cost` times as long as coming so far.
    """
    came = len(value)
    value = np.sort(value[value > 0])
    if not len(value):
        return 1.0
    sums, below = np.cumsum(value), np.arange(1, len(value) + 1)
    squares = np.cumsum(value[::-1] ** 2)[::-1]
    squares = np.append(squares[1:], 0.0)
    # below the threshold the squares are value · threshold, above it value²
    spread = sums * value + squares
    time = came + cost * (sums / value + len(value) - below)
    return float(value[np.argmin(spread * time)])
