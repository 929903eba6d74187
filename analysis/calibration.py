"""Whether a score is the probability that it claims to be: the reliability diagram and its sum.

A network learns the probability of signal in the mixture of its training: signal and background of
equal sums, background weights capped. With those weights the share of signal among events of score
p is p. Follows Guo et al., arXiv:1706.04599.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

EDGES = np.linspace(0.0, 1.0, 11)
COVERAGE = 0.6827


@dataclass(frozen=True)
class Reliability:
    """Bins of the score with events, K of them.

    Attributes
    ----------
    score : NDArray, [K]
        Weighted mean of the score.
    fraction, low, high : NDArray, [K]
        Share of signal and its 68% Clopper–Pearson interval for `n_eff` events.
    weight : NDArray, [K]
        Share of all weights.
    n_eff : NDArray, [K]
        Effective number of events.
    """

    score: NDArray[np.float64]
    fraction: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    weight: NDArray[np.float64]
    n_eff: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Expected calibration error: the mean distance of share and score."""
        return float(np.sum(self.weight * np.abs(self.fraction - self.score)))

    @property
    def noise(self) -> float:
        """What that mean is for a calibrated score, from the statistics of the bins alone."""
        spread = np.sqrt(self.score * (1 - self.score) / self.n_eff)
        return float(np.sum(self.weight * spread) * np.sqrt(2 / np.pi))


def reliability(
    score: NDArray[np.float64],
    signal: NDArray[np.bool_],
    weight: NDArray[np.float64],
    edges: NDArray[np.float64] = EDGES,
) -> Reliability:
    """Return the share of signal in bins of the score.

    Parameters
    ----------
    score : NDArray, [N]
        Between 0 and 1.
    signal : NDArray of bool, [N]
    weight : NDArray, [N]
        Not negative; those of the training's mixture.
    edges : NDArray
        Bin edges from 0 to 1.
    """
    place = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, len(edges) - 2)
    total, squares, scores, signals = (
        np.bincount(place, values, minlength=len(edges) - 1)
        for values in (weight, weight**2, weight * score, weight * signal)
    )
    filled = total > 0
    total, squares, scores, signals = (x[filled] for x in (total, squares, scores, signals))
    n_eff, fraction = total**2 / squares, np.clip(signals / total, 0, 1)
    passed, tail = fraction * n_eff, (1 - COVERAGE) / 2
    low = np.where(passed > 0, beta.ppf(tail, passed, n_eff - passed + 1), 0.0)
    high = np.where(passed < n_eff, beta.ppf(1 - tail, passed + 1, n_eff - passed), 1.0)
    return Reliability(scores / total, fraction, low, high, total / total.sum(), n_eff)
