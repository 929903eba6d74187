"""Rule train_jets: train one tagger of single fat jets with one seed."""

from pathlib import Path
from typing import Annotated

import typer

import models.training.training
from analysis.config.dataset import Dataset as DatasetConfig
from analysis.datasets.dataset import Dataset
from models.config.specs import Training
from models.config.specs_jets import JetTask, TaggerSpec
from models.networks.registry import modules_of
from models.training.training import Data
from workflow.pipeline.cli import read_block, run
from workflow.pipeline.jets import read_split_of_jets
from workflow.pipeline.network_inputs import feature_names, sources
from workflow.pipeline.provenance import code_version, source_digest


def main(
    files: Annotated[list[Path], typer.Argument(help="Datasets, or public files.")],
    tagger: Annotated[str, typer.Option(help="Tagger block: JSON or path of a YAML file.")],
    training: Annotated[str, typer.Option(help="Training block: JSON or path of a YAML file.")],
    dataset: Annotated[str, typer.Option(help="Dataset block: JSON or path of a YAML file.")],
    seed: Annotated[int, typer.Option(help="Seed of the weights, the order and the fold.")],
    output: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    task: Annotated[str | None, typer.Option(help="Task block; none for public files.")] = None,
    pt_min: Annotated[float, typer.Option(help="Smallest pT [GeV].")] = 0.0,
    pt_max: Annotated[float, typer.Option(help="Largest pT [GeV].")] = float("inf"),
) -> None:
    """Train one tagger."""
    spec: TaggerSpec = read_block(TaggerSpec, tagger)  # type: ignore[arg-type]
    block = read_block(DatasetConfig, dataset)
    jets = read_block(JetTask, task) if task else None
    settings = read_block(Training, training)
    splits = [
        read_split_of_jets(files, jets, split, seed, block, (pt_min, pt_max))
        for split in ("train", "validation")
    ]
    features = feature_names(Dataset(files[0])).seen_by(spec)
    train, validation = sources(
        splits, block.weight_cap_quantile, settings.memory_mb, classes=len(features.classes)
    )
    models.training.training.train(
        spec,
        settings,
        Data(train, validation, features),
        seed,
        output,
        extra={"code_version": code_version(), "jets": len(train)},
        code=source_digest("train_jets", *modules_of(spec)),
    )


if __name__ == "__main__":
    run(main)
