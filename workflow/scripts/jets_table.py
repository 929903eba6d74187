"""Rule jets_table: the metrics of all taggers of single fat jets as one table."""

from pathlib import Path
from typing import Annotated

import typer

from common.tables import read_json, write_csv
from workflow.pipeline.cli import run


def main(
    metrics: Annotated[list[Path], typer.Argument(help="JSON files of rule evaluate_jets.")],
    output: Annotated[Path, typer.Option(help="CSV file to write.")],
) -> None:
    """Collect the rows."""
    write_csv([read_json(path)["metrics"] for path in metrics], output, ("task", "tagger", "seed"))


if __name__ == "__main__":
    run(main)
