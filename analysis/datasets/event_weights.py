"""The weights of a dataset: generator and normalisation by coffea's `Weights`, and tags.

A tag weight shifts with the tag rate of b, c or light subjets. The shifts are further columns of
the tag weights; the scores keep them and the fits make templates at +1σ and −1σ of them.
They are stacked by hand: coffea keeps a shift as the ratio to the nominal weight, which is lost
where that is 0, as in category 3b at a rate of exactly 1, and its shifted weight is not.
"""

from collections.abc import Mapping

import numpy as np
from coffea.analysis_tools import Weights
from numpy.typing import NDArray

from analysis.config.statistics import BTagging


def physical_weight(generator: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Return the weight before tags [N] at 1 fb⁻¹: that of the generator times σ · k / Σw.

    Examples
    --------
    >>> physical_weight(np.array([2.0, -1.0]), 0.5).tolist()
    [1.0, -0.5]
    """
    weights = Weights(len(generator))
    weights.add("generator", generator)
    weights.add("normalisation", np.full(len(generator), scale))
    return np.asarray(weights.weight())


def tag_columns(
    nominal: NDArray[np.float64], shifted: Mapping[str, NDArray[np.float64]], config: BTagging
) -> NDArray[np.float64]:
    """Return the columns of tag weights, [N, C (1 + V)], in the order of `column_names`.

    Parameters
    ----------
    nominal : NDArray, [N, C]
        Tag weights in C categories.
    shifted : mapping of str to NDArray, [N, C]
        Tag weights of each of the V variations in `config.variations`.
    config : BTagging
    """
    shifts = [shifted[name] for name in config.variations]
    return np.concatenate([nominal, *shifts], axis=1)


def column_names(config: BTagging) -> list[str]:
    """Return the names of the columns: the categories, then each of them in each variation.

    Examples
    --------
    >>> column_names(BTagging(uncertainty={"c": 0.1}))
    ['4b', '4b_btag_c_up', '4b_btag_c_down']
    """
    shifts = [f"{category}_{name}" for name in config.variations for category in config.categories]
    return [*config.categories, *shifts]
