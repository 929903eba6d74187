"""Mixed events: fat jet 1 of one event beside fat jet 2 of another.

One hard process makes both jets, but each from a parton of its own. Once the momenta of both jets
are given, what is inside one says little about the other: so jets of different events that are
alike in momentum can be put together, as in hemisphere mixing (arXiv:1712.02538). N events give N²
such pairs.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.datasets.dataset import TENSORS
from analysis.datasets.features import with_sum
from common.columns import Columns
from common.features import KINEMATIC_FEATURES

_MASS, _ETA, _PHI, _PT, _ENERGY, _THETA = range(len(KINEMATIC_FEATURES))


def mixed_events(
    events: Columns,
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    constituent_features: Sequence[str],
    subjet_features: Sequence[str],
) -> dict[str, Any]:
    """Return the tensors of mixed events.

    Fat jet 2 of event `second` is put where fat jet 2 of event `first` is: it keeps its pT, its
    mass, its θ and all that is inside, and takes the other's η and φ. It is mirrored in η if the
    two are on different sides. Energies follow from the new η; the sum of both jets is formed anew.

    Parameters
    ----------
    events : Columns
        `TENSORS` of N events; kinematics in the order of `KINEMATIC_FEATURES`.
    first, second : [M] int
        Rows of the events that give fat jet 1 and fat jet 2.
    constituent_features, subjet_features : sequence of str
        Names of the columns of the tensors.

    Returns
    -------
    Columns
        `TENSORS` of M events.

    Examples
    --------
    >>> kinematics = np.zeros((2, 3, 6), np.float32)  # (m, η, φ, pT, E, θ) of jet 1, jet 2, H
    >>> kinematics[:, 1] = [[120, 0.5, 3.0, 300, 358, 0.2], [110, -0.5, 2.0, 310, 367, 0.3]]
    >>> empty = {"subjets": np.zeros((2, 2, 1, 1)), "subjet_mask": np.zeros((2, 2, 1), bool)}
    >>> empty |= {f"constituent{end}": empty[f"subjet{end}"] for end in ("s", "_mask")}
    >>> rows = np.array([0]), np.array([1])
    >>> mixed = mixed_events({"kinematics": kinematics, **empty}, *rows, ["pt"], ["pt"])
    >>> [round(float(x), 1) for x in mixed["kinematics"][0, 1]]  # mirrored, at the other's place
    [110.0, 0.5, 3.0, 310.0, 366.5, -0.3]
    """
    result = {name: np.stack([events[name][first, 0], events[name][second, 1]], axis=1)
              for name in TENSORS if name != "kinematics"}  # fmt: skip
    result["kinematics"] = mixed_kinematics(events["kinematics"], first, second)
    jet, moved = events["kinematics"][second, 1], result["kinematics"][:, 1]
    side = _side(events["kinematics"], first, second)
    stretched = np.log(moved[:, _ENERGY] / jet[:, _ENERGY])
    at = side * jet[:, _ETA], moved[:, _ETA]
    for name, features, mask in (
        ("constituents", constituent_features, "constituent_mask"),
        ("subjets", subjet_features, "subjet_mask"),
    ):
        _move(result[name][:, 1], result[mask][:, 1], list(features), side, at, stretched)
    return result


def mixed_kinematics(
    kinematics: NDArray[np.float32], first: NDArray[np.intp], second: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return the kinematics [M, 3, 6] of mixed events, of those of the events [N, 3, 6]."""
    moved = kinematics[second, 1].copy()
    mass, pt = moved[:, _MASS], moved[:, _PT]
    moved[:, _THETA] *= _side(kinematics, first, second)
    moved[:, [_ETA, _PHI]] = kinematics[first, 1][:, [_ETA, _PHI]]
    moved[:, _ENERGY] = np.hypot(pt * np.cosh(moved[:, _ETA]), mass)
    return with_sum(np.stack([kinematics[first, 0], moved], axis=1))


def _side(
    kinematics: NDArray[np.float32], first: NDArray[np.intp], second: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return −1 for pairs whose second jets are on different sides in η, else 1."""
    product = kinematics[first, 1, _ETA] * kinematics[second, 1, _ETA]
    return np.where(product < 0, -1, 1).astype(kinematics.dtype)


def _move(
    tokens: NDArray[np.float32],
    mask: NDArray[np.bool_],
    features: list[str],
    side: NDArray[np.float32],
    at: tuple[NDArray[np.float32], NDArray[np.float32]],
    stretched: NDArray[np.float32],
) -> None:
    """Mirror and move the tokens [M, n, F] of a jet in place, from one η of the jet to another.

    The energy of a token grows as that of a massless particle; a jet's, by e^`stretched`.
    """
    if "deta" not in features:
        return
    deta = features.index("deta")
    tokens[..., deta] *= side[:, None]
    if "tanh_dz" in features:  # a mirrored track starts on the other side of the vertex, too
        tokens[..., features.index("tanh_dz")] *= side[:, None]
    old, new = (np.cosh(eta[:, None] + tokens[..., deta]) for eta in at)
    growth = np.log(new / old) * mask
    for name, change in (
        ("log_energy", growth),
        ("log_energy_rel", growth - stretched[:, None] * mask),
    ):
        if name in features:
            tokens[..., features.index(name)] += change
