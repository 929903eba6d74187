"""Rule crate: what the run was and what it made, as an RO-Crate."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from common.files import atomic_path
from common.tables import write_json
from workflow.pipeline import paths
from workflow.pipeline.cli import read_block, run
from workflow.pipeline.config import Config
from workflow.pipeline.provenance import ROOT
from workflow.reporting.content import versions
from workflow.reporting.crate import CONFIG, MAIN, crate, started


def main(
    products: Annotated[list[Path], Argument(help="Files and folders that the run ends with.")],
    config: Annotated[str, Option(help="The whole configuration: JSON or path of a YAML file.")],
    output: Annotated[Path, Option(help="JSON to write; workflow and configuration beside it.")],
    folder: Annotated[Path, Option(help="Folder of the run.")] = Path(),
) -> None:
    """Describe a finished run."""
    block = read_block(Config, config)
    with atomic_path(output.with_name(MAIN)) as temporary:
        shutil.copyfile(ROOT / MAIN, temporary)
    write_json(block.model_dump(mode="json"), output.with_name(CONFIG))
    now = datetime.now(UTC)
    begun = started(folder / paths.BENCHMARKS, now)
    write_json(crate(output.parent, products, versions(), begun, now), output)


if __name__ == "__main__":
    run(main)
