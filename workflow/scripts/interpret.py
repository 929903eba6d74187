"""Write the tables of what one trained network looks at."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from analysis.config.dataset import Dataset as DatasetConfig
from analysis.dataset import Dataset, read_side
from common.files import atomic_path
from models.batch import Events
from models.checkpoint import load
from models.interpretation_tables import tables
from workflow.cli import read_block, run
from workflow.network_inputs import feature_names


def main(
    datasets: Annotated[list[Path], typer.Argument(help="Datasets: one signal, all backgrounds.")],
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    dataset: Annotated[str, typer.Option(help="Dataset block: JSON or path of a YAML file.")],
    seed: Annotated[int, typer.Option(help="Seed of the training, which gives the split.")],
    output: Annotated[Path, typer.Option(help="Folder for the tables, one CSV each.")],
    events: Annotated[
        int, typer.Option(help="Test events of each class that are looked at.")
    ] = 500,
) -> None:
    """Look at test events of signal and background."""
    sources = [Dataset(path) for path in datasets]
    trained = load(model, feature_names(sources[0]))
    side = read_side(sources, seed, read_block(DatasetConfig, dataset).split, "test")
    rows = np.concatenate([np.flatnonzero(side.label == kind)[:events] for kind in (0, 1)])
    found = tables(trained.network, Events(side.tensors, rows), side.label[rows], trained.features)
    for name, columns in found.items():
        with atomic_path(output / f"{name}.csv") as temporary:
            pd.DataFrame(columns).to_csv(temporary, index=False, float_format="%.6g")


if __name__ == "__main__":
    run(main)
