"""Whether a reweighted sample has the distributions of the alternative one: binned comparisons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from analysis.datasets.training_weights import training_weights
from analysis.evaluation.calibration import Reliability, reliability
from analysis.evaluation.metrics import area, area_error, roc_curve
from common.weighted import WeightedSample
from common.weights import effective_number

Floats = NDArray[np.float64]

MOST_BINS = 10
EVENTS_PER_BIN = 25.0
"""Effective events of the smaller sample in a bin, with which the errors of bins are normal."""


@dataclass(frozen=True)
class Events:
    """Weighted events of one sample: values of an observable, weights and folds, [N] each."""

    value: Floats
    weight: Floats
    fold: NDArray[np.integer]

    def shape(self, edges: Floats) -> tuple[Floats, Floats]:
        """Return the share of the weights in each bin, and its error √Σw² / W, [K] each.

        The outer bins are open.
        """
        bins = np.searchsorted(edges[1:-1], self.value, side="right")
        number = len(edges) - 1
        total = self.weight.sum()
        share = np.bincount(bins, self.weight, number) / total
        return share, np.sqrt(np.bincount(bins, self.weight**2, number)) / total

    def in_fold(self, fold: int) -> "Events":
        chosen = self.fold == fold
        return Events(self.value[chosen], self.weight[chosen], self.fold[chosen])


@dataclass(frozen=True)
class Agreement:
    """χ² of two shapes.

    Attributes
    ----------
    chi2 : float
    ndf : int
    """

    chi2: float
    ndf: int

    @property
    def p_value(self) -> float:
        """Chance of a larger χ² for two samples of one distribution."""
        return float(chi2.sf(self.chi2, self.ndf)) if self.ndf else 1.0


def bin_edges(samples: Sequence[Events], most: int = MOST_BINS) -> Floats:
    """Return edges [K + 1] of bins that hold equal shares of all samples together.

    As many as leave the smallest fold of the smallest sample `EVENTS_PER_BIN` effective events a
    bin, at least two and at most `most`; fewer where values repeat, as those of whole numbers.
    """
    per_fold = [
        effective_number(part.weight)
        for sample in samples
        for fold in np.unique(sample.fold)
        if len((part := sample.in_fold(int(fold))).weight)
    ]
    number = int(np.clip(min(per_fold) / EVENTS_PER_BIN, 2, most))
    value = np.concatenate([sample.value for sample in samples])
    weight = np.concatenate([sample.weight / sample.weight.sum() for sample in samples])
    order = np.argsort(value, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    places = np.searchsorted(share, np.linspace(0, 1, number + 1)[1:-1])
    edges = np.concatenate([value[order][[0]], value[order][places], value[order][[-1]]])
    return np.unique(edges) if edges[0] < edges[-1] else edges[[0, -1]]


def agreement(one: Events, other: Events, edges: Floats) -> Agreement:
    """Return how well the shapes of two samples agree, fold by fold.

    χ² = Σ (p − q)² / (σ_p² + σ_q²) of the shares of each fold (Gagunashvili, physics/0605123),
    summed over folds. Within a fold no event of either sample was seen by the classifier that
    weights it, so that the two sides are independent. The statistical error of the classifier
    itself, which other events would have trained otherwise, is not in it.
    """
    total, ndf = 0.0, 0
    for fold in np.unique(one.fold):
        (p, p_error), (q, q_error) = (s.in_fold(int(fold)).shape(edges) for s in (one, other))
        variance = p_error**2 + q_error**2
        filled = variance > 0
        total += float(np.sum((p - q)[filled] ** 2 / variance[filled]))
        ndf += max(int(filled.sum()) - 1, 0)
    return Agreement(total, ndf)


def shape_rows(samples: Mapping[str, Events], edges: Floats) -> list[dict[str, float]]:
    """Return a row per bin: its edges, and the share of each sample with its error."""
    shapes = {name: events.shape(edges) for name, events in samples.items()}
    return [
        {"bin": k, "low": float(edges[k]), "high": float(edges[k + 1])}
        | {
            f"{name}{suffix}": float(values[k])
            for name, shape in shapes.items()
            for suffix, values in zip(("", "_error"), shape, strict=True)
        }
        for k in range(len(edges) - 1)
    ]


def separation(
    log_odds: Floats, weight: Floats, factor: Floats, alternative: NDArray[np.bool_]
) -> tuple[Reliability, dict[str, float]]:
    """Return whether a classifier's score is calibrated, and how well it tells two samples apart.

    Parameters
    ----------
    log_odds, weight, factor : [N]
        Of the events of both samples; the factors of alternative events do not matter.
    alternative : [N] bool

    Returns
    -------
    reliability : Reliability
        With both samples of equal sums of weights, as in the training.
    columns : dict
        Areas under the ROC curve before and after reweighting, 0.5 for samples that look alike to
        the classifier, calibration error, and effective numbers of events.
    """
    probability = np.exp(-np.logaddexp(0, -log_odds))
    equal = training_weights(alternative.astype(np.uint8), weight, 1.0).astype(np.float64)
    curve = reliability(WeightedSample.of_classes(probability, equal, alternative))
    before = WeightedSample.of_classes(log_odds, weight, alternative)
    after = before.scaled(np.where(alternative, 1.0, factor))
    return curve, {
        "auc_before": area(roc_curve(before)),
        "auc_before_error": area_error(before),
        "auc_after": area(roc_curve(after)),
        "auc_after_error": area_error(after),
        "calibration_error": curve.error,
        "calibration_noise": curve.noise,
        "n_eff_nominal": before.background.n_eff,
        "n_eff_reweighted": after.background.n_eff,
        "n_eff_alternative": before.signal.n_eff,
    }
