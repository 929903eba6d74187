"""Score the validation and test events of one training with its network."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from analysis.config.dataset import Dataset as DatasetConfig
from analysis.dataset import Dataset, Selection
from analysis.tables import write_parquet
from common.columns import Columns, resized
from common.files import atomic_path
from models.batch import Events
from models.inference import predict_log_odds
from models.prefetch import ahead
from workflow.cli import read_block, run
from workflow.network_inputs import feature_names

ROWS = 8192
"""Events in memory at a time, and in a row group of the table."""


def table(
    events: Columns, split: str, log_odds: np.ndarray, datasets: Sequence[Dataset]
) -> pd.DataFrame:
    """Return one row per event of a side of the split; `weight` is the default category's."""
    names = ("weight", *(f"weight_{category}" for category in datasets[0].categories[1:]))
    of_sample = {
        name: np.array([str(data.attributes[name]) for data in datasets])[events["dataset"]]
        for name in ("sample", "process")
    }
    return pd.DataFrame(
        {
            "key": events["key"],
            **of_sample,
            "label": events["label"],
            "split": split,
            "score": 1 / (1 + np.exp(-log_odds)),
            "log_odds": log_odds,
            **dict(zip(names, events["weight"].T, strict=True)),
        }
    )


def main(
    datasets: Annotated[list[Path], typer.Argument(help="Datasets: one signal, all backgrounds.")],
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    dataset: Annotated[str, typer.Option(help="Dataset block: JSON or path of a YAML file.")],
    seed: Annotated[int, typer.Option(help="Seed of the training, which gives the split.")],
    luminosity: Annotated[float, typer.Option(help="Integrated luminosity [fb⁻¹].")],
    output: Annotated[Path, typer.Option(help="Parquet file to write.")],
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Score the events that the training has not seen."""
    block = read_block(DatasetConfig, dataset)
    sources = [Dataset(path) for path in datasets]
    features = feature_names(sources[0])

    def parts() -> Iterator[pd.DataFrame]:
        for name in ("validation", "test"):
            side = Selection(sources, seed, block.split, name)
            blocks = map(side.read, range(len(side.blocks)))
            for events in ahead(resized(blocks, ROWS), 1):
                log_odds = predict_log_odds(
                    model, Events(events), features, accelerator=accelerator, threads=threads
                )
                yields = {"weight": luminosity * events["weight"]}
                yield table(events | yields, name, log_odds, sources)

    with atomic_path(output) as temporary:
        write_parquet(parts(), temporary)


if __name__ == "__main__":
    run(main)
