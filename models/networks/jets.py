"""One jet at a time: the two fat jets of events as events of one jet."""

from collections.abc import Mapping

import numpy as np

from models.networks.batch import NAMES


def single_jets(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return 2N events of one jet each: jet 1 and jet 2 of the first event, and so on.

    Parameters
    ----------
    arrays : mapping
        The five arrays of a dataset, [N, 2, …].

    Returns
    -------
    dict
        The same names, [2N, 1, …]; `kinematics` [2N, 1, 6] without the token of the sum. Labels
        and weights of events go with `np.repeat(…, 2)`.
    """
    two = {name: np.asarray(arrays[name])[:, :2] for name in NAMES}
    return {name: array.reshape(-1, 1, *array.shape[2:]) for name, array in two.items()}
