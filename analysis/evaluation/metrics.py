"""How well scores separate signal from background: weighted ROC curve, AUC, rejection."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.errors import NormalisationError
from common.weighted import WeightedSample

SIGNAL_EFFICIENCIES = (0.3, 0.5, 0.8)
CURVE_GRID = np.linspace(0.01, 1.0, 100)
FEWEST_EFFECTIVE = 5.0
"""Effective background events above a cut, below which no curve is drawn."""
_ROUNDING = 1e-12  # a sum of weights that reaches an efficiency does so whatever its rounding


@dataclass(frozen=True)
class Roc:
    """Weighted efficiencies above a falling cut, from (0, 0) to (1, 1).

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

    def cuts_at(self, signal_efficiency: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the highest cut that keeps at least each signal efficiency."""
        wanted = np.multiply(signal_efficiency, 1 - _ROUNDING)
        return self.cut[np.searchsorted(self.signal, wanted)]

    def background_at(self, signal_efficiency: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ε_B at each ε_S, interpolated; where it jumps, that of the highest cut.

        Examples
        --------
        >>> scores, signal = np.array([3.0, 2.0, 1.0, 0.0]), np.array([1, 0, 1, 0])
        >>> roc = roc_curve(WeightedSample.of_classes(scores, np.ones(4), signal))
        >>> roc.background_at(np.array([0.5, 0.75, 1.0])).round(6).tolist()
        [0.0, 0.5, 0.5]
        """
        wanted = np.maximum(np.subtract(signal_efficiency, _ROUNDING), 0.0)
        return np.interp(wanted, self.signal, self.background)


def roc_curve(sample: WeightedSample) -> Roc:
    """Return the weighted ROC curve, one point per distinct score.

    Raises
    ------
    NormalisationError
        If signal or background has no positive total weight.
    """
    values, index = np.unique(-sample.value, return_inverse=True)
    efficiencies = []
    for name, mask in (("signal", sample.is_signal), ("background", ~sample.is_signal)):
        total = float(sample.weight[mask].sum())
        if total <= 0:
            raise NormalisationError(f"the {name} has a total weight of {total:g}: no ROC curve")
        passing = np.cumsum(np.bincount(index[mask], sample.weight[mask], minlength=len(values)))
        efficiencies.append(np.concatenate([[0.0], passing / total]))
    return Roc(efficiencies[0], efficiencies[1], np.concatenate([[np.inf], -values]))


def area(roc: Roc) -> float:
    """Return the area under the ROC curve; ties count one half.

    Examples
    --------
    >>> scores, signal = np.array([2.0, 1.0, 1.0, 0.0]), np.array([1, 1, 0, 0])
    >>> area(roc_curve(WeightedSample.of_classes(scores, np.ones(4), signal)))  # 3½ of 4 pairs
    0.875
    """
    return float(np.trapezoid(roc.signal, roc.background))


def area_influence(sample: WeightedSample) -> NDArray[np.float64]:
    """Return how far each row [M] moves the area: the root of the sum of squares is its error.

    The weighted form of DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988) 837: the placements
    of either class among the other, each with its own weights. Differences of influences give the
    error of a difference between two scores of the same events.
    """
    roc = roc_curve(sample)
    position = np.searchsorted(-roc.cut[1:], -sample.value) + 1  # index of each row's own cut
    influence, signal = np.zeros(len(sample)), sample.is_signal
    for mask, other, sign in ((signal, roc.background, -1), (~signal, roc.signal, 1)):
        placement = (other[position[mask]] + other[position[mask] - 1]) / 2
        weight = sample.weight[mask]
        centred = placement - np.average(placement, weights=weight)
        influence[mask] = sign * weight * centred / weight.sum()
    return influence


def area_error(sample: WeightedSample) -> float:
    """Return the statistical error of the area (see `area_influence`)."""
    weight = sample.weight
    spread = np.divide(sample.error, weight, out=np.zeros_like(weight), where=weight != 0)
    return float(np.sqrt(np.sum((area_influence(sample) * spread) ** 2)))


def efficiency_error(sample: WeightedSample, passes: NDArray[np.bool_]) -> float:
    """Return the error of the weighted share of rows that pass, binomial for unit weights.

    Examples
    --------
    >>> sample = WeightedSample.of_classes(np.arange(4.0), np.ones(4), np.ones(4))
    >>> efficiency_error(sample, sample.value > 1)  # √(ε(1 − ε)/N)
    0.25
    """
    total = sample.weight.sum()
    efficiency = sample.weight[passes].sum() / total
    return float(np.sqrt(np.sum((sample.error * (passes - efficiency)) ** 2)) / total)


def rejection(sample: WeightedSample, signal_efficiency: float) -> dict[str, float | int | None]:
    """Return 1/ε_B at a signal efficiency, its error, and the background events above it.

    The error joins that of ε_B at a fixed cut with that of the cut, which the signal's finite
    statistics leaves uncertain. Without background above the cut there is no value.

    Examples
    --------
    >>> scores = np.array([3.0, 1.0, 4.0, 0.0, 0.0, 0.0])
    >>> sample = WeightedSample.of_classes(scores, np.ones(6), np.array([1, 1, 0, 0, 0, 0]))
    >>> rejection(sample, 0.5)["value"]  # the cut at 3 leaves one of four background events
    4.0
    """
    roc = roc_curve(sample)
    cut = float(roc.cuts_at(np.array(signal_efficiency)))
    signal, background = sample.signal, sample.background
    left = background.above(cut)
    row: dict[str, float | int | None] = {
        "value": None,
        "error": None,
        "raw": left.raw,
        "n_eff": left.n_eff,
    }
    efficiency = left.total / background.total
    if efficiency <= 0:
        return row
    shift = efficiency_error(signal, signal.value >= cut)
    edges = np.clip(signal_efficiency + np.array([-shift, shift]), 0, 1)
    low, high = roc.background_at(edges)
    counted = efficiency_error(background, background.value >= cut)
    both = float(np.hypot(counted, (high - low) / 2))
    return row | {"value": 1 / efficiency, "error": both / efficiency**2}


def rejection_curve(roc: Roc, signal_efficiency: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1/ε_B at each ε_S, interpolated; NaN where no background is left."""
    left = roc.background_at(signal_efficiency)
    return 1 / np.where(left > 0, left, np.nan)


def background_n_eff(
    sample: WeightedSample, signal_efficiency: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the effective number of background events above the cut at each ε_S."""
    cuts, background = roc_curve(sample).cuts_at(signal_efficiency), sample.background
    return np.array([background.above(cut).n_eff for cut in cuts])


def known_curve(sample: WeightedSample) -> list[float | None]:
    """Return the rejection at each ε_S of `CURVE_GRID`, as far down as the sample knows it.

    The curve ends, and is None below, where the cut leaves fewer than `FEWEST_EFFECTIVE` effective
    background events.
    """
    curve = rejection_curve(roc_curve(sample), CURVE_GRID)
    resolved = background_n_eff(sample, CURVE_GRID) >= FEWEST_EFFECTIVE
    has_curve = np.isfinite(curve) & np.logical_and.accumulate(resolved[::-1])[::-1]
    return [float(value) if k else None for value, k in zip(curve, has_curve, strict=True)]


def metric_row(
    sample: WeightedSample, signal_efficiencies: Sequence[float] = SIGNAL_EFFICIENCIES
) -> dict[str, float | int | None]:
    """Return the columns of the table of metrics: area and rejections, each with its error."""
    row: dict[str, float | int | None] = {
        "auc": area(roc_curve(sample)),
        "auc_error": area_error(sample),
        "test_signal": sample.signal.raw,
        "test_background": sample.background.raw,
        "test_background_n_eff": sample.background.n_eff,
    }
    for efficiency in signal_efficiencies:
        cell = rejection(sample, efficiency)
        name = f"rejection_{100 * efficiency:.0f}"
        row |= {name: cell["value"]} | {
            f"{name}_{key}": cell[key] for key in ("error", "raw", "n_eff")
        }
    return row
