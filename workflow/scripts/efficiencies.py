"""Rule efficiencies: acceptance × efficiency and background of every region of the fits."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from common.tables import KEYS, read_json, write_csv
from workflow.pipeline.cli import run


def main(
    limits: Annotated[list[Path], Argument(help="JSON files of rule limit.")],
    output: Annotated[Path, Option(help="CSV: one row per network × mass × seed × region.")],
) -> None:
    """Collect the regions."""
    rows = [row for path in limits for row in read_json(path)["regions"]]
    write_csv(rows, output, (*KEYS, "channel", "region"))


if __name__ == "__main__":
    run(main)
