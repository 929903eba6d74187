"""Tables of scores, read a few rows at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from common.columns import Columns
from common.errors import InputFileError

COLUMNS = ("process", "label", "log_odds", "weight")

_STEP = 1 << 16
"""Rows in memory at a time."""


class ScoreTable:
    """The scores of one training.

    Attributes
    ----------
    path : Path
        Parquet table with at least the columns `COLUMNS`.
    groups : list of str
        Names of the groups of events that were met so far: processes, or samples.
    process_of : dict of str to str
        The process of each group.

    Parameters
    ----------
    path : Path
    weight_column : str
        The column that holds the yields; other tag categories have their own.
    keys : bool
        Whether the keys of the events are read too.
    by : {"process", "sample"}
        The column that groups events.

    Raises
    ------
    InputFileError
        If it cannot be read, a column is missing, or a score or weight is not finite.
    """

    def __init__(
        self,
        path: Path,
        weight_column: str = "weight",
        keys: bool = False,
        by: Literal["process", "sample"] = "process",
    ) -> None:
        self.path, self._by = path, by
        self.groups, self.process_of = list[str](), dict[str, str]()
        self._columns = {"log_odds": "log_odds", "weight": weight_column}
        more = [name for name, wanted in (("key", keys), ("sample", by == "sample")) if wanted]
        self._read = [*COLUMNS[:-1], weight_column, *more]
        try:
            present = pq.read_schema(path).names
        except (OSError, ValueError) as error:
            raise InputFileError(f"{path} is not a readable Parquet table: {error}") from None
        if missing := [name for name in self._read if name not in present]:
            raise InputFileError(
                f"{path} lacks the columns {missing}; make it again with rule score"
            )
        for name in self._columns.values():
            self._check_finite(name)

    def steps(self) -> Iterator[Columns]:
        """Yield the events, many at a time.

        `log_odds`, `weight` float64, `label` uint8 (1 = signal), `group` int64, an index into
        `groups`, and `key` uint64, if it is to be read.
        """
        for batch in self._batches(self._read):
            names, code = _categories(batch[self._by])
            columns = {
                name: batch[column].to_numpy().astype(np.float64, copy=False)
                for name, column in self._columns.items()
            }
            if "key" in self._read:
                columns["key"] = batch["key"].to_numpy().astype(np.uint64, copy=False)
            columns["label"] = batch["label"].to_numpy().astype(bool).astype(np.uint8)
            columns["group"] = np.array([self._index(n) for n in names], np.int64)[code]
            self._note_processes(batch, names, code)
            yield columns

    def _note_processes(
        self, batch: pa.RecordBatch, names: list[str], code: NDArray[np.integer]
    ) -> None:
        processes, process = _categories(batch["process"])
        met, first = np.unique(code, return_index=True)
        for number, row in zip(met, first, strict=True):
            self.process_of.setdefault(names[number], processes[process[row]])

    def _index(self, group: str) -> int:
        if group not in self.groups:
            self.groups.append(group)
        return self.groups.index(group)

    def _check_finite(self, name: str) -> None:
        bad, rows = 0, 0
        for batch in self._batches([name]):
            values = batch[name].to_numpy(zero_copy_only=False)
            bad, rows = bad + int(np.count_nonzero(~np.isfinite(values))), rows + len(values)
        if bad:
            raise InputFileError(
                f"{self.path}: {bad} of {rows} values of {name} are not finite; "
                "the training diverged or the input held NaN: train again"
            )

    def _batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        try:
            with pq.ParquetFile(
                self.path,
                read_dictionary=sorted({"process", self._by}),
                pre_buffer=False,  # which holds all that was read
            ) as file:
                yield from file.iter_batches(_STEP, columns=columns)
        except (OSError, ValueError) as error:
            raise InputFileError(f"{self.path} is not a readable Parquet table: {error}") from None


def _categories(column: pa.DictionaryArray) -> tuple[list[str], NDArray[np.integer]]:
    """Return the distinct strings of a column, and each row's index among them."""
    return column.dictionary.to_pylist(), column.indices.to_numpy()
