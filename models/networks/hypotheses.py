"""Mass hypotheses: what a network for all m_H is told of each event that it is trained with.

Signal has its own mass. Background draws one from the signal's masses M, near the mass m_JJ of its
fat jets more often than not, with probability

    q(M | m_JJ) ∝ floor + exp(−½ (ln(m_JJ / M) / width)²),

and counts π(M) / q(M | m_JJ) times, where π(M) is the signal's share of weight at M. The loss is on
average that of background spread over the masses as the signal is, so that the hypothesis alone
tells nothing, and each mass is trained most with the background near it.
"""

from dataclasses import dataclass

import numpy as np

from common.columns import Columns

FLOOR, WIDTH = 0.1, 0.15
_SUM, _MASS = -1, 0  # the token of both jets together, and its mass, in `kinematics`


@dataclass(frozen=True)
class Hypotheses:
    """The masses of the signal.

    Attributes
    ----------
    masses : ndarray [M]
        In GeV.
    shares : ndarray [M]
        π: each one's share of the signal's weight.
    """

    masses: np.ndarray
    shares: np.ndarray

    @classmethod
    def of_signal(cls, mass: np.ndarray, weight: np.ndarray) -> "Hypotheses":
        """Return the masses of signal events [N] of some weights [N]."""
        masses, index = np.unique(mass, return_inverse=True)
        total = np.bincount(index, weight)
        return cls(masses, total / total.sum())

    def probabilities(self, dijet_mass: np.ndarray) -> np.ndarray:
        """Return q(M | m_JJ) [N, M] of events with m_JJ [N] in GeV."""
        distance = np.log(np.maximum(dijet_mass, 1.0)[:, None] / self.masses) / WIDTH
        density = FLOOR + np.exp(-0.5 * distance**2)
        found: np.ndarray = density / density.sum(axis=1, keepdims=True)
        return found

    def drawn(self, columns: Columns, rng: np.random.Generator) -> Columns:
        """Return a batch whose events without a `mass` (NaN) have drawn one, `weight` with it."""
        own = columns["mass"]
        free = np.isnan(own)
        chance = self.probabilities(columns["kinematics"][:, _SUM, _MASS].astype(np.float64))
        above = np.cumsum(chance, axis=1) <= rng.random(len(own))[:, None]
        index = np.minimum(above.sum(axis=1), len(self.masses) - 1)
        factor = self.shares[index] / chance[np.arange(len(own)), index]
        return columns | {
            "mass": np.where(free, self.masses[index], own).astype(np.float32),
            "weight": (columns["weight"] * np.where(free, factor, 1.0)).astype(np.float32),
        }
