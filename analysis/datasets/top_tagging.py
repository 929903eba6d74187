"""The public top-tagging reference dataset (Zenodo 2603256): single fat jets as network inputs.

Its files (`train.h5`, `val.h5`, `test.h5`) hold a pandas table of E_i, PX_i, PY_i, PZ_i [GeV] of up
to 200 constituents, zero padded, then the four-momentum of the true top, `ttv` and
`is_signal_new`. They are read as plain HDF5: pandas would unpickle the table's attributes.
"""

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

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
