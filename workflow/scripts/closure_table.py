"""Rule closure_table: the closure of all classifiers and observables."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from common.tables import read_csv, write_csv
from workflow.pipeline.cli import run

KEYS = ("reweighting", "classifier", "observable", "jet")


def main(
    tables: Annotated[list[Path], Argument(help="Tables of rule closure.")],
    output: Annotated[Path, Option(help="CSV to write.")],
) -> None:
    """Collect the rows."""
    rows = [row for path in tables for row in read_csv(path)]
    write_csv(rows, output, KEYS)


if __name__ == "__main__":
    run(main)
