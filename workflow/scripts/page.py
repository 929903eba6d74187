"""Rule page: all results on one page that needs no network."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from common.files import atomic_path
from workflow.pipeline.cli import read_block, run
from workflow.pipeline.config import Config
from workflow.reporting.content import read_content
from workflow.reporting.render import render


def main(
    config: Annotated[str, Option(help="The whole configuration: JSON or path of a YAML file.")],
    output: Annotated[Path, Option(help="HTML file to write.")],
    figures: Annotated[
        list[Path] | None, Argument(help="Figures to show: PNG files, and folders of them.")
    ] = None,
    folder: Annotated[Path, Option(help="Folder of the run.")] = Path(),
) -> None:
    """Write the page of a finished run."""
    content = read_content(figures or [], folder, read_block(Config, config))
    with atomic_path(output) as temporary:
        temporary.write_text(render(content), encoding="utf-8")


if __name__ == "__main__":
    run(main)
