"""Rule train: the networks of one seed, one per fold, on one signal or all, and all backgrounds."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import models.training.training
from analysis.config.dataset import Dataset as DatasetConfig
from analysis.datasets.dataset import Dataset, Selection, Split
from models.config.specs import NetworkSpec, Training
from models.networks.registry import modules_of
from models.training.resume import STATE
from models.training.training import Data
from workflow.pipeline.cli import read_block, run
from workflow.pipeline.network_inputs import feature_names, mass_of, sources, tensors_of
from workflow.pipeline.provenance import code_version, source_digest


def main(
    datasets: Annotated[list[Path], typer.Argument(help="Datasets: signals, all backgrounds.")],
    network: Annotated[str, typer.Option(help="Network block: JSON or path of a YAML file.")],
    training: Annotated[str, typer.Option(help="Training block: JSON or path of a YAML file.")],
    dataset: Annotated[str, typer.Option(help="Dataset block: JSON or path of a YAML file.")],
    seed: Annotated[int, typer.Option(help="Seed of the weights, the order and the folds.")],
    output: Annotated[Path, typer.Option(help="Folder of the trained models, fold0, fold1, …")],
    fold: Annotated[int | None, typer.Option(help="Train the network of this fold alone.")] = None,
) -> None:
    """Train one network with one seed: one training per fold, on the events outside it.

    With `mass_token` it is told m_H, and the signals may have several.
    """
    spec: NetworkSpec = read_block(NetworkSpec, network)  # type: ignore[arg-type]
    settings = read_block(Training, training)
    block = read_block(DatasetConfig, dataset)
    samples = [Dataset(path) for path in datasets]
    folders = [output / f"fold{number}" for number in range(block.folds)]
    if fold is None and settings.devices > 1:  # each process of a training starts this script anew
        for number in range(block.folds):
            command = [sys.executable, *sys.orig_argv[1:], "--fold", str(number)]
            subprocess.run(command, check=True)
    else:
        for number in range(block.folds) if fold is None else [fold]:
            train_fold(spec, settings, block, samples, seed, number, folders[number])
    if fold is None:
        for folder in folders:
            (folder / STATE).unlink(missing_ok=True)


def train_fold(
    spec: NetworkSpec,
    settings: Training,
    block: DatasetConfig,
    samples: list[Dataset],
    seed: int,
    fold: int,
    folder: Path,
) -> None:
    """Train the network of one fold; its state stays, until all folds are done."""
    names = ("train", "validation")
    tensors = tensors_of(spec)
    splits = [Selection(samples, Split(name, block, seed, fold), tensors) for name in names]
    masses = np.array([mass_of(sample) for sample in samples]) if spec.told_mass else None
    train, validation = sources(splits, block.weight_cap_quantile, settings.memory_mb, masses)
    models.training.training.train(
        spec,
        settings,
        Data(train, validation, feature_names(samples[0]).seen_by(spec)),
        seed,
        folder,
        extra={
            "code_version": code_version(),
            "dataset": block.model_dump(mode="json"),
            "fold": fold,
            "samples": [str(sample.attributes["sample"]) for sample in samples],
            "masses_gev": [mass_of(sample) for sample in samples if sample.is_signal],
        },
        keep_state=True,
        code=source_digest("train", *modules_of(spec)),
    )


if __name__ == "__main__":
    run(main)
