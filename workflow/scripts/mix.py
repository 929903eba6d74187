"""Rule mix: the scores of mixed events, which tell the tail of a background's scores."""

from pathlib import Path
from typing import Annotated

import torch
import typer

from analysis.config.statistics import Mixing
from analysis.datasets.dataset import Dataset
from common.files import atomic_path
from common.tables import origin_of, write_parquet
from models.training.checkpoint import load
from workflow.pipeline.cli import read_block, run
from workflow.pipeline.mixing import mixed_scores
from workflow.pipeline.network_inputs import feature_names


def main(
    datasets: Annotated[list[Path], typer.Argument(help="Datasets of the samples to mix.")],
    scores: Annotated[
        list[Path],
        typer.Option(help="Parquet table of the scores of their events, one per signal."),
    ],
    model: Annotated[Path, typer.Option(help="Folder of the trained models, fold0, fold1, …")],
    folds: Annotated[int, typer.Option(help="Number of these models.")],
    config: Annotated[str, typer.Option(help="Block `working_point.mixing`.")],
    output: Annotated[
        list[Path], typer.Option(help="Parquet file to write, one per table of scores.")
    ],
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Mix the events of samples that may pass hard cuts, and score what comes out."""
    torch.set_num_threads(threads)
    samples = [Dataset(path) for path in datasets]
    mixing = read_block(Mixing, config)
    networks = [load(model / f"fold{n}", feature_names(samples[0])) for n in range(folds)]
    for table, path in zip(scores, output, strict=True):
        origin = origin_of(table)
        mixed = (
            mixed_scores(sample, table, networks, origin, mixing, accelerator) for sample in samples
        )
        with atomic_path(path) as temporary:
            write_parquet(mixed, temporary, origin)


if __name__ == "__main__":
    run(main)
