"""The public top-tagging reference dataset (Zenodo 2603256): single fat jets as network inputs.

Its files (`train.h5`, `val.h5`, `test.h5`) hold a pandas table of E_i, PX_i, PY_i, PZ_i [GeV] of up
to 200 constituents, zero padded, then the four-momentum of the true top, `ttv` and
`is_signal_new`. They are read as plain HDF5: pandas would unpickle the table's attributes.
"""

from collections.abc import Mapping
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
from numpy.typing import NDArray

from analysis.config.reconstruction import Subjets
from analysis.datasets.features import tensors
from analysis.reconstruction.fatjets import pairs, polar
from analysis.reconstruction.orientation import orient
from analysis.reconstruction.subjets import find_subjets
from common.angles import delta_phi
from common.errors import InputFileError

TABLE = "table/table"
LAYOUT = "the reference layout has E_i, PX_i, PY_i, PZ_i, the true top, ttv and is_signal_new"


def read_jets(
    path: str | Path, start: int = 0, stop: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return the constituents and labels of a range of jets.

    Parameters
    ----------
    path : path
        A file of the reference dataset.
    start, stop : int
        Rows of the table.

    Returns
    -------
    constituents : [N, P, 4] float64
        (E, px, py, pz) in GeV, zero padded.
    label : [N] uint8
        1 for a top, 0 for QCD.

    Raises
    ------
    InputFileError
        If the file cannot be read or has another layout.
    """
    try:
        with h5py.File(path) as file:
            rows = file[TABLE][start:stop]
        values, flags = rows["values_block_0"], rows["values_block_1"]
    except (OSError, KeyError, ValueError) as error:
        raise InputFileError(f"{path} cannot be read as a top-tagging file ({error}); {LAYOUT}; a "
            "compressed file may need `pip install hdf5plugin`") from None  # fmt: skip
    if values.ndim != 2 or values.shape[1] < 8 or values.shape[1] % 4:
        raise InputFileError(f"{path} has {values.shape[1:]} numbers per jet; {LAYOUT}")
    places = values.shape[1] // 4 - 1
    constituents = values[:, :-4].reshape(len(values), places, 4).astype(np.float64)
    momentum = np.linalg.norm(constituents[..., 1:], axis=-1)
    if not np.isfinite(constituents).all() or (constituents[..., 0] < 0.99 * momentum).any():
        raise InputFileError(f"{path} holds columns that are not (E, px, py, pz); {LAYOUT}")
    empty = np.flatnonzero((momentum <= 0).all(axis=1))
    if len(empty):
        raise InputFileError(f"{path}: jet {start + empty[0]} has no constituent; {LAYOUT}")
    return constituents, flags[:, -1].astype(np.uint8)


def jet_tensors(
    constituents: NDArray[np.float64], subjets: Subjets, max_constituents: int = 100
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

    Returns
    -------
    mapping
        `constituents` [N, 1, max_constituents, F] and so on; `kinematics` [N, 1, 6]. Charge and
        class of constituents are not known: zero.
    """
    count = len(constituents)
    if count % 2:  # the features are those of pairs of jets
        constituents = np.concatenate([constituents, constituents[-1:]])
    pt = np.hypot(constituents[..., 1], constituents[..., 2])
    order = np.argsort(-pt, axis=1, kind="stable")
    ordered = np.take_along_axis(constituents, order[..., None], axis=1)
    kept = ordered[np.take_along_axis(pt, order, axis=1) > 0]
    particles = ak.unflatten(
        ak.zip(dict(zip(("E", "px", "py", "pz"), kept.T, strict=True))), (pt > 0).sum(1)
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
                "charge": ak.zeros_like(deta),
                "kind": ak.full_like(deta, -1),
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
