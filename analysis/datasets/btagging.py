"""Tag-rate weights: the probability that an event falls into each b-tag category."""

import numpy as np
from numpy.typing import NDArray

from analysis.config.statistics import BTagging, Category, TagEfficiency
from common.errors import ConfigError
from common.hashing import uniform

MISSING = -1
_LIGHT, _CHARM, _BOTTOM = 0, 4, 5
CATEGORY_TAGS: dict[Category, tuple[tuple[int, int], ...]] = {  # tags per fat jet
    "4b": ((2, 2),),
    "3b": ((2, 1), (1, 2)),
    "2b": ((1, 1),),
}
_STREAMS = range(1, 5)  # one per subjet; stream 0 splits the events


def subjet_efficiencies(
    flavour: NDArray[np.integer], efficiency: TagEfficiency
) -> NDArray[np.float64]:
    """Return each subjet's tag probability.

    Parameters
    ----------
    flavour : NDArray
        Truth flavours 5 (b), 4 (c), 0 (light), −1 (no such subjet: never tagged), any shape.
    efficiency : TagEfficiency
        Probability per flavour.

    Raises
    ------
    ValueError
        If another flavour occurs.

    Examples
    --------
    >>> subjet_efficiencies(np.array([5, 4, 0, MISSING]), TagEfficiency()).tolist()
    [0.75, 0.1, 0.01, 0.0]
    """
    flavour = np.asarray(flavour)
    table = {
        MISSING: 0.0, _LIGHT: efficiency.light, _CHARM: efficiency.c, _BOTTOM: efficiency.b
    }  # fmt: skip
    if not np.isin(flavour, list(table)).all():
        raise ValueError(f"subjet flavours must be among {sorted(table)}")
    rate = np.zeros(flavour.shape)
    for code, probability in table.items():
        rate[flavour == code] = probability
    return rate


def jet_tag_probabilities(efficiencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities of 0, 1 and 2 tags per fat jet, [..., 2 subjets] → [..., 3].

    Examples
    --------
    >>> jet_tag_probabilities(np.array([0.75, 0.75])).tolist()  # (1 − ε)², 2ε(1 − ε), ε²
    [0.0625, 0.375, 0.5625]
    """
    first, second = efficiencies[..., 0], efficiencies[..., 1]
    both = first * second
    one = first * (1 - second) + second * (1 - first)
    return np.stack([(1 - first) * (1 - second), one, both], axis=-1)


def category_weights(
    jet_tags: NDArray[np.float64], categories: tuple[Category, ...]
) -> NDArray[np.float64]:
    """Return each event's probability of each category.

    Parameters
    ----------
    jet_tags : NDArray, [N, 2, 3]
        Probabilities of 0, 1 and 2 tags of each fat jet, independent between the two.
    categories : tuple of str
        Exclusive categories, see `BTagging.categories`.

    Returns
    -------
    NDArray, [N, C]

    Examples
    --------
    >>> jet = [0.0625, 0.375, 0.5625]
    >>> category_weights(np.array([[jet, jet]]), ("4b", "3b", "2b")).round(4).tolist()
    [[0.3164, 0.4219, 0.1406]]
    """
    weights = [
        sum(jet_tags[:, 0, lead] * jet_tags[:, 1, sub] for lead, sub in CATEGORY_TAGS[name])
        for name in categories
    ]
    return np.stack(weights, axis=-1)


def tag_weights(
    flavour: NDArray[np.integer], config: BTagging, key: NDArray[np.uint64] | None = None
) -> NDArray[np.float64]:
    """Return the tag weights of modes `truth` and `cut` (for `map` see `tag_map.py`).

    Parameters
    ----------
    flavour : NDArray, [N, 2, 2]
        Truth flavours of the two leading subjets of both fat jets, −1 where one is missing.
    config : BTagging
        Mode, efficiencies and categories.
    key : NDArray of uint64, [N], optional
        The events' keys; mode `cut` draws each event's tags from its key and the seed, so that
        they do not depend on what else is in the table.

    Returns
    -------
    NDArray, [N, C]
        Probability of each category; 0 or 1 in mode `cut`.

    Raises
    ------
    ConfigError
        If the mode is `map`.

    Examples
    --------
    >>> flavour = np.array([[[5, 5], [5, 5]], [[5, 5], [4, 4]]])
    >>> tag_weights(flavour, BTagging()).round(4).tolist()  # 0.75⁴ and 0.75² · 0.1²
    [[0.3164], [0.0056]]
    """
    if config.mode == "map":
        raise ConfigError("btagging.mode is `map`: its weights come from a tag map, not flavours")
    efficiencies = subjet_efficiencies(flavour, config.efficiency)
    if config.mode == "cut":
        if key is None:
            raise ValueError("mode `cut` needs the events' keys")
        draws = np.stack([uniform(key, config.seed, stream) for stream in _STREAMS], axis=-1)
        efficiencies = (draws.reshape(-1, 2, 2) < efficiencies).astype(np.float64)
    return category_weights(jet_tag_probabilities(efficiencies), config.categories)
