"""Rule export_onnx: one trained network as an ONNX file, checked against torch."""

from pathlib import Path
from typing import Annotated

import typer

from analysis.datasets.dataset import Dataset
from models.networks.batch import Events
from models.training.export import export
from workflow.pipeline.cli import run


def main(
    model: Annotated[Path, typer.Argument(help="Folder of the trained model.")],
    dataset: Annotated[Path, typer.Option(help="Dataset with the events to check it on.")],
    output: Annotated[Path, typer.Option(help="ONNX file to write.")],
    events: Annotated[int, typer.Option(min=2, help="Events to check it on.")] = 256,
) -> None:
    """Write a network as ONNX, with its preprocessing, and compare it with torch."""
    data = Dataset(dataset)
    chosen = Events(data.rows(slice(0, events)))
    difference = export(model, chosen, output)
    print(f"{output}: log-odds within {difference:.1e} of torch on {len(chosen)} events")


if __name__ == "__main__":
    run(main)
