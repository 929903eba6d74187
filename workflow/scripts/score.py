"""Rule score: every event, scored by the network of its fold, which has not seen it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer

from analysis.config.dataset import Dataset as DatasetConfig
from analysis.datasets.dataset import Dataset, Selection, assign_fold
from common.columns import Columns, resized
from common.files import atomic_path
from common.tables import parquet_file
from models.training.checkpoint import load
from models.training.prefetch import ahead
from workflow.pipeline.cli import read_block, run
from workflow.pipeline.network_inputs import feature_names, mass_of, tensors_of
from workflow.pipeline.scoring import crossed

ROWS = 8192
"""Events in memory at a time, and in a row group of the table."""


def table(
    events: Columns, fold: np.ndarray, log_odds: np.ndarray, datasets: Sequence[Dataset]
) -> pd.DataFrame:
    """Return one row per event; `weight` is the default category's."""
    names = ("weight", *(f"weight_{name}" for name in datasets[0].weight_names[1:]))
    of_sample = {
        name: np.array([str(data.attributes[name]) for data in datasets])[events["dataset"]]
        for name in ("sample", "process")
    }
    return pd.DataFrame(
        {
            "key": events["key"],
            **of_sample,
            "label": events["label"],
            "fold": fold,
            "score": 1 / (1 + np.exp(-log_odds)),
            "log_odds": log_odds,
            **dict(zip(names, events["weight"].T, strict=True)),
        }
    )


def main(
    datasets: Annotated[list[Path], typer.Argument(help="Datasets: signals, all backgrounds.")],
    model: Annotated[Path, typer.Option(help="Folder of the trained models, fold0, fold1, …")],
    dataset: Annotated[str, typer.Option(help="Dataset block: JSON or path of a YAML file.")],
    seed: Annotated[int, typer.Option(help="Seed of the training, which gives the folds.")],
    luminosity: Annotated[float, typer.Option(help="Integrated luminosity [fb⁻¹].")],
    output: Annotated[
        list[Path], typer.Option(help="Parquet file to write, one per signal in their order.")
    ],
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Score each signal and all backgrounds; networks for all m_H are told the signal's."""
    torch.set_num_threads(threads)
    folds = read_block(DatasetConfig, dataset).folds
    sources = [Dataset(path) for path in datasets]
    backgrounds = [source for source in sources if not source.is_signal]
    features = feature_names(sources[0])
    networks = [load(model / f"fold{number}", features) for number in range(folds)]

    signals = [source for source in sources if source.is_signal]
    masses = [mass_of(signal) for signal in signals]

    def scored(
        group: Sequence[Dataset], told: Sequence[float], kinds: Sequence[str | None]
    ) -> Iterator[list[pd.DataFrame]]:
        """Yield the events of a group block by block, a table for each m_H."""
        selection = Selection(group, tensors=tensors_of(networks[0].spec), kinds=kinds)
        blocks = map(selection.read, range(len(selection.blocks)))
        for events in ahead(resized(blocks, ROWS), 1):
            fold = assign_fold(events["key"], seed, folds)
            yields = {"weight": luminosity * events["weight"]}
            for_masses = crossed(networks, events, fold, told, accelerator)
            yield [table(events | yields, fold, log_odds, group) for log_odds in for_masses]

    with ExitStack() as opened:
        appends = []
        for mass, path in zip(masses, output, strict=True):
            origin = {"network": networks[0].spec.name, "mass_gev": mass, "seed": seed}
            temporary = opened.enter_context(atomic_path(path))
            appends.append(opened.enter_context(parquet_file(temporary, origin)))
        for signal, mass, append in zip(signals, masses, appends, strict=True):
            for (part,) in scored([signal], [mass], (None, "signal")):
                append(part)
        for parts in scored(backgrounds, masses, ("background", None)):
            for append, part in zip(appends, parts, strict=True):
                append(part)


if __name__ == "__main__":
    run(main)
