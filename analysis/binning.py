"""Bins of the score for the shape fit: the best few, each with enough background to be trusted."""

import numpy as np
from numpy.typing import NDArray

from analysis.config.statistics import Limits
from analysis.scores import Scores
from analysis.significance import NoLimitError, asimov_significance

_REFERENCE_SIGNAL = 0.05


def best_edges(scores: Scores, config: Limits) -> NDArray[np.float64]:
    """Return the lower edges of the bins in log-odds, rising; the last bin is open above.

    Among candidate edges at quantiles of signal and background, dynamic programming finds the at
    most `config.shape_bins` bins with the largest Σ Z_A² for a small signal, each with at least
    `config.min_bin_n_eff` effective background events. Events below the first edge are left out:
    one of large weight at low scores would else forbid every bin that reaches down to it.

    Raises
    ------
    NoLimitError
        If no bin holds enough effective background events.
    """
    edges = _candidate_edges(scores)
    sums = _running_sums(scores, edges)
    gain = _gains(sums, config)
    count = len(edges)
    best = np.full((config.shape_bins + 1, count + 1), -np.inf)
    cut = np.zeros((config.shape_bins + 1, count + 1), dtype=int)
    best[0] = 0.0  # the first bin may start at any edge
    for k in range(1, config.shape_bins + 1):
        total = best[k - 1][:, None] + gain  # [start, stop]
        cut[k], best[k] = total.argmax(axis=0), total.max(axis=0)
    bins = int(best[1:, count].argmax()) + 1
    if not np.isfinite(best[bins, count]):
        raise NoLimitError(
            "no bin of the score holds enough background: all events are "
            f"{_n_eff(sums[..., 1:])[0, -1]:.3g} effective ones, and a bin needs "
            f"{config.min_bin_n_eff:g}; simulate more background"
        )
    chosen, stop = [], count
    for k in range(bins, 0, -1):
        stop = cut[k, stop]
        chosen.append(stop)
    return edges[chosen[::-1]]


def _candidate_edges(scores: Scores) -> NDArray[np.float64]:
    """Return quantiles of signal and background, denser at high scores.

    Fine enough for the few scores between one heavy event and the next, where alone a bin is
    resolved.
    """
    fractions = np.concatenate([np.linspace(0, 0.95, 96), 1 - np.geomspace(0.049, 1e-3, 60)])
    kinds = (scores.select(scores.signal), scores.background)
    edges = np.unique(np.concatenate([_quantiles(kind, fractions) for kind in kinds]))
    edges[0] = -np.inf
    return edges


def _quantiles(scores: Scores, fractions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the quantiles of the log-odds, every event counted once."""
    if scores.shared is None:
        return np.quantile(scores.log_odds, fractions)
    order = np.argsort(scores.log_odds, kind="stable")
    behind = np.cumsum(scores.events[order])
    place = np.searchsorted(behind, fractions * (behind[-1] - 1), side="right")
    return scores.log_odds[order][place]


def _running_sums(scores: Scores, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Σw_S, Σw_B and Σw_B² from edge i up to edge j, [E + 1, E + 1, 3]."""
    index = np.searchsorted(edges, scores.log_odds, side="right") - 1
    s, w = scores.signal, scores.weight
    columns = [w * s, w * ~s, scores.error**2 * ~s]
    sums = np.stack([np.bincount(index, c, len(edges)) for c in columns], axis=-1)
    running = np.concatenate([np.zeros((1, 3)), np.cumsum(sums, axis=0)])
    return running[None] - running[:, None]


def _n_eff(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    total, squares = sums[..., 0], sums[..., 1]
    return np.where(squares > 0, total**2 / np.where(squares > 0, squares, 1), 0.0)


def _resolved(sums: NDArray[np.float64], floor: float) -> NDArray[np.bool_]:
    """Return where the background from edge i up to edge j > i has `floor` effective events."""
    ordered = np.triu(np.ones(sums.shape[:2], dtype=bool), 1)
    return ordered & (sums[..., 1] > 0) & (_n_eff(sums[..., 1:]) >= floor)


def _gains(sums: NDArray[np.float64], config: Limits) -> NDArray[np.float64]:
    """Return Z_A² of a bin from edge i up to edge j, [E + 1, E + 1]; −∞ where it is not allowed."""
    s, b, b2 = np.moveaxis(sums, -1, 0)
    allowed = _resolved(sums, config.min_bin_n_eff)
    safe = np.where(allowed, b, 1.0)
    sigma = np.sqrt(np.where(allowed, b2, 0) + (config.background_uncertainty * safe) ** 2)
    scale = _REFERENCE_SIGNAL / max(s[0, -1], 1e-300) * np.sqrt(b[0, -1])
    z = asimov_significance(np.where(allowed, np.maximum(s, 0) * scale, 0.0), safe, sigma)
    return np.where(allowed, z**2, -np.inf)


def histogram(scores: Scores, edges: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return Σw and Σw² per bin, [K] each: keys "signal", the processes, and each with "²"."""
    found = {}
    index = np.searchsorted(edges, scores.log_odds, side="right") - 1
    inside = index >= 0
    for k, name in enumerate(("signal", *scores.processes), start=-1):
        own = inside & (scores.process == k)
        for suffix, values in (("", scores.weight), ("²", scores.error**2)):
            sums = np.bincount(index[own], values[own], len(edges))
            found[name + suffix] = sums.astype(np.float64)
    return found
