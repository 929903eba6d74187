"""The tag map against the truth: closure, and what a process gains in effective events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from analysis.btagging import category_weights, jet_tag_probabilities, subjet_efficiencies
from analysis.config.statistics import BTagging
from analysis.errors import EmptySampleError
from analysis.features import leading_subjet_flavour
from analysis.tag_map import JetSums, TagMap, build_map, leading_distance, sum_jets
from analysis.tail_fit import effective_number

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


def closure(
    truth: NDArray[np.float64],
    mapped: NDArray[np.float64],
    squares: NDArray[np.float64],
    weight: NDArray[np.float64],
    replicas: NDArray[np.float64],
) -> Closure:
    """Compare the tag weights of both modes over events, all [N].

    `replicas` [K] are the map's yields with each of K parts of the events left out of the map, for
    the jackknife error of the map.

    The error is that of the truth yield, from the spread of its weights where `RESOLVED` effective
    events or more measure it. A smaller sample, in which events with four b subjets may have
    happened not to occur, knows less than its own weights tell: there the spread that the map
    predicts (`squares`) is taken where it is larger. It is too large where the process is sampled
    in classes, whose events have other tag weights than the map's mean.
    """
    total = float(np.sum(weight * mapped))
    if not total > 0:
        raise EmptySampleError("the tag map gives its own process no yield: no closure test")
    ratio = float(np.sum(weight * truth)) / total
    truth_n_eff = effective_number(weight * truth)
    variance = np.sum((weight * (truth - ratio * mapped)) ** 2)
    if truth_n_eff < RESOLVED:
        predicted = np.sum(weight**2 * np.maximum(squares - mapped**2, 0))
        variance = max(variance, predicted)
    error = float(np.sqrt(variance)) / total
    k = len(replicas)
    map_error = float(np.sqrt((k - 1) * np.var(replicas))) / total
    return Closure(ratio, error, map_error, truth_n_eff, effective_number(weight * mapped))


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

    @classmethod
    def concatenate(cls, parts: Sequence["TaggedJets"]) -> "TaggedJets":
        """Return the jets of several tables."""
        names = ("pt", "mass", "delta_r", "tags", "weight")
        return cls(*(np.concatenate([getattr(part, n) for part in parts]) for n in names))

    def sums(self, config: BTagging, chosen: NDArray[np.bool_]) -> JetSums:
        """Return the map's sums over the chosen events."""
        place = (self.pt[chosen], self.mass[chosen], self.delta_r[chosen])
        return sum_jets(*place, self.tags[chosen], self.weight[chosen], config.map)


def map_with_closure(jets: TaggedJets, config: BTagging) -> tuple[TagMap, dict[str, Any]]:
    """Return the map of a process, and its closure in each category of `config`.

    Raises
    ------
    EmptySampleError
        If the process has no fat jets, or none that is ever tagged.
    """
    part = np.arange(len(jets.weight)) % PARTS
    parts = [jets.sums(config, part == k) for k in range(PARTS)]
    place = (jets.pt, jets.mass, jets.delta_r)
    found = build_map(_total(parts), config.map)
    left_out = [build_map(_total(parts[:k] + parts[k + 1 :]), config.map) for k in range(PARTS)]
    replicas = np.stack([jets.weight @ m.weights(*place, config.categories) for m in left_out])
    mapped = found.weights(*place, config.categories)
    squares = found.squares(*place, jets.tags, config.categories)
    truth = category_weights(jets.tags, config.categories)
    report: dict[str, Any] = {}
    for k, name in enumerate(config.categories):
        columns = (truth[:, k], mapped[:, k], squares[:, k])
        result = closure(*columns, jets.weight, replicas[:, k])
        report[name] = {**vars(result), "uncertainty": result.uncertainty}
    return found, report


def _total(parts: Sequence[JetSums]) -> JetSums:
    total = parts[0]
    for other in parts[1:]:
        total = total + other
    return total
