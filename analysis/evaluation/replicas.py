"""Bootstrap replicas of events that pass by: which are drawn how often, and what a cut leaves.

How often an event is drawn is a function of its key, so that nothing need be held of any event, and
one that several networks or seeds have scored is drawn as often for each.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import poisson

from analysis.evaluation.metrics import efficiency_error
from common.hashing import mix
from common.weighted import WeightedSample

STREAM = 8
"""Stream of random numbers of the keys, apart from those of splits, drawn tags and samples."""
WINDOW = 6.0
"""Standard deviations about a signal efficiency within which the cuts of replicas are sought."""
FEW = 20.0
"""Effective events by which the window is wider: Poisson numbers of few are no normal ones."""
CUTS = 512
"""Most cuts that are tried in a window: two hundredths of a standard deviation apart."""

_DIGITS = 16  # binary digits of a random number, four of which come from one hash
_COUNTS = np.searchsorted(
    poisson.cdf(np.arange(12), 1.0), (np.arange(1 << _DIGITS) + 0.5) / (1 << _DIGITS)
).astype(np.float64)


def poisson_counts(key: NDArray[np.uint64], replicas: int, seed: int) -> NDArray[np.float64]:
    """Return how often each replica draws each event, [N, K]: Poisson numbers of mean one."""
    salt = mix(mix(np.array([seed], np.uint64)) + np.uint64(STREAM))
    of_four = mix(np.arange(-(-replicas // 4), dtype=np.uint64))
    hashes = mix(mix(key ^ salt)[:, None] ^ of_four)
    return _COUNTS[hashes.astype("<u8").view("<u2")[:, :replicas]]


def candidate_cuts(
    signal: WeightedSample, signal_efficiencies: Sequence[float]
) -> NDArray[np.float64]:
    """Return the cuts [M], falling, among which replicas find theirs for each signal efficiency.

    These are the scores of signal within the window, at most `CUTS` of them; the last one is −∞.
    """
    ordered = signal.falling()
    total = ordered.weight.sum()
    reached = np.maximum.accumulate(np.cumsum(ordered.weight)) / total
    last_event = len(ordered) - 1
    chosen = [last_event]
    for wanted in signal_efficiencies:
        width = WINDOW * efficiency_error(ordered, reached <= wanted)
        width += FEW * np.sum((ordered.error / total) ** 2)
        ends = np.searchsorted(reached, [wanted - width, wanted + width])
        first, last = np.minimum(ends, last_event)
        chosen += np.linspace(first, last, min(CUTS, last - first + 1)).astype(int).tolist()
    return np.append(np.unique(ordered.value[chosen])[::-1], -np.inf)


class ReplicaSums:
    """Sums of the replicas' signal and background above each of some cuts.

    Parameters
    ----------
    cuts : NDArray, [M]
        Falling.
    replicas : int
        Their number K.
    """

    def __init__(self, cuts: NDArray[np.float64], replicas: int) -> None:
        self.cuts = cuts
        self._sums = np.zeros((2 * (len(cuts) + 1), replicas))

    def add(self, events: WeightedSample, counts: NDArray[np.float64]) -> None:
        """Add N events that the replicas draw `counts` [N, K] times."""
        cell = np.searchsorted(-self.cuts, -events.value)
        cell += (len(self.cuts) + 1) * events.is_signal
        shape = (len(self._sums), len(events))
        places = (cell, np.arange(len(events)))
        self._sums += csr_array((events.weight, places), shape=shape) @ counts

    def background_efficiency(self, signal_efficiencies: Sequence[float]) -> NDArray[np.float64]:
        """Return ε_B [E, K] above the highest cut that keeps at least that much signal.

        As in `metrics.rejection`; NaN where a replica lacks signal or background.
        """
        passing = np.cumsum(self._sums.reshape(2, -1, self._sums.shape[1]), axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            background, signal = passing[:, :-1] / passing[:, -1:]
        background[:, np.isnan(signal[-1])] = np.nan
        target = np.asarray(signal_efficiencies) * (1 - 1e-12)
        columns = np.arange(signal.shape[1])
        return np.stack([background[np.argmax(signal >= e, axis=0), columns] for e in target])
