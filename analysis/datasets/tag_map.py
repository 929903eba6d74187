"""The tag map: a fat jet's tag probabilities as a function of (pT, mass, subjet ΔR), per process.

Truth tag weights let one event with four real b subjets outweigh thousands of others. The map
gives every event of the process the average weight of its kind instead.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from analysis.config.statistics import BTagging, Category, TagMapBinning
from analysis.datasets.btagging import CATEGORY_TAGS, category_weights, tag_weights
from analysis.datasets.features import leading_subjet_flavour
from common.angles import delta_r
from common.errors import EmptySampleError
from common.tables import read_json
from common.weights import effective_number_of_sums

ONE_SUBJET = -1.0
NOMINAL = "nominal"


@dataclass(frozen=True)
class JetSums:
    """What the map sums per bin of (pT, mass, ΔR); sums of different chunks add up.

    Attributes
    ----------
    weight, weight2 : NDArray, [P, M, R]
        Σw and Σw² of the jets.
    tags : NDArray, [P, M, R, 3]
        Σ w · probability of 0, 1 and 2 tags.
    products : NDArray, [P, M, R, 3, 3]
        Σ w · the products of two of these probabilities.
    """

    weight: NDArray[np.float64]
    weight2: NDArray[np.float64]
    tags: NDArray[np.float64]
    products: NDArray[np.float64]

    @classmethod
    def zero(cls, binning: TagMapBinning) -> Self:
        """Return the sums over no jets."""
        bins = shape(binning)
        return cls(*(np.zeros((*bins, *rest)) for rest in ((), (), (3,), (3, 3))))

    def __add__(self, other: Self) -> "JetSums":
        return JetSums(
            self.weight + other.weight,
            self.weight2 + other.weight2,
            self.tags + other.tags,
            self.products + other.products,
        )


@dataclass(frozen=True)
class TagMap:
    """Tag probabilities per bin, and how to find a jet's bin.

    Attributes
    ----------
    binning : TagMapBinning
        The edges.
    probabilities : NDArray, [P, M, R, 3]
        Probability of 0, 1 and 2 tags in each bin.
    products : NDArray, [P, M, R, 3, 3]
        Mean products of two of the truth probabilities, for the variance of the truth weights.
    """

    binning: TagMapBinning
    probabilities: NDArray[np.float64]
    products: NDArray[np.float64]

    def jet_tags(
        self, pt: NDArray[np.float64], mass: NDArray[np.float64], delta_r: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the tag probabilities of jets, [...] → [..., 3]."""
        return self.probabilities[_bins(self.binning, pt, mass, delta_r)]

    def weights(
        self,
        pt: NDArray[np.float64],
        mass: NDArray[np.float64],
        delta_r: NDArray[np.float64],
        categories: tuple[Category, ...],
    ) -> NDArray[np.float64]:
        """Return the tag weights of events, [N, 2 jets] → [N, C]."""
        return category_weights(self.jet_tags(pt, mass, delta_r), categories)

    def squares(
        self,
        pt: NDArray[np.float64],
        mass: NDArray[np.float64],
        delta_r: NDArray[np.float64],
        tags: NDArray[np.float64],
        categories: tuple[Category, ...],
    ) -> NDArray[np.float64]:
        """Return the mean squares of the events' truth tag weights, [N, 2 jets] → [N, C].

        Of each event one jet has its truth probabilities `tags` [N, 2, 3] and the other the map's,
        both ways: a sample that happens to hold no event with two double-b jets is not taken for
        one that could hold none, and events count with the weights that single double-b jets have.
        """
        mapped = self.products[_bins(self.binning, pt, mass, delta_r)]
        actual = tags[..., :, None] * tags[..., None, :]
        squares = [
            sum(
                actual[:, 0, a, c] * mapped[:, 1, b, d] + mapped[:, 0, a, c] * actual[:, 1, b, d]
                for a, b in CATEGORY_TAGS[name]
                for c, d in CATEGORY_TAGS[name]
            )
            / 2
            for name in categories
        ]
        return np.stack(squares, axis=-1)

    def to_json(self) -> dict[str, Any]:
        """Return the map as JSON."""
        return {
            "binning": self.binning.model_dump(mode="json"),
            "probabilities": self.probabilities.tolist(),
            "products": self.products.tolist(),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Return the map that `to_json` gave."""
        arrays = (np.array(content[name]) for name in ("probabilities", "products"))
        return cls(TagMapBinning(**content["binning"]), *arrays)


def leading_distance(table: ak.Array) -> NDArray[np.float64]:
    """Return ΔR of the two leading subjets of both fat jets of an event table, [N, 2].

    `ONE_SUBJET` where a fat jet has fewer than two.
    """
    subjets = ak.pad_none(table["subjet"][:, :, :2], 2, axis=2)
    first, second = subjets[:, :, 0], subjets[:, :, 1]
    distance = delta_r(first["eta"], first["phi"], second["eta"], second["phi"])
    return ak.to_numpy(ak.fill_none(distance, ONE_SUBJET)).astype(np.float64).reshape(-1, 2)


def _bins(
    binning: TagMapBinning,
    pt: NDArray[np.float64],
    mass: NDArray[np.float64],
    delta_r: NDArray[np.float64],
) -> tuple[NDArray[np.intp], ...]:
    """Return the bin of each jet; the first ΔR bin is that of jets with a single subjet."""
    distance = np.digitize(delta_r, binning.delta_r_edges) + 1
    return (
        np.clip(np.digitize(pt, binning.pt_edges) - 1, 0, None),
        np.digitize(mass, binning.mass_edges),
        np.where(delta_r < 0, 0, distance),
    )


def shape(binning: TagMapBinning) -> tuple[int, int, int]:
    """Return the numbers of bins in pT, mass and ΔR."""
    return len(binning.pt_edges), len(binning.mass_edges) + 1, len(binning.delta_r_edges) + 2


def sum_jets(
    pt: NDArray[np.float64],
    mass: NDArray[np.float64],
    delta_r: NDArray[np.float64],
    jet_tags: NDArray[np.float64],
    weight: NDArray[np.float64],
    binning: TagMapBinning,
) -> JetSums:
    """Sum the truth tag probabilities of both fat jets of every event.

    Parameters
    ----------
    pt, mass, delta_r : NDArray, [N, 2]
        Fat jets [GeV]; ΔR of the two leading subjets, `ONE_SUBJET` where there is one or none.
    jet_tags : NDArray, [N, 2, 3]
        Truth probabilities of 0, 1 and 2 tags.
    weight : NDArray, [N]
        Event weights before tagging.
    binning : TagMapBinning
        The edges.
    """
    index = np.ravel_multi_index(_bins(binning, pt, mass, delta_r), shape(binning)).ravel()
    size = int(np.prod(shape(binning)))
    w = np.repeat(weight, 2)
    tags = jet_tags.reshape(-1, 3)
    products = (tags[:, :, None] * tags[:, None, :]).reshape(-1, 9)
    columns = [w, w**2, *(w[:, None] * np.hstack([tags, products])).T]
    sums = [
        np.bincount(index, column, size).reshape(shape(binning)).astype(np.float64)
        for column in columns
    ]
    moments = np.stack(sums[2:], axis=-1)
    matrix = moments[..., 3:].reshape(*shape(binning), 3, 3)
    return JetSums(sums[0], sums[1], moments[..., :3], matrix)


def build_map(sums: JetSums, binning: TagMapBinning) -> TagMap:
    """Return the map of a process.

    Each bin's mean is drawn towards that of the next coarser binning, (pT, mass, ΔR) → (mass, ΔR)
    → (ΔR) → all jets, with the strength of `binning.prior_events` effective jets, so that an empty
    bin takes the coarser mean and a full one its own. The ΔR bin of single subjets, where two tags
    are impossible, is never mixed with the others.

    Raises
    ------
    EmptySampleError
        If there are no jets, or their weights do not sum to a positive number.
    """
    if not sums.weight.sum() > 0:
        raise EmptySampleError("the process has no fat jets of positive total weight: no tag map")
    moments = np.concatenate([sums.tags, sums.products.reshape(*sums.weight.shape, 9)], axis=-1)
    everything = moments.sum(axis=(0, 1, 2)) / sums.weight.sum()
    shares = np.broadcast_to(everything, (1, 1, sums.weight.shape[2], 12))
    for axes in ((0, 1), (0,), ()):
        weight, weight2 = (a.sum(axis=axes, keepdims=True) for a in (sums.weight, sums.weight2))
        n_eff = effective_number_of_sums(weight, weight2)[..., None]
        mean = moments.sum(axis=axes, keepdims=True) / np.where(weight > 0, weight, 1)[..., None]
        prior = 0.0 if len(axes) == 2 else binning.prior_events
        drawn = (n_eff * mean + prior * shares) / np.where(n_eff + prior > 0, n_eff + prior, 1)
        shares = np.where((n_eff > 0) & (weight[..., None] > 0), drawn, shares)
    shares = np.clip(shares, 0, 1)
    return TagMap(binning, shares[..., :3], shares[..., 3:].reshape(*shares.shape[:3], 3, 3))


def read_maps(path: Path) -> dict[str, TagMap]:
    """Return the maps in a file of rule tag_map: `NOMINAL`, and one per shift of a tag rate."""
    content = read_json(path)
    return {
        name: TagMap.from_json(table)
        for name, table in {NOMINAL: content["map"], **content["variations"]}.items()
    }


def table_tag_weights(
    table: ak.Array, config: BTagging, key: NDArray[np.uint64], tag_map: TagMap | None
) -> NDArray[np.float64]:
    """Return the tag weights of an event table, [N, C]: from `tag_map` where one is given.

    Without one, the weights are those of the truth flavours (signals have no map: one in two of
    their fat jets has two b subjets, and truth weights serve them well).
    """
    if tag_map is None:
        mode = "truth" if config.mode == "map" else config.mode
        flavour = leading_subjet_flavour(table)
        return tag_weights(flavour, config.model_copy(update={"mode": mode}), key)
    pt, mass = (ak.to_numpy(table["fatjet", name]).astype(np.float64) for name in ("pt", "mass"))
    return tag_map.weights(pt, mass, leading_distance(table), config.categories)
