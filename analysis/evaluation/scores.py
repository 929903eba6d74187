"""The scores of all events, each by a network that has not seen it, as the statistics need them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.evaluation.score_table import ScoreTable
from common.condensed import ROWS, Condensed, Condenser
from common.errors import NormalisationError


@dataclass(frozen=True)
class Scores:
    """Events with their score and yield; of very many, those of equal score share a row.

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
    shared : pair of NDArray [N], optional
        √Σw² and number of the events of each row; None: every row is one event.
    """

    log_odds: NDArray[np.float64]
    weight: NDArray[np.float64]
    signal: NDArray[np.bool_]
    process: NDArray[np.int64]
    processes: tuple[str, ...]
    shared: tuple[NDArray[np.float64], NDArray[np.int64]] | None = None

    @property
    def error(self) -> NDArray[np.float64]:
        """Statistical error √Σw² of each row's yield; |w| of a single event."""
        return np.abs(self.weight) if self.shared is None else self.shared[0]

    @property
    def events(self) -> NDArray[np.int64]:
        """Number of events of each row."""
        return np.ones(len(self.weight), np.int64) if self.shared is None else self.shared[1]

    @property
    def background(self) -> "Scores":
        """The background events alone."""
        return self.select(~self.signal)

    def behind(self, threshold: float) -> "Scores":
        """The events whose log-odds are at least `threshold`."""
        return self.select(self.log_odds >= threshold)

    def select(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> "Scores":
        """Return the rows where `keep` holds, or that it numbers."""
        return Scores(
            self.log_odds[keep],
            self.weight[keep],
            self.signal[keep],
            self.process[keep],
            self.processes,
            self.shared and (self.shared[0][keep], self.shared[1][keep]),
        )

    def scaled(self, factor: float | NDArray[np.float64]) -> "Scores":
        """Return the events with `factor` (one for all, or [N]) times their yield."""
        shared = self.shared and (self.shared[0] * factor, self.shared[1])
        return replace(self, weight=self.weight * factor, shared=shared)

    def counted(self) -> "Scores":
        """Return the events with weight one each."""
        shared = self.shared and (np.sqrt(self.events), self.events)
        return replace(self, weight=self.events.astype(np.float64), shared=shared)


def read_scores(path: Path, weight_column: str = "weight", rows: int = ROWS) -> Scores:
    """Return the scores of a Parquet file.

    Up to `rows` events are returned as they are. Of more, those of a process whose log-odds agree
    to a resolution share a row (see `common.condensed`): memory does not grow with the file.

    Parameters
    ----------
    path : Path
        Table with at least the columns `score_table.COLUMNS`.
    weight_column : str
        The column that holds the yields; other tag categories have their own.
    rows : int

    Raises
    ------
    InputFileError
        If a column is missing, or a score or weight is not finite.
    NormalisationError
        If the table lacks signal or background, or a process has no positive yield.
    """
    table, condenser = ScoreTable(path, weight_column), Condenser(rows)
    for events in table.steps():
        kind = np.where(events["label"] == 1, -1, events["process"])
        condenser.add(events["log_odds"], kind, events["weight"])
    found = condenser.result()
    processes = tuple(sorted(table.processes[k] for k in np.unique(found.kind) if k >= 0))
    index = np.array([*(processes.index(n) if n in processes else -1 for n in table.processes), -1])
    scores = _scores(found, index, processes)
    _check_yields(path, scores)
    return scores


def _scores(rows: Condensed, index: NDArray[np.int64], processes: tuple[str, ...]) -> Scores:
    """Return scores of rows whose kind is −1 for signal, else a place in `index`."""
    shared = None if (rows.events == 1).all() else (rows.error, rows.events)
    signal = rows.kind < 0
    return Scores(rows.value, rows.weight, signal, index[rows.kind], processes, shared)


def _check_yields(path: Path, scores: Scores) -> None:
    for k, name in enumerate(("signal", *scores.processes), start=-1):
        own = scores.process == k
        total = float(scores.weight[own].sum())
        if total <= 0:
            raise NormalisationError(
                f"{path} holds {scores.events[own].sum()} events of {name} with a total yield of "
                f"{total:g}, which must be positive; simulate more events or leave the process out"
            )
    if not scores.processes:
        raise NormalisationError(f"{path} holds no background")
