"""One figure of what a trained network looks at, from the tables of rule interpret."""

from pathlib import Path
from typing import Annotated

import typer

from analysis.figures.style import save
from common.tables import write_frame
from models.config.views import View
from workflow.interpretation.figures import FIGURES
from workflow.pipeline.cli import run


def main(
    tables: Annotated[Path, typer.Argument(help="Folder of the tables of rule interpret.")],
    view: Annotated[View, typer.Option(help="What to draw.")],
    title: Annotated[str, typer.Option(help="Network, signal and seed.")],
    output: Annotated[Path, typer.Option(help="PNG to write; PDF and CSV go beside it.")],
) -> None:
    """Draw one view, and write the numbers that it shows."""
    figure, table = FIGURES[view](tables, title)
    write_frame(table, output.with_suffix(".csv"))
    save(figure, output)


if __name__ == "__main__":
    run(main)
