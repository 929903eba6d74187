"""Simulate one chunk of a sample: a ROOT file in Delphes' layout and its normalisation out."""

import json
from pathlib import Path
from typing import Annotated

import typer

from analysis.config.detector import Detector
from analysis.config.simulation import Simulation
from analysis.simulation.produce import produce
from common.files import atomic_path
from workflow.pipeline.cli import read_block, run


def main(
    config: Annotated[str, typer.Option(help="Simulation block, inline JSON or a YAML file.")],
    sample: Annotated[str, typer.Option(help="Name of the sample.")],
    output: Annotated[Path, typer.Option(help="ROOT file to write.")],
    metadata: Annotated[Path, typer.Option(help="JSON file to write: σ, Σw, settings.")],
    detector: Annotated[str, typer.Option(help="Detector block, JSON or a YAML file.")] = "{}",
    chunk: Annotated[int, typer.Option(min=0, help="Number of the chunk.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the analysis.")] = 1,
) -> None:
    """Simulate one chunk of a sample."""
    block = read_block(Simulation, config)
    parameters = read_block(Detector, detector)
    with atomic_path(output) as root, atomic_path(metadata) as record:
        content = produce(block, parameters, sample, chunk, seed, root)
        record.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(main)
