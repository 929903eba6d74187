"""Rule classes_table: the rejections of all taggers of several classes as one table."""

from pathlib import Path
from typing import Annotated

import typer

from common.tables import read_json, write_csv
from workflow.pipeline.cli import run


def main(
    metrics: Annotated[list[Path], typer.Argument(help="JSON files of rule evaluate_classes.")],
    output: Annotated[Path, typer.Option(help="CSV file to write.")],
) -> None:
    """Collect the rows."""
    rows = [row for path in metrics for row in read_json(path)["classes"]]
    write_csv(rows, output, ("tagger", "seed", "class"))


if __name__ == "__main__":
    run(main)
