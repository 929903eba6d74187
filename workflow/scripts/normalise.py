"""Merge the cut flows of a sample's files, and find what an event of it weighs."""

import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from analysis.config.samples import Sample
from analysis.datasets.normalisation import normalise
from analysis.reconstruction.cutflow import merge, read_cutflow
from common.tables import read_json, write_json
from workflow.pipeline.cli import read_block, run

log = logging.getLogger(__name__)


def main(
    sample: Annotated[str, typer.Option(help="Sample block: JSON or path of a YAML file.")],
    chunks: Annotated[str, typer.Option(help="JSON list of the chunks' names.")],
    events: Annotated[Path, typer.Option(help="Folder of the sample's cut flows.")],
    output: Annotated[Path, typer.Option(help="JSON file to write.")],
    simulated: Annotated[
        Path | None, typer.Option(help="Folder of a simulated sample's files and metadata.")
    ] = None,
    branching_ratio: Annotated[float, typer.Option(help="BR(h → bb̄).")] = 0.582,
) -> None:
    """Write the normalisation of one sample."""
    block = read_block(Sample, sample)
    names = json.loads(chunks)
    cutflow = merge(block.name, [read_cutflow(events / f"{name}.cutflow.json") for name in names])
    metadata = [read_json(simulated / f"{name}.json") for name in names] if simulated else []
    for remark in cutflow.remarks:
        log.warning("sample %s: %s", block.name, remark)
    content = normalise(block, cutflow, metadata, branching_ratio)
    write_json(content.to_json(), output)


if __name__ == "__main__":
    run(main)
