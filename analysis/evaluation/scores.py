"""The scores of all events, each by a network that has not seen it, as the statistics need them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.evaluation.density_ratio import Factors
from analysis.evaluation.score_table import ScoreTable
from common.errors import InputFileError, NormalisationError
from common.weighted import ROWS, SIGNAL, Condenser, WeightedSample


def read_scores(
    path: Path,
    weight_column: str = "weight",
    rows: int = ROWS,
    factors: Factors | None = None,
    by: Literal["process", "sample"] = "process",
    adapt: Callable[[WeightedSample], WeightedSample] | None = None,
) -> WeightedSample:
    """Return the log-odds and yields of a Parquet file; those of signal for σ = 1 fb · BR².

    Up to `rows` events are returned as they are. Of more, those of a process whose log-odds agree
    to a resolution share a row (see `common.weighted`): memory does not grow with the file.

    Parameters
    ----------
    path : Path
        Table with at least the columns `score_table.COLUMNS`.
    weight_column : str
        The column that holds the yields; other tag categories have their own.
    rows : int
    factors : Factors, optional
        What multiplies the yields, by the events' keys.
    by : {"process", "sample"}
        What the kinds of the rows are.
    adapt : callable, optional
        What is done to rows whose kinds are samples, before these become processes.

    Raises
    ------
    InputFileError
        If a column is missing, or a score or weight is not finite.
    NormalisationError
        If the table lacks signal or background, or a process has no positive yield.
    """
    table = ScoreTable(path, weight_column, factors is not None, "sample" if adapt else by)
    condenser = Condenser(rows)
    for events in table.steps():
        kind = np.where(events["label"] == 1, SIGNAL, events["group"])
        weight = events["weight"] if factors is None else events["weight"] * factors(events["key"])
        condenser.add(WeightedSample.of_events(events["log_odds"], weight, kind))
    scores = replace(condenser.result(), processes=tuple(table.groups))
    if adapt is not None:
        scores = adapt(scores)
    if by == "sample":
        return scores
    process = [table.process_of[name] for name in table.groups]
    processes = tuple(sorted({process[k] for k in np.unique(scores.kind) if k != SIGNAL}))
    index = [processes.index(name) if name in processes else SIGNAL for name in process]
    scores = scores.regrouped(processes, np.array(index))
    _check_yields(path, scores)
    return scores


def read_mixed(path: Path) -> dict[str, WeightedSample]:
    """Return the log-odds and yields of the mixed events of each sample, as rule mix writes them.

    Raises
    ------
    InputFileError
        If it cannot be read or lacks a column.
    """
    found = {}
    for sample, (value, weight, error) in _of_mixed(path, "log_odds", "weight", "error"):
        events = WeightedSample.of_events(value, weight, np.zeros(len(value), np.int64))
        found[sample] = replace(events, error=error)
    return found


def read_parents(path: Path) -> dict[str, NDArray[np.uint64]]:
    """Return the keys [M, 2] of the events that the jets of each mixed event are from, by sample.

    In the order of `read_mixed`; an event that is not mixed has its own key twice.

    Raises
    ------
    InputFileError
        If it cannot be read or lacks a column.
    """
    return {
        sample: np.stack(keys, axis=1).astype(np.uint64)
        for sample, keys in _of_mixed(path, "first", "second")
    }


def _of_mixed(path: Path, *columns: str) -> Iterator[tuple[str, list[NDArray]]]:
    try:
        table = pd.read_parquet(path, columns=["sample", *columns])
    except (OSError, ValueError) as failure:
        raise InputFileError(f"{path} is no table of mixed events: {failure}") from None
    for sample, rows in table.groupby("sample", sort=False):
        yield str(sample), [rows[name].to_numpy() for name in columns]


def _check_yields(path: Path, scores: WeightedSample) -> None:
    for k, name in enumerate(("signal", *scores.processes), start=SIGNAL):
        of_kind = scores.select(scores.kind == k)
        if of_kind.total <= 0:
            raise NormalisationError(
                f"{path} holds {of_kind.raw} events of {name} with a total yield of "
                f"{of_kind.total:g}, which must be positive; simulate more events or leave the "
                "process out"
            )
    if not scores.processes:
        raise NormalisationError(f"{path} holds no background")
