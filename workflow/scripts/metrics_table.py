"""Rule metrics_table: AUC and rejections of all networks, masses and seeds in one table."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from common.tables import read_json, write_csv
from workflow.pipeline.cli import run


def main(
    rows: Annotated[list[Path], Argument(help="JSON files of rule metrics.")],
    output: Annotated[Path, Option(help="CSV: one row per network × mass × seed.")],
) -> None:
    """Collect the rows."""
    write_csv([read_json(path)["metrics"] for path in rows], output)


if __name__ == "__main__":
    run(main)
