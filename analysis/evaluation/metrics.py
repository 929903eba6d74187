"""How well scores separate signal from background: weighted ROC curve, AUC, rejection.

The functions take events as scores, signal or not, and weights, [N] each. Where a row stands for
several events, `error` is its √Σw² and `events` their number; for single events |w| and one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.errors import NormalisationError
from common.weights import effective_number

SIGNAL_EFFICIENCIES = (0.3, 0.5, 0.8)
CURVE_GRID = np.linspace(0.01, 1.0, 100)
FEWEST_BEHIND = 5.0
"""Effective background events behind a cut, below which no curve is drawn."""


@dataclass(frozen=True)
class Roc:
    """Weighted efficiencies behind a falling cut, from (0, 0) to (1, 1).

    Attributes
    ----------
    signal, background : NDArray, [M]
        ε_S and ε_B, non-decreasing for positive weights.
    cut : NDArray, [M]
        The scores of the cuts; +∞ first.
    """

    signal: NDArray[np.float64]
    background: NDArray[np.float64]
    cut: NDArray[np.float64]


def roc_curve(
    score: NDArray[np.float64], signal: NDArray[np.bool_], weight: NDArray[np.float64]
) -> Roc:
    """Return the weighted ROC curve, one point per distinct score.

    Raises
    ------
    NormalisationError
        If signal or background has no positive total weight.
    """
    values, index = np.unique(-score, return_inverse=True)
    efficiencies = []
    for name, kind in (("signal", signal), ("background", ~signal)):
        total = float(weight[kind].sum())
        if total <= 0:
            raise NormalisationError(f"the {name} has a total weight of {total:g}: no ROC curve")
        behind = np.cumsum(np.bincount(index[kind], weight[kind], minlength=len(values)))
        efficiencies.append(np.concatenate([[0.0], behind / total]))
    return Roc(efficiencies[0], efficiencies[1], np.concatenate([[np.inf], -values]))


def area(roc: Roc) -> float:
    """Return the area under the ROC curve; ties count one half."""
    return float(np.trapezoid(roc.signal, roc.background))


def area_influence(
    score: NDArray[np.float64], signal: NDArray[np.bool_], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far each event [N] moves the area: the root of the sum of squares is its error.

    The weighted form of DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988) 837: the placements
    of either class among the other, each with its own weights. Differences of influences give the
    error of a difference between two scores of the same events.
    """
    roc = roc_curve(score, signal, weight)
    position = np.searchsorted(-roc.cut[1:], -score) + 1  # index of each event's own cut
    influence = np.zeros(len(score))
    for own, other, sign in ((signal, roc.background, -1), (~signal, roc.signal, 1)):
        placement = (other[position[own]] + other[position[own] - 1]) / 2
        centred = placement - np.average(placement, weights=weight[own])
        influence[own] = sign * weight[own] * centred / weight[own].sum()
    return influence


def area_error(
    score: NDArray[np.float64],
    signal: NDArray[np.bool_],
    weight: NDArray[np.float64],
    error: NDArray[np.float64] | None = None,
) -> float:
    """Return the statistical error of the area (see `area_influence`)."""
    influence = area_influence(score, signal, weight)
    if error is not None:
        influence *= np.divide(error, weight, out=np.zeros_like(weight), where=weight != 0)
    return float(np.sqrt(np.sum(influence**2)))


def efficiency_error(
    passes: NDArray[np.bool_],
    weight: NDArray[np.float64],
    error: NDArray[np.float64] | None = None,
) -> float:
    """Return the error of a weighted efficiency, binomial for unit weights."""
    total = weight.sum()
    efficiency = weight[passes].sum() / total
    error = weight if error is None else error
    return float(np.sqrt(np.sum((error * (passes - efficiency)) ** 2)) / total)


def rejection(
    score: NDArray[np.float64],
    signal: NDArray[np.bool_],
    weight: NDArray[np.float64],
    signal_efficiency: float,
    error: NDArray[np.float64] | None = None,
    events: NDArray[np.int64] | None = None,
) -> dict[str, float | int | None]:
    """Return 1/ε_B at a signal efficiency, its error, and the background events behind it.

    The error joins that of ε_B at a fixed cut with that of the cut, which the signal's finite
    statistics leaves uncertain. Without background behind the cut there is no value.
    """
    roc = roc_curve(score, signal, weight)
    # a sum of weights that reaches the efficiency exactly must do so whatever its rounding
    cut = roc.cut[np.searchsorted(roc.signal, signal_efficiency * (1 - 1e-12))]
    error = np.abs(weight) if error is None else error
    background, passes = ~signal, score >= cut
    left = background & passes
    found: dict[str, float | int | None] = {
        "value": None,
        "error": None,
        "raw": _count(left, events),
        "n_eff": effective_number(weight[left], error[left]),
    }
    efficiency = float(weight[left].sum() / weight[background].sum())
    if efficiency <= 0:
        return found
    shift = efficiency_error(passes[signal], weight[signal], error[signal])
    edges = np.clip(signal_efficiency + np.array([-shift, shift]), 0, 1)
    low, high = np.interp(edges, roc.signal, roc.background)
    counted = efficiency_error(passes[background], weight[background], error[background])
    both = float(np.hypot(counted, (high - low) / 2))
    return found | {"value": 1 / efficiency, "error": both / efficiency**2}


def _count(chosen: NDArray[np.bool_], events: NDArray[np.int64] | None) -> int:
    return int(np.count_nonzero(chosen) if events is None else events[chosen].sum())


def rejection_curve(roc: Roc, signal_efficiency: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1/ε_B at each ε_S, interpolated; NaN where no background is left."""
    left = np.interp(signal_efficiency, roc.signal, roc.background)
    return 1 / np.where(left > 0, left, np.nan)


def background_n_eff(
    score: NDArray[np.float64],
    signal: NDArray[np.bool_],
    weight: NDArray[np.float64],
    signal_efficiency: NDArray[np.float64],
    error: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the effective number of background events behind the cut at each ε_S."""
    roc = roc_curve(score, signal, weight)
    at = np.searchsorted(roc.signal, signal_efficiency * (1 - 1e-12))
    error = np.abs(weight) if error is None else error
    x, w, e = score[~signal], weight[~signal], error[~signal]
    return np.array([effective_number(w[x >= cut], e[x >= cut]) for cut in roc.cut[at]])


def known_curve(
    score: NDArray[np.float64],
    signal: NDArray[np.bool_],
    weight: NDArray[np.float64],
    error: NDArray[np.float64] | None = None,
) -> list[float | None]:
    """Return the rejection at each ε_S of `CURVE_GRID`, as far down as the sample knows it.

    The curve ends, and is None below, where the cut leaves fewer than `FEWEST_BEHIND` effective
    background events.
    """
    curve = rejection_curve(roc_curve(score, signal, weight), CURVE_GRID)
    enough = background_n_eff(score, signal, weight, CURVE_GRID, error) >= FEWEST_BEHIND
    known = np.isfinite(curve) & np.logical_and.accumulate(enough[::-1])[::-1]
    return [float(value) if there else None for value, there in zip(curve, known, strict=True)]


def metric_row(
    score: NDArray[np.float64],
    signal: NDArray[np.bool_],
    weight: NDArray[np.float64],
    signal_efficiencies: Sequence[float] = SIGNAL_EFFICIENCIES,
    error: NDArray[np.float64] | None = None,
    events: NDArray[np.int64] | None = None,
) -> dict[str, float | int | None]:
    """Return the columns of the table of metrics: area and rejections, each with its error."""
    error = np.abs(weight) if error is None else error
    row: dict[str, float | int | None] = {
        "auc": area(roc_curve(score, signal, weight)),
        "auc_error": area_error(score, signal, weight, error),
        "test_signal": _count(signal, events),
        "test_background": _count(~signal, events),
        "test_background_n_eff": effective_number(weight[~signal], error[~signal]),
    }
    for efficiency in signal_efficiencies:
        found = rejection(score, signal, weight, efficiency, error, events)
        name = f"rejection_{100 * efficiency:.0f}"
        row |= {name: found["value"]} | {
            f"{name}_{key}": found[key] for key in ("error", "raw", "n_eff")
        }
    return row
