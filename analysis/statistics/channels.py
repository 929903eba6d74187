"""Channels of the fit: the yields of a category with all that is uncertain about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from analysis.config.statistics import BTagging, Category, Limits, WorkingPoint
from analysis.statistics.binning import histogram, rising_edges, yields
from analysis.statistics.working_point import Cut, count_background, cut_and_count, signal_yield
from analysis.statistics.workspace import Channel
from common.errors import NoLimitError
from common.weighted import WeightedSample

TAILS = ("shared_tails", "assumed_tails")
"""Nuisances of mixed and borrowed tails: of their scale, and of what is assumed of their shape."""
TAGS: dict[Category, tuple[int, int]] = {"4b": (4, 0), "3b": (3, 1), "2b": (2, 2)}


@dataclass(frozen=True)
class CategoryScores:
    """The scores of one tag category.

    Attributes
    ----------
    category : str
        Its name.
    nominal : WeightedSample
    variations : mapping
        Nuisance → scores at +1σ and, where there is one, at −1σ.
    non_closure : mapping
        Process → relative uncertainty of the tag map in this category.
    k_factor_errors : mapping
        Process → relative uncertainty of its K-factor.
    """

    category: Category
    nominal: WeightedSample
    variations: Mapping[str, tuple[WeightedSample, ...]] = field(default_factory=dict)
    non_closure: Mapping[str, float] = field(default_factory=dict)
    k_factor_errors: Mapping[str, float] = field(default_factory=dict)

    def aligned(self) -> Self:
        """Return the same with one list of processes, which some of the scores may lack."""
        every = (self.nominal, *(side for sides in self.variations.values() for side in sides))
        names = tuple(dict.fromkeys(name for scores in every for name in scores.processes))
        varied = {n: tuple(s.naming(names) for s in sides) for n, sides in self.variations.items()}
        return replace(self, nominal=self.nominal.naming(names), variations=varied)

    @property
    def process_errors(self) -> dict[str, float]:
        """Relative uncertainty of each process from both, in quadrature."""
        names = {*self.non_closure, *self.k_factor_errors}
        return {
            name: float(
                np.hypot(self.non_closure.get(name, 0.0), self.k_factor_errors.get(name, 0.0))
            )
            for name in names
        }


def btag_effect(category: Category, tagging: BTagging, relative: float) -> float:
    """Return the relative change of a category's yield when all efficiencies rise by `relative`.

    For b subjets of efficiency p: d ln(pᵏ (1 − p)ᵐ) = (k − m p / (1 − p)) d ln p, with k tagged
    and m untagged subjets.
    """
    p = min(tagging.efficiency.b, 0.999)
    tagged, untagged = TAGS[category]
    return (tagged - untagged * p / (1 - p)) * relative


def count_channel(
    scores: CategoryScores, point: WorkingPoint, config: Limits, tagging: BTagging
) -> Channel:
    """Return the one-bin channel above the category's own working point.

    Raises
    ------
    NoLimitError
        If the working point cannot be found or holds no signal.
    """
    cut, passing, _ = cut_and_count(scores.nominal, point)
    signal, error, _ = signal_yield(scores.nominal, cut.threshold)
    names = scores.nominal.processes
    normalisations = _normalisations(scores, config, tagging)
    normalisations["tail_fit"] = dict.fromkeys(names, passing.tail_error / passing.expected)
    for name, sigma in zip(TAILS, (passing.shared_error, passing.assumed_error), strict=True):
        normalisations[name] = dict.fromkeys(names, sigma / passing.expected)
    nominal = np.array([signal, *passing.per_process])
    for name, sides in scores.variations.items():
        shifted = [_yields(side, cut, point) for side in sides]
        up, down = shifted[0], shifted[-1] if len(shifted) > 1 else 2 * nominal - shifted[0]
        effect = (up - down) / (2 * np.where(nominal > 0, nominal, 1))
        normalisations[name] = dict(zip(("signal", *names), effect.tolist(), strict=True))
    return Channel(
        scores.category,
        np.array([signal]),
        error / signal,
        {n: np.array([b]) for n, b in zip(names, passing.per_process, strict=True) if b > 0},
        np.array([passing.statistical_error]),
        normalisations,
    )


def _yields(scores: WeightedSample, cut: Cut, point: WorkingPoint) -> NDArray[np.float64]:
    background = count_background(scores, cut, point).per_process
    return np.array([signal_yield(scores, cut.threshold)[0], *background])


def shape_channel(scores: CategoryScores, config: Limits, tagging: BTagging) -> Channel:
    """Return the channel of the binned score.

    Raises
    ------
    NoLimitError
        If no bin holds enough effective background events, or none any signal.
    """
    edges = rising_edges(scores.nominal, config)
    filled = histogram(scores.nominal, edges)
    contents: Any = filled.view()
    nominal, variances = yields(filled), contents["variance"]
    names = scores.nominal.processes
    signal = np.maximum(nominal["signal"], 0)
    if not signal.any():
        raise NoLimitError("the signal has no positive yield in any bin of the score")
    shapes: dict[str, dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]] = {}
    for name, errors in zip(TAILS, (scores.nominal.shared, scores.nominal.assumed), strict=True):
        if errors.any():
            error = yields(histogram(replace(scores.nominal, weight=errors), edges))
            shapes[name] = {n: (nominal[n] + error[n], nominal[n] - error[n]) for n in names}
    for name, sides in scores.variations.items():
        shifted = [yields(histogram(side, edges)) for side in sides]
        up, down = shifted[0], shifted[-1]
        shapes[name] = {
            sample: (
                up[sample],
                down[sample] if len(shifted) > 1 else 2 * nominal[sample] - up[sample],
            )
            for sample in ("signal", *names)
        }
    return Channel(
        scores.category,
        signal,
        float(np.sqrt(variances[0].sum()) / signal.sum()),
        {name: np.maximum(nominal[name], 0) for name in names},
        np.sqrt(variances[1:].sum(axis=0)),
        _normalisations(scores, config, tagging),
        shapes,
    )


def _normalisations(
    scores: CategoryScores, config: Limits, tagging: BTagging
) -> dict[str, dict[str, float]]:
    """Return the nuisances that scale whole samples, with their relative effects."""
    names = scores.nominal.processes
    everything = ("signal", *names)
    uncertainties = {f"norm_{name}": {name: config.background_uncertainty} for name in names}
    uncertainties["luminosity"] = dict.fromkeys(everything, config.luminosity_uncertainty)
    if "btag_b" not in scores.variations:
        btag = btag_effect(scores.category, tagging, config.btag_uncertainty)
        uncertainties["btag"] = dict.fromkeys(everything, btag)
    uncertainties |= {f"tag_map_{n}": {n: d} for n, d in scores.non_closure.items() if n in names}
    uncertainties |= {
        f"k_factor_{n}": {n: d} for n, d in scores.k_factor_errors.items() if n in names
    }
    return uncertainties


def background_error(channel: Channel) -> float:
    """Return the total uncertainty on a one-bin channel's background, in quadrature [events]."""
    effects = [
        sum(effect.get(name, 0.0) * float(b[0]) for name, b in channel.background.items())
        for effect in channel.normalisations.values()
    ]
    effects += [
        sum(float(up[0] - down[0]) / 2 for name, (up, down) in sides.items() if name != "signal")
        for sides in channel.shapes.values()
    ]
    return float(np.hypot(channel.background_error[0], np.sqrt(np.sum(np.square(effects)))))
