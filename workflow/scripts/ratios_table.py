"""Rule ratios_table: the ratios between networks of all signals in one table."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from common.tables import read_csv, write_csv
from workflow.pipeline.cli import run


def main(
    tables: Annotated[list[Path], Argument(help="CSV files of rule network_ratios.")],
    output: Annotated[Path, Option(help="CSV: one row per pair × mass × signal efficiency.")],
) -> None:
    """Collect the rows."""
    keys = ("question", "first", "second", "mass_gev", "signal_efficiency")
    write_csv([row for path in tables for row in read_csv(path)], output, keys)


if __name__ == "__main__":
    run(main)
