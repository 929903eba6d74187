"""The table of selected events: its type, and its Parquet files."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import awkward as ak
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.config.reconstruction import Reconstruction
from common.errors import InputFileError

# lab frame in GeV and rad; `constituent.eta` and `.phi` are in the jet's own frame, `deta` and
# `dphi` relative to its axis; `multiplicity` counts the constituents before truncation
_EVENT = """
    entry: int64, generator_weight: float64, b_hadrons: int32,
    fatjet: 2 * {
        pt: float32, eta: float32, phi: float32, mass: float32, energy: float32,
        theta: float32, flip_eta: bool, flip_phi: bool, multiplicity: int32
    },
    constituent: 2 * var * {
        eta: float32, phi: float32, deta: float32, dphi: float32,
        pt: float32, energy: float32, charge: int8, kind: int8 IMPACT
    },
    subjet: 2 * var * {pt: float32, eta: float32, phi: float32, mass: float32, flavour: int8}
"""
IMPACT = ("d0", "error_d0", "dz", "error_dz")
"""Fields of constituents and objects [mm] where impact parameters are kept; 0 of neutral ones."""
# the energy flow of the whole event, in the lab frame
_OBJECTS = """,
    object: var * {
        pt: float32, eta: float32, phi: float32, energy: float32, charge: int8, kind: int8 IMPACT
    }
"""


@cache
def event_type(config: Reconstruction) -> ak.types.Type:
    """Return the type of the table that a reconstruction makes."""
    fields = _EVENT + (_OBJECTS if config.event_objects else "")
    impact = "".join(f", {name}: float32" for name in IMPACT) if config.impact_parameters else ""
    return ak.types.from_datashape(f"{{{fields.replace('IMPACT', impact)}}}", highlevel=False)


DEFAULT = Reconstruction()
EVENT_TYPE = event_type(DEFAULT)


def conform(table: ak.Array, config: Reconstruction = DEFAULT) -> ak.Array:
    """Return the table with exactly the fields' order and precision of `event_type`."""
    return ak.enforce_type(table, event_type(config))


def empty_table(config: Reconstruction = DEFAULT) -> ak.Array:
    """Return the table of no events."""
    return ak.Array(ak.forms.from_type(event_type(config)).length_zero_array())


class EventTableWriter:
    """Writes a table to Parquet step by step, one row group each, never holding more than that."""

    def __init__(self, path: Path, config: Reconstruction = DEFAULT) -> None:
        self._config = config
        self._schema = _to_arrow(empty_table(config)).schema
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="zstd", use_dictionary=False
        )
        self._row_groups = 0

    def write(self, table: ak.Array) -> None:
        """Append the events of `table`."""
        if len(table):
            self._append(conform(table, self._config))

    def _append(self, table: ak.Array) -> None:
        self._writer.write_table(_to_arrow(table).cast(self._schema))
        self._row_groups += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None and self._row_groups == 0:  # readers need one to know the type
            self._append(empty_table(self._config))
        self._writer.close()


def _to_arrow(table: ak.Array) -> pa.Table:
    return ak.to_arrow_table(table, extensionarray=False, list_to32=False)


def event_tables(path: Path, columns: Sequence[str] | None = None) -> Iterator[ak.Array]:
    """Yield the row groups of a file of events, or some of their columns; one at least.

    Raises
    ------
    InputFileError
        If the file is missing or damaged.
    """
    names = None if columns is None else list(columns)
    with ExitStack() as opened:
        with _reading(path):
            file = opened.enter_context(pq.ParquetFile(path))
        for index in range(file.num_row_groups):
            with _reading(path):
                table = ak.from_arrow(file.read_row_group(index, columns=names))
            yield table


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError, NotImplementedError, MemoryError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputFileError(
            f"event table {path} cannot be read ({reason}): remove it and run again"
        ) from None


def write_empty(path: Path, config: Reconstruction = DEFAULT) -> None:
    """Write the table of no events."""
    with EventTableWriter(path, config):
        pass
