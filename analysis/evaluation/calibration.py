"""Whether a score is the probability that it claims to be: the reliability diagram and its sums.

A network learns the probability of signal in the mixture of its training: signal and background of
equal sums, background weights capped. With those weights the share of signal among events of score
p is p. Follows Guo et al., arXiv:1706.04599.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from common.weighted import WeightedSample
from common.weights import effective_number_of_sums

EDGES = np.linspace(0.0, 1.0, 11)
COVERAGE = 0.6827


@dataclass(frozen=True)
class Reliability:
    """Bins of the score with events, K of them.

    Signal and background weigh differently, so that Σw and Σw² do not tell the error of a share;
    the events' own spread does: σ² = Σ w² (y − p)² / (Σw)², with y = 1 for signal.

    Attributes
    ----------
    score : NDArray, [K]
        Weighted mean of the score.
    fraction, low, high : NDArray, [K]
        Share of signal and its 68% Clopper–Pearson interval for `n_eff` events.
    spread : NDArray, [K]
        Standard deviation of the share around the score, if the score is calibrated.
    weight : NDArray, [K]
        Share of all weights.
    n_eff : NDArray, [K]
        Unweighted events that would know the share as well.
    """

    score: NDArray[np.float64]
    fraction: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    spread: NDArray[np.float64]
    weight: NDArray[np.float64]
    n_eff: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Expected calibration error: the mean distance of share and score."""
        return float(np.sum(self.weight * np.abs(self.fraction - self.score)))

    @property
    def noise(self) -> float:
        """What that mean is for a calibrated score, from the statistics of the bins alone."""
        return float(np.sum(self.weight * self.spread) * np.sqrt(2 / np.pi))


def reliability(sample: WeightedSample, edges: NDArray[np.float64] = EDGES) -> Reliability:
    """Return the share of signal in bins of the score.

    Parameters
    ----------
    sample : WeightedSample
        Values between 0 and 1, weights of the training's mixture, which are not negative.
    edges : NDArray
        Bin edges from 0 to 1.
    """
    sample = sample.select(sample.weight > 0)
    score, weight, error, signal = sample.value, sample.weight, sample.error, sample.is_signal
    _, bin_of_event = np.unique(
        np.searchsorted(edges[1:-1], score, side="right"), return_inverse=True
    )

    def sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(bin_of_event, values).astype(np.float64)

    total = sums(weight)
    fraction = np.clip(sums(weight * signal) / total, 0, 1)
    mean, kish = sums(weight * score) / total, effective_number_of_sums(total, sums(error**2))
    spread = np.sqrt(sums((error * (signal - score)) ** 2)) / total
    variance = sums((error * (signal - fraction[bin_of_event])) ** 2) / total**2
    mixed = (variance > 0) & (fraction * (1 - fraction) > 0)
    n_eff = np.divide(fraction * (1 - fraction), variance, out=kish, where=mixed)
    passed, tail = fraction * n_eff, (1 - COVERAGE) / 2
    low = np.where(passed > 0, beta.ppf(tail, passed, n_eff - passed + 1), 0.0)
    high = np.where(passed < n_eff, beta.ppf(1 - tail, passed + 1, n_eff - passed), 1.0)
    return Reliability(mean, fraction, low, high, spread, total / total.sum(), n_eff)
