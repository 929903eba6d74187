"""Tables of results as CSV: fixed order of rows and columns, fixed format of numbers."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from common.errors import InputFileError
from common.files import atomic_path

KEYS = ("network", "mass_gev", "seed")
ORIGIN = "boosted_hh4b"
"""Key of a Parquet file's metadata under which stands what the file is of."""


def format_value(value: Any, digits: int = 7) -> str:
    """Return the cell of a value: that many significant digits, empty for a missing number."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def write_csv(rows: Sequence[dict[str, Any]], path: Path, keys: Sequence[str] = KEYS) -> None:
    """Write rows sorted by `keys`, with the union of their columns, `keys` first."""
    ordered = sorted(rows, key=lambda row: [row[name] for name in keys])
    columns = list(dict.fromkeys([*keys, *(name for row in ordered for name in row)]))
    _write(path, columns, ([row.get(name) for name in columns] for row in ordered))


def write_frame(table: pd.DataFrame, path: Path, digits: int = 6) -> None:
    """Write a table as it stands, without its index."""
    _write(path, table.columns, table.itertuples(index=False), digits)


def _write(path: Path, columns: Iterable[str], rows: Iterable[Any], digits: int = 7) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([format_value(value, digits) for value in row] for row in rows)


def read_csv(path: Path, delimiter: str = ",") -> list[dict[str, Any]]:
    """Return the rows of a table, numbers as numbers and empty cells as None.

    Raises
    ------
    InputFileError
        If it cannot be read, or a row has more or fewer cells than the table has columns.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            columns, *rows = csv.reader(file, delimiter=delimiter)
        return [
            {name: _parse(cell) for name, cell in zip(columns, row, strict=True)}
            for row in rows
            if row
        ]
    except (OSError, ValueError, csv.Error) as error:
        raise InputFileError(
            f"{path} is not a readable table ({error}): remove it and run again"
        ) from None


def _parse(cell: str) -> float | int | str | None:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell or None


def write_parquet(
    parts: Iterable[pd.DataFrame], path: Path, origin: Mapping[str, Any] | None = None
) -> None:
    """Write tables, at least one, into one Parquet file, a row group each.

    Parameters
    ----------
    parts : iterable of DataFrame
    path : Path
    origin : mapping, optional
        What the file is of, for `origin_of`; it stands in the schema's metadata.
    """
    with parquet_file(path, origin) as append:
        for part in parts:
            append(part)


@contextmanager
def parquet_file(
    path: Path, origin: Mapping[str, Any] | None = None
) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Open a Parquet file, and give what adds a table to it; see `write_parquet`."""
    with ExitStack() as opened:
        writer = None

        def append(part: pd.DataFrame) -> None:
            nonlocal writer
            rows = pa.Table.from_pandas(part, preserve_index=False)
            if origin is not None:
                metadata = {**(rows.schema.metadata or {}), ORIGIN: json.dumps(origin)}
                rows = rows.replace_schema_metadata(metadata)
            writer = writer or opened.enter_context(pq.ParquetWriter(path, rows.schema))
            writer.write_table(rows)

        yield append


def origin_of(path: Path) -> dict[str, Any]:
    """Return what a Parquet file says that it is of.

    Raises
    ------
    InputFileError
        If it cannot be read, or says nothing.
    """
    try:
        return dict(json.loads(pq.read_schema(path).metadata[ORIGIN.encode()]))
    except (OSError, ValueError) as error:
        raise InputFileError(f"{path} is not a readable Parquet table: {error}") from None
    except (KeyError, TypeError):
        raise InputFileError(
            f"{path} does not say of which training it is: remove it and run again"
        ) from None


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file.

    Raises
    ------
    InputFileError
        If it cannot be read.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputFileError(f"{path} is not readable JSON: {error}") from None


def write_json(content: Any, path: Path) -> None:
    """Write JSON; numbers that are not finite are an error."""
    with atomic_path(path) as temporary:
        temporary.write_text(
            json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8"
        )


class OverSeeds(NamedTuple):
    """Median and range of a quantity over trainings, [...] each; NaN where none has a value."""

    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def over_seeds(values: Sequence[Any]) -> OverSeeds:
    """Return median and range over S trainings of values [S, ...]; None and NaN are left out.

    Examples
    --------
    >>> over_seeds([3.0, None, 1.0]).median.item()
    2.0
    """
    known = np.ma.masked_invalid(np.array(values or [None], dtype=np.float64))
    functions = (np.ma.median, np.ma.min, np.ma.max)
    return OverSeeds(*(np.ma.filled(f(known, axis=0), np.nan) for f in functions))


def seed_columns(name: str, values: Sequence[float | None]) -> dict[str, float | None]:
    """Return the columns `name_median`, `name_min`, `name_max`; None without any value."""
    ends = zip(("median", "min", "max"), map(float, over_seeds(values)), strict=True)
    return {f"{name}_{end}": None if np.isnan(value) else value for end, value in ends}


def summarise_seeds(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return median, minimum and maximum over seeds, one row per network × mass.

    Rows without a value count as trainings without a limit: `seeds` is all of them, `valid` those
    with a value, and `methods` the threshold methods that occur.
    """
    groups: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["network"], row["mass_gev"]), []).append(row)
    summary = []
    for (network, mass), members in sorted(groups.items()):
        over_members: dict[str, Any] = {"network": network, "mass_gev": mass, "seeds": len(members)}
        for column in columns:
            values = [row.get(column) for row in members]
            over_members.setdefault("valid", sum(value is not None for value in values))
            over_members |= seed_columns(column, values)
        methods = {str(row["threshold_method"]) for row in members if row.get("threshold_method")}
        over_members["methods"] = "+".join(sorted(methods))
        summary.append(over_members)
    return summary
