"""Train one network with one seed on the datasets of its signal and of all backgrounds."""

from pathlib import Path
from typing import Annotated

import typer

import models.training
from analysis.config.dataset import Dataset as DatasetConfig
from analysis.dataset import Dataset, Selection
from models.registry import modules_of
from models.specs import NetworkSpec, Training
from models.training import Data
from workflow.cli import read_block, run
from workflow.network_inputs import feature_names, sources
from workflow.provenance import code_version, source_digest


def main(
    datasets: Annotated[list[Path], typer.Argument(help="Datasets: one signal, all backgrounds.")],
    network: Annotated[str, typer.Option(help="Network block: JSON or path of a YAML file.")],
    training: Annotated[str, typer.Option(help="Training block: JSON or path of a YAML file.")],
    dataset: Annotated[str, typer.Option(help="Dataset block: JSON or path of a YAML file.")],
    seed: Annotated[int, typer.Option(help="Seed of the weights, the order and the split.")],
    output: Annotated[Path, typer.Option(help="Folder of the trained model.")],
) -> None:
    """Train one network with one seed."""
    spec: NetworkSpec = read_block(NetworkSpec, network)  # type: ignore[arg-type]
    settings = read_block(Training, training)
    block = read_block(DatasetConfig, dataset)
    samples = [Dataset(path) for path in datasets]
    sides = [Selection(samples, seed, block.split, side) for side in ("train", "validation")]
    train, validation = sources(sides, block.weight_cap_quantile, settings.memory_mb)
    models.training.train(
        spec,
        settings,
        Data(train, validation, feature_names(samples[0])),
        seed,
        output,
        extra={
            "code_version": code_version(),
            "dataset": block.model_dump(mode="json"),
            "samples": [str(sample.attributes["sample"]) for sample in samples],
        },
        code=source_digest("train", *modules_of(spec)),
    )


if __name__ == "__main__":
    run(main)
