"""A network's scores of validation and test events, as the statistics need them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from analysis.errors import InputFileError, NormalisationError

COLUMNS = ("process", "label", "split", "log_odds", "weight")


@dataclass(frozen=True)
class Scores:
    """Events with their score and yield.

    Attributes
    ----------
    log_odds : NDArray, [N]
        ln(p / (1 − p)) of the signal score p.
    weight : NDArray, [N]
        Yield at the luminosity, tag weight included; the signal's for σ = 1 fb · BR².
    signal : NDArray of bool, [N]
        Whether the event is signal.
    process : NDArray of int, [N]
        Index into `processes`; −1 for signal.
    processes : tuple of str
        Names of the background processes, sorted.
    """

    log_odds: NDArray[np.float64]
    weight: NDArray[np.float64]
    signal: NDArray[np.bool_]
    process: NDArray[np.int64]
    processes: tuple[str, ...]

    @property
    def background(self) -> "Scores":
        """The background events alone."""
        return self.select(~self.signal)

    def select(self, keep: NDArray[np.bool_]) -> "Scores":
        """Return the events where `keep` holds."""
        return Scores(
            self.log_odds[keep],
            self.weight[keep],
            self.signal[keep],
            self.process[keep],
            self.processes,
        )


def read_scores(path: Path, weight_column: str = "weight") -> dict[str, Scores]:
    """Return the scores of a Parquet file by split.

    Parameters
    ----------
    path : Path
        Table with at least the columns `COLUMNS`.
    weight_column : str
        The column that holds the yields; other tag categories have their own.

    Returns
    -------
    dict
        "validation" and "test".

    Raises
    ------
    InputFileError
        If a column is missing, or a score or weight is not finite.
    NormalisationError
        If a split lacks signal or a background process, or one has no positive yield.
    """
    columns = [*COLUMNS[:-1], weight_column]
    try:
        present = pq.read_schema(path).names
        missing = [name for name in columns if name not in present]
        if not missing:
            table = pq.read_table(path, columns=columns, read_dictionary=["process", "split"])
    except (OSError, ValueError) as error:
        raise InputFileError(f"{path} is not a readable Parquet table: {error}") from None
    if missing:
        raise InputFileError(f"{path} lacks the columns {missing}; make it again with rule score")
    for name in ("log_odds", weight_column):
        bad = int(np.count_nonzero(~np.isfinite(table[name].to_numpy())))
        if bad:
            raise InputFileError(
                f"{path}: {bad} of {len(table)} values of {name} are not finite; "
                "the training diverged or the input held NaN: train again"
            )
    signal = table["label"].to_numpy().astype(bool)
    names, kind = _categories(table["process"])
    processes = tuple(sorted(names[k] for k in np.unique(kind[~signal])))
    index = np.array([processes.index(n) if n in processes else -1 for n in names], np.int16)
    scores = Scores(
        table["log_odds"].to_numpy().astype(np.float64, copy=False),
        table[weight_column].to_numpy().astype(np.float64, copy=False),
        signal,
        np.where(signal, np.int16(-1), index[kind]),
        processes,
    )
    sides, side = _categories(table["split"])
    found = {
        name: scores.select(side == (sides.index(name) if name in sides else -1))
        for name in ("validation", "test")
    }
    for name, part in found.items():
        _check_yields(path, name, part)
    return found


def read_keys(path: Path, split: str = "test") -> NDArray[np.uint64]:
    """Return the keys [N] of the events of a split, in the order of `read_scores`.

    Raises
    ------
    InputFileError
        If the file has no keys.
    """
    try:
        table = pq.read_table(path, columns=["key"], filters=[("split", "=", split)])
    except (OSError, ValueError) as error:
        raise InputFileError(f"{path} has no keys of events ({error}); make it again") from None
    return table["key"].to_numpy().astype(np.uint64)


def _categories(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.integer]]:
    """Return the distinct strings of a column, and each row's index among them."""
    found = column.unify_dictionaries().combine_chunks()
    return found.dictionary.to_pylist(), found.indices.to_numpy()


def _check_yields(path: Path, split: str, scores: Scores) -> None:
    for k, name in enumerate(("signal", *scores.processes), start=-1):
        own = scores.process == k
        total = float(scores.weight[own].sum())
        if total <= 0:
            raise NormalisationError(
                f"{path}: the {split} split holds {np.count_nonzero(own)} events of {name} with "
                f"a total yield of {total:g}, which must be positive; simulate more events or "
                "leave the process out"
            )
    if not scores.processes:
        raise NormalisationError(f"{path}: the {split} split holds no background")
