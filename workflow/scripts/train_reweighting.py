"""Rule train_reweighting: classifiers that tell two generators apart, one per fold."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

import models.training.training
from analysis.config.dataset import Dataset as DatasetConfig
from analysis.datasets.compared import compared
from analysis.datasets.dataset import Dataset, Split
from models.config.specs import NetworkSpec, Training
from models.networks.registry import modules_of
from models.training.resume import STATE
from models.training.training import Data
from workflow.pipeline.cli import read_block, run
from workflow.pipeline.network_inputs import feature_names, sources
from workflow.pipeline.provenance import code_version, source_digest


def main(
    datasets: Annotated[list[Path], Argument(help="Datasets: nominal, alternative.")],
    network: Annotated[str, Option(help="Network block: JSON or path of a YAML file.")],
    training: Annotated[str, Option(help="Training block: JSON or path of a YAML file.")],
    dataset: Annotated[str, Option(help="Dataset block: JSON or path of a YAML file.")],
    seed: Annotated[int, Option(help="Seed of the weights and the order.")],
    fold_seed: Annotated[int, Option(help="Seed of the folds.")],
    output: Annotated[Path, Option(help="Folder of the trained models, fold0, fold1, …")],
) -> None:
    """Train one classifier with one seed: one training per fold, on the events outside it.

    Both samples have equal sums of weights, and no weight is capped, so that a calibrated score is
    that of the ratio of the two densities.
    """
    spec: NetworkSpec = read_block(NetworkSpec, network)  # type: ignore[arg-type]
    settings, block = read_block(Training, training), read_block(DatasetConfig, dataset)
    nominal, alternative = map(Dataset, datasets)
    folders = [output / f"fold{fold}" for fold in range(block.folds)]
    for fold, folder in enumerate(folders):
        splits = [
            compared(nominal, alternative, Split(name, block, fold_seed, fold))
            for name in ("train", "validation")
        ]
        train, validation = sources(splits, 1.0, settings.memory_mb)
        models.training.training.train(
            spec,
            settings,
            Data(train, validation, feature_names(nominal).seen_by(spec)),
            seed,
            folder,
            extra={"code_version": code_version(), "fold": fold, "events": len(train)},
            keep_state=True,
            code=source_digest("train_reweighting", *modules_of(spec)),
        )
    for folder in folders:
        (folder / STATE).unlink(missing_ok=True)


if __name__ == "__main__":
    run(main)
