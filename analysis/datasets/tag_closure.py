"""The tag map against the truth: closure, and what a process gains in effective events."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from analysis.config.statistics import BTagging
from analysis.datasets.btagging import category_weights, jet_tag_probabilities, subjet_efficiencies
from analysis.datasets.features import leading_subjet_flavour
from analysis.datasets.tag_map import JetSums, TagMap, build_map, leading_distance, sum_jets
from common.errors import EmptySampleError
from common.weights import effective_number_of_sums

PARTS = 10
RESOLVED = 20.0  # effective events from which on a spread of weights is its own measure


@dataclass(frozen=True)
class Closure:
    """How well the map reproduces the truth weights of the process that it was made from.

    Attributes
    ----------
    ratio, error : float
        Yield by truth weights over yield by the map, and its statistical error.
    map_error : float
        Relative statistical error of the map's yield.
    truth_n_eff, map_n_eff : float
        Effective events of both modes.
    """

    ratio: float
    error: float
    map_error: float
    truth_n_eff: float
    map_n_eff: float

    @property
    def uncertainty(self) -> float:
        """Relative uncertainty on the map's yield: what does not close, or could not be seen to."""
        return float(max(abs(self.ratio - 1), self.error, self.map_error))


@dataclass(frozen=True)
class TaggedJets:
    """The fat jets of a process as the map needs them: [N, 2] each, tags [N, 2, 3], weight [N]."""

    pt: NDArray[np.float64]
    mass: NDArray[np.float64]
    delta_r: NDArray[np.float64]
    tags: NDArray[np.float64]
    weight: NDArray[np.float64]

    @classmethod
    def from_table(cls, table: ak.Array, scale: float, config: BTagging) -> "TaggedJets":
        """Return the jets of an event table whose generator weights are multiplied by `scale`."""
        efficiencies = subjet_efficiencies(leading_subjet_flavour(table), config.efficiency)
        pt, mass = (
            ak.to_numpy(table["fatjet", name]).astype(np.float64) for name in ("pt", "mass")
        )
        weight = ak.to_numpy(table["generator_weight"]) * scale
        return cls(pt, mass, leading_distance(table), jet_tag_probabilities(efficiencies), weight)

    def sums(self, config: BTagging, chosen: NDArray[np.bool_]) -> JetSums:
        """Return the map's sums over the chosen events."""
        place = (self.pt[chosen], self.mass[chosen], self.delta_r[chosen])
        return sum_jets(*place, self.tags[chosen], self.weight[chosen], config.map)


def closure_sums(
    jets: TaggedJets, tag_map: TagMap, left_out: Sequence[TagMap], config: BTagging
) -> NDArray[np.float64]:
    """Return what `closure` wants to know of some events, [6 + K, C]; sums of parts add up.

    In each category: Σwt and Σwm of the truth weights t and the map's m, Σ(wt)², Σ(wm)², Σw²tm,
    the variance that the map predicts, and Σwm of each of the K maps in `left_out`.
    """
    place, weight = (jets.pt, jets.mass, jets.delta_r), jets.weight
    truth = category_weights(jets.tags, config.categories)
    mapped = tag_map.weights(*place, config.categories)
    squares = tag_map.squares(*place, jets.tags, config.categories)
    rows = [
        weight @ truth,
        weight @ mapped,
        weight**2 @ truth**2,
        weight**2 @ mapped**2,
        weight**2 @ (truth * mapped),
        weight**2 @ np.maximum(squares - mapped**2, 0),
        *(weight @ other.weights(*place, config.categories) for other in left_out),
    ]
    return np.stack(rows)


def closure(sums: NDArray[np.float64]) -> Closure:
    """Compare the tag weights of both modes by their sums over events, as of `closure_sums`.

    The jackknife of the map's yields without each of K parts of the events gives the map's error.

    The error is that of the truth yield, from the spread of its weights where `RESOLVED` effective
    events or more measure it. A smaller sample, in which events with four b subjets may have
    happened not to occur, knows less than its own weights tell: there the spread that the map
    predicts is taken where it is larger. It is too large where the process is sampled in classes,
    whose events have other tag weights than the map's mean.
    """
    truth, mapped, truth2, mapped2, product, predicted = sums[:6].tolist()
    replicas = sums[6:]
    if not mapped > 0:
        raise EmptySampleError("the tag map gives its own process no yield: no closure test")
    ratio = truth / mapped
    truth_n_eff, map_n_eff = effective_number_of_sums((truth, mapped), (truth2, mapped2)).tolist()
    variance = max(truth2 - 2 * ratio * product + ratio**2 * mapped2, 0.0)
    if truth_n_eff < RESOLVED:
        variance = max(variance, predicted)
    error = variance**0.5 / mapped
    k = len(replicas)
    map_error = float(np.sqrt((k - 1) * np.var(replicas))) / mapped
    return Closure(ratio, error, map_error, truth_n_eff, map_n_eff)


def map_with_closure(
    jets: Callable[[], Iterable[TaggedJets]], config: BTagging
) -> tuple[TagMap, dict[str, Any]]:
    """Return the map of a process, and its closure in each category of `config`.

    Parameters
    ----------
    jets : callable
        Gives the process's jets part by part, and is called twice: once to make the map, once to
        test it. Memory holds one part.
    config : BTagging

    Raises
    ------
    EmptySampleError
        If the process has no fat jets, or none that is ever tagged.
    """
    count, sums = 0, [JetSums.zero(config.map)] * PARTS
    for some in jets():
        part = np.arange(count, count + len(some.weight)) % PARTS
        sums = [total + some.sums(config, part == k) for k, total in enumerate(sums)]
        count += len(some.weight)
    tag_map = build_map(_total(sums), config.map)
    left_out = [build_map(_total(sums[:k] + sums[k + 1 :]), config.map) for k in range(PARTS)]
    compared = np.zeros((6 + PARTS, len(config.categories)))
    for some in jets():
        compared += closure_sums(some, tag_map, left_out, config)
    report: dict[str, Any] = {}
    for name, column in zip(config.categories, compared.T, strict=True):
        result = closure(column)
        report[name] = {**vars(result), "uncertainty": result.uncertainty}
    return tag_map, report


def whole_map(jets: Iterable[TaggedJets], config: BTagging) -> TagMap:
    """Return the map of a process whose jets come part by part."""
    total = JetSums.zero(config.map)
    for part in jets:
        total = total + part.sums(config, np.ones(len(part.weight), bool))
    return build_map(total, config.map)


def _total(parts: Sequence[JetSums]) -> JetSums:
    total = parts[0]
    for other in parts[1:]:
        total = total + other
    return total
