"""Observables of events in which two generators are compared, from the arrays of a dataset."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.evaluation.energy_flow import NAMES, energy_flow
from common.columns import Columns
from common.features import KINEMATIC_FEATURES

POINTS = {
    "mass": 0, "pt": 0, "multiplicity": 1, "line": 2, "wedge": 3, "triangle": 3, "c2": 3, "d2": 3,
    "n2": 3, "star": 4, "chain": 4, "square": 4, "diamond": 4,
}  # fmt: skip
"""Observables of each fat jet, and how many constituents they correlate; 0 for all together."""
PAIR = {"mass_hh": "mass", "pt_hh": "pt"}
"""Observables of both fat jets together, and which of their kinematics they are."""


def observables(tensors: Columns, features: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return the observables of N events: `PAIR`, and `{name}_1` and `{name}_2` of the jets.

    Multiplicities and correlations are those of the constituents that the dataset holds, the
    leading ones of each jet.

    Parameters
    ----------
    tensors : mapping
        The five arrays of a dataset.
    features : sequence of str
        Columns of `constituents`, with log_pt (pT in GeV), deta and dphi (rad).
    """
    place = {name: KINEMATIC_FEATURES.index(name) for name in ("mass", "pt")}
    kinematics = tensors["kinematics"].astype(np.float64)
    found = {name: kinematics[:, 2, place[column]] for name, column in PAIR.items()}
    for jet in (0, 1):
        mask = tensors["constituent_mask"][:, jet]
        of_jet: Mapping[str, NDArray[np.float64]] = {
            **{name: kinematics[:, jet, column] for name, column in place.items()},
            "multiplicity": mask.sum(axis=1).astype(np.float64),
            **_correlations(tensors["constituents"][:, jet], mask, features),
        }
        found |= {f"{name}_{jet + 1}": of_jet[name] for name in POINTS}
    return found


def _correlations(
    constituents: NDArray[np.floating], mask: NDArray[np.bool_], features: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    log_pt, eta, phi = (
        constituents[..., list(features).index(name)].astype(np.float64)
        for name in ("log_pt", "deta", "dphi")
    )
    found = energy_flow(np.exp(np.where(mask, log_pt, 0.0)), eta, phi, mask)
    return {name: found[name] for name in NAMES}
