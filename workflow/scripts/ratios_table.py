"""Rule ratios_table: the ratios between networks of all signals in one table."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from common.tables import read_csv, write_csv
from workflow.pipeline.cli import run
from workflow.pipeline.network_pairs import RATIO_KEYS


def main(
    tables: Annotated[list[Path], Argument(help="CSV files of rule network_ratios.")],
    output: Annotated[Path, Option(help="CSV: one row per pair × mass × signal efficiency.")],
) -> None:
    """Collect the rows."""
    write_csv([row for path in tables for row in read_csv(path)], output, RATIO_KEYS)


if __name__ == "__main__":
    run(main)
