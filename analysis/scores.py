"""A network's scores of validation and test events, as the statistics need them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from analysis.errors import InputFileError, NormalisationError

COLUMNS = ("sample", "process", "label", "split", "log_odds", "weight")


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
        table = pq.read_table(path)
    except (OSError, ValueError) as error:
        raise InputFileError(f"{path} is not a readable Parquet table: {error}") from None
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise InputFileError(f"{path} lacks the columns {missing}; make it again with rule score")
    values = {name: table[name].to_numpy() for name in ("label", "log_odds", weight_column)}
    for name in ("log_odds", weight_column):
        bad = int(np.count_nonzero(~np.isfinite(values[name].astype(np.float64))))
        if bad:
            raise InputFileError(
                f"{path}: {bad} of {len(table)} values of {name} are not finite; "
                "the training diverged or the input held NaN: train again"
            )
    names = np.array(table["process"].to_pylist(), dtype=object)
    signal = values["label"].astype(bool)
    processes = tuple(sorted(set(names[~signal])))
    index = {name: k for k, name in enumerate(processes)}
    process = np.array([-1 if s else index[n] for s, n in zip(signal, names, strict=True)], int)
    scores = Scores(
        values["log_odds"].astype(np.float64),
        values[weight_column].astype(np.float64),
        signal,
        process,
        processes,
    )
    split = np.array(table["split"].to_pylist(), dtype=object)
    found = {name: scores.select(split == name) for name in ("validation", "test")}
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
