"""Rule interpret: the tables of what one trained network looks at."""

from pathlib import Path
from typing import Annotated

import torch
import typer

from analysis.config.dataset import Dataset as DatasetConfig
from analysis.datasets.dataset import Dataset, Selection, Split
from common.tables import write_frame
from models.config.views import Interpretation
from models.training.checkpoint import load
from workflow.interpretation.tables import interpretation_tables
from workflow.pipeline.cli import read_block, run
from workflow.pipeline.network_inputs import feature_names, tensors_of


def main(
    datasets: Annotated[list[Path], typer.Argument(help="Datasets: one signal, all backgrounds.")],
    model: Annotated[Path, typer.Option(help="Folder of the trained models, fold0, fold1, …")],
    dataset: Annotated[str, typer.Option(help="Dataset block: JSON or path of a YAML file.")],
    config: Annotated[str, typer.Option(help="Interpretation block: JSON or path of a YAML file.")],
    seed: Annotated[int, typer.Option(help="Seed of the training, which gives the folds.")],
    output: Annotated[Path, typer.Option(help="Folder for the tables, one CSV each.")],
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
) -> None:
    """Look at events of the first fold with the network that has not seen them."""
    torch.set_num_threads(threads)
    sources = [Dataset(path) for path in datasets]
    trained = load(model / "fold0", feature_names(sources[0]))
    split = Split("test", read_block(DatasetConfig, dataset), seed, fold=0)
    selection = Selection(sources, split, tensors_of(trained.spec))
    mass = float(next(source.attributes["mass_gev"] for source in sources if source.is_signal))
    tables = interpretation_tables(selection, trained, read_block(Interpretation, config), mass)
    for name, table in tables.items():
        write_frame(table, output / f"{name}.csv")


if __name__ == "__main__":
    run(main)
