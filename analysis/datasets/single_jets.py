"""Single fat jets of public files as network inputs, and the HDF5 file that holds them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from analysis.config.reconstruction import Subjets
from analysis.datasets.dataset import write_dataset
from analysis.datasets.features import tensors
from analysis.reconstruction.fatjets import pairs, polar
from analysis.reconstruction.orientation import orient
from analysis.reconstruction.subjets import find_subjets
from common.angles import delta_phi
from common.columns import Columns
from common.features import CONSTITUENT_FEATURES, KINEMATIC_FEATURES, SUBJET_FEATURES
from common.files import atomic_path


def jet_tensors(
    constituents: NDArray[np.float64],
    subjets: Subjets,
    max_constituents: int = 100,
    charge: NDArray[np.int8] | None = None,
    kind: NDArray[np.int8] | None = None,
) -> Mapping[str, NDArray]:
    """Return network inputs of single jets, by the names and features of a dataset.

    Parameters
    ----------
    constituents : [N, P, 4] float64
        (E, px, py, pz) in GeV, zero padded; at least one of each jet above zero.
    subjets : Subjets
        How subjets are found.
    max_constituents : int
        Leading constituents kept.
    charge, kind : [N, P] int8, optional
        Charge, and class as an index (charged hadron, electron, muon, photon, neutral hadron; −1:
        none of them); zero and −1 where they are not known.

    Returns
    -------
    mapping
        `constituents` [N, 1, max_constituents, F] and so on; `kinematics` [N, 1, 6].
    """
    count = len(constituents)
    charge = np.zeros(constituents.shape[:2], np.int8) if charge is None else charge
    kind = np.full(constituents.shape[:2], -1, np.int8) if kind is None else kind
    if count % 2:  # the features are those of pairs of jets
        constituents, charge, kind = (
            np.concatenate([array, array[-1:]]) for array in (constituents, charge, kind)
        )
    pt = np.hypot(constituents[..., 1], constituents[..., 2])
    order = np.argsort(-pt, axis=1, kind="stable")
    ordered = np.take_along_axis(constituents, order[..., None], axis=1)
    filled = np.take_along_axis(pt, order, axis=1) > 0
    kept, number = ordered[filled], filled.sum(1)
    known = [
        ak.unflatten(np.take_along_axis(array, order, axis=1)[filled], number)
        for array in (charge, kind)
    ]
    particles = ak.unflatten(
        ak.zip(dict(zip(("E", "px", "py", "pz"), kept.T, strict=True))), number
    )
    total = constituents.sum(1)
    momentum = ak.zip(dict(zip(("E", "px", "py", "pz"), total.T, strict=True)))
    jets = polar(ak.unflatten(momentum, 1))[:, 0]
    directions = polar(particles)
    deta, dphi = directions.eta - jets.eta, delta_phi(directions.phi, jets.phi)
    oriented = orient(deta, dphi, directions.pt)
    for name in ("eta", "phi"):
        particles = ak.with_field(particles, directions[name], name)
    table = {
        "fatjet": ak.with_field(jets, oriented.theta, "theta"),
        "constituent": ak.zip(
            {
                "eta": oriented.eta,
                "phi": oriented.phi,
                "deta": deta,
                "dphi": dphi,
                "pt": directions.pt,
                "energy": directions.energy,
                "charge": known[0],
                "kind": known[1],
            }
        ),
        "subjet": find_subjets(particles, subjets),
    }
    events = ak.zip({name: pairs(column) for name, column in table.items()}, depth_limit=1)
    padded = tensors(events, max_constituents, subjets.max_per_jet)
    width = {"kinematics": 2}
    return {
        name: array[:, : width.get(name, array.shape[1])].reshape(-1, 1, *array.shape[2:])[:count]
        for name, array in padded.items()
    }


def write_jets(
    path: Path, parts: Iterable[Columns], split: str, process: str, classes: Sequence[str]
) -> None:
    """Write single jets as a dataset.

    Parameters
    ----------
    path : Path
    parts : iterable of Columns
        `jet_tensors`, `key` [n] uint64 and `label` [n] uint8 of some jets each; `weight` [n] if
        they are not all one.
    split : str
        train, validation or test.
    process : str
    classes : sequence of str
        Names of the labels 0, 1, …
    """

    def weighted(part: Columns) -> Columns:
        count = len(part["key"])
        return {"weight": np.ones(count), "tag_weight": np.ones((count, 1)), **part}

    attributes = {
        "sample": split,
        "process": process,
        "label": "both",
        "mass_gev": 0.0,
        "categories": ["none"],
        "classes": list(classes),
        "constituent_features": CONSTITUENT_FEATURES,
        "subjet_features": SUBJET_FEATURES,
        "kinematic_features": KINEMATIC_FEATURES,
    }
    with atomic_path(path) as temporary:
        write_dataset(temporary, map(weighted, parts), attributes)
