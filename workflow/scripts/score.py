"""Score the validation and test events of one training with its network."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from analysis.config.dataset import Dataset as DatasetConfig
from analysis.dataset import Dataset, Side, read_side
from common.files import atomic_path
from models.batch import Events
from models.inference import predict_log_odds
from workflow.cli import read_block, run
from workflow.network_inputs import feature_names


def table(side: Side, name: str, log_odds: np.ndarray, categories: tuple[str, ...]) -> pd.DataFrame:
    """Return one row per event of a side of the split; `weight` is the default category's."""
    names = ("weight", *(f"weight_{category}" for category in categories[1:]))
    return pd.DataFrame(
        {
            "key": side.key,
            "sample": side.sample,
            "process": side.process,
            "label": side.label,
            "split": name,
            "score": 1 / (1 + np.exp(-log_odds)),
            "log_odds": log_odds,
            **dict(zip(names, side.weight.T, strict=True)),
        }
    )


def main(
    datasets: Annotated[list[Path], typer.Argument(help="Datasets: one signal, all backgrounds.")],
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    dataset: Annotated[str, typer.Option(help="Dataset block: JSON or path of a YAML file.")],
    seed: Annotated[int, typer.Option(help="Seed of the training, which gives the split.")],
    output: Annotated[Path, typer.Option(help="Parquet file to write.")],
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Score the events that the training has not seen."""
    block = read_block(DatasetConfig, dataset)
    sources = [Dataset(path) for path in datasets]
    features = feature_names(sources[0])
    parts = []
    for name in ("validation", "test"):
        side = read_side(sources, seed, block.split, name)
        log_odds = predict_log_odds(
            model, Events(side.tensors), features, accelerator=accelerator, threads=threads
        )
        parts.append(table(side, name, log_odds, sources[0].categories))
    with atomic_path(output) as temporary:
        pd.concat(parts, ignore_index=True).to_parquet(temporary, index=False)


if __name__ == "__main__":
    run(main)
