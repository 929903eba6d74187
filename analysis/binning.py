"""Bins of the score for the shape fit: the best few, each with enough background to be trusted."""

import numpy as np
from numpy.typing import NDArray

from analysis.config.statistics import Limits
from analysis.scores import Scores
from analysis.significance import NoLimitError, asimov_significance

_CANDIDATES = 60
_REFERENCE_SIGNAL = 0.05


def best_edges(validation: Scores, config: Limits) -> NDArray[np.float64]:
    """Return the lower edges of the bins in log-odds, rising; the last bin is open above.

    Among candidate edges at quantiles of the signal, dynamic programming finds the at most
    `config.shape_bins` bins with the largest Σ Z_A² for a small signal, each with at least
    `config.min_bin_n_eff` effective background events. The first bin is open below.

    Raises
    ------
    NoLimitError
        If even all of the background has fewer effective events than one bin needs.
    """
    edges, sums = _candidate_sums(validation)
    gain = _gains(sums, config)
    count = len(edges)
    best = np.full((config.shape_bins + 1, count + 1), -np.inf)
    cut = np.zeros((config.shape_bins + 1, count + 1), dtype=int)
    best[0, 0] = 0.0
    for k in range(1, config.shape_bins + 1):
        total = best[k - 1][:, None] + gain  # [start, stop]
        cut[k], best[k] = total.argmax(axis=0), total.max(axis=0)
    bins = int(best[:, count].argmax())
    if not np.isfinite(best[bins, count]):
        raise NoLimitError(
            f"the validation background has {_n_eff(sums[:, 1:].sum(axis=0)):.3g} effective events "
            f"and one bin of the shape fit needs {config.min_bin_n_eff:g}: simulate more"
        )
    chosen, stop = [], count
    for k in range(bins, 0, -1):
        stop = cut[k, stop]
        chosen.append(stop)
    return edges[chosen[::-1]]


def _candidate_sums(scores: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return candidate edges [E], and Σw_S, Σw_B, Σw_B² of the finest bins [E, 3]."""
    signal = scores.log_odds[scores.signal]
    fractions = np.concatenate([np.linspace(0, 0.95, 20), 1 - np.geomspace(0.045, 1e-3, 40)])
    edges = np.unique(np.quantile(signal, fractions[:_CANDIDATES]))
    edges[0] = -np.inf
    index = np.searchsorted(edges, scores.log_odds, side="right") - 1
    s, w = scores.signal, scores.weight
    columns = [w * s, w * ~s, w**2 * ~s]
    return edges, np.stack([np.bincount(index, c, len(edges)) for c in columns], axis=-1)


def _n_eff(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    total, squares = sums[..., 0], sums[..., 1]
    return np.where(squares > 0, total**2 / np.where(squares > 0, squares, 1), 0.0)


def _gains(sums: NDArray[np.float64], config: Limits) -> NDArray[np.float64]:
    """Return Z_A² of a bin from edge i up to edge j, [E + 1, E + 1]; −∞ where it is not allowed."""
    running = np.concatenate([np.zeros((1, 3)), np.cumsum(sums, axis=0)])
    s, b, b2 = np.moveaxis(running[None] - running[:, None], -1, 0)
    n_eff = _n_eff(np.stack([b, b2], axis=-1))
    allowed = np.triu(np.ones_like(s, dtype=bool), 1) & (b > 0) & (n_eff >= config.min_bin_n_eff)
    safe = np.where(allowed, b, 1.0)
    sigma = np.sqrt(np.where(allowed, b2, 0) + (config.background_uncertainty * safe) ** 2)
    scale = _REFERENCE_SIGNAL / max(sums[:, 0].sum(), 1e-300) * np.sqrt(sums[:, 1].sum())
    z = asimov_significance(np.where(allowed, np.maximum(s, 0) * scale, 0.0), safe, sigma)
    return np.where(allowed, z**2, -np.inf)


def merge_until_resolved(
    edges: NDArray[np.float64], test: Scores, floor: float
) -> NDArray[np.float64]:
    """Drop edges, from the top, until every bin holds `floor` effective test background events.

    Raises
    ------
    NoLimitError
        If even one bin for everything does not.
    """
    background = test.background
    kept = list(edges)
    while kept:
        upper = [*kept[1:], np.inf]
        contents = [
            background.weight[(background.log_odds >= low) & (background.log_odds < high)]
            for low, high in zip(kept, upper, strict=True)
        ]
        sums = np.array([[w.sum(), (w**2).sum()] for w in contents])
        poor = np.flatnonzero((_n_eff(sums) < floor) | (sums[:, 0] <= 0))
        if not len(poor):
            return np.array(kept)
        if len(kept) == 1:
            break
        kept.pop(max(int(poor[-1]), 1))
    raise NoLimitError(
        f"the test background has fewer than {floor:g} effective events: no shape fit; "
        "simulate more background"
    )


def histogram(scores: Scores, edges: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return Σw and Σw² per bin, [K] each: keys "signal", the processes, and each with "²"."""
    found = {}
    index = np.searchsorted(edges, scores.log_odds, side="right") - 1
    inside = index >= 0
    for k, name in enumerate(("signal", *scores.processes), start=-1):
        own = inside & (scores.process == k)
        for suffix, power in (("", 1), ("²", 2)):
            found[name + suffix] = np.bincount(
                index[own], scores.weight[own] ** power, len(edges)
            ).astype(np.float64)
    return found
