"""The scores of all events, each by a network that has not seen it, as the statistics need them."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from analysis.evaluation.density_ratio import Factors
from analysis.evaluation.score_table import ScoreTable
from common.errors import NormalisationError
from common.weighted import ROWS, SIGNAL, Condenser, WeightedSample


def read_scores(
    path: Path,
    weight_column: str = "weight",
    rows: int = ROWS,
    factors: Factors | None = None,
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

    Raises
    ------
    InputFileError
        If a column is missing, or a score or weight is not finite.
    NormalisationError
        If the table lacks signal or background, or a process has no positive yield.
    """
    table = ScoreTable(path, weight_column, keys=factors is not None)
    condenser = Condenser(rows)
    for events in table.steps():
        kind = np.where(events["label"] == 1, SIGNAL, events["process"])
        weight = events["weight"] if factors is None else events["weight"] * factors(events["key"])
        condenser.add(WeightedSample.of_events(events["log_odds"], weight, kind))
    condensed = condenser.result()
    processes = tuple(sorted(table.processes[k] for k in np.unique(condensed.kind) if k != SIGNAL))
    index = [processes.index(n) if n in processes else SIGNAL for n in table.processes]
    kind = np.where(condensed.is_signal, SIGNAL, np.array(index, np.int64)[condensed.kind])
    scores = replace(condensed, kind=kind, processes=processes)
    _check_yields(path, scores)
    return scores


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
