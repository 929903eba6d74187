"""Rule reweight: what turns the events of a sample into those of another generator."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
from typer import Option

from analysis.datasets.dataset import Dataset, assign_fold, tagged_weight
from analysis.evaluation.density_ratio import Normalisation
from common.files import atomic_path
from common.tables import write_parquet
from models.training.checkpoint import TrainedModel, load
from workflow.pipeline.cli import run
from workflow.pipeline.network_inputs import feature_names
from workflow.pipeline.scoring import crossed


def main(
    nominal: Annotated[Path, Option(help="Dataset of the nominal sample.")],
    alternative: Annotated[Path, Option(help="Dataset of the alternative sample.")],
    model: Annotated[list[Path], Option(help="Folder of the trained models of a seed; repeat.")],
    folds: Annotated[int, Option(help="Number of folds.")],
    fold_seed: Annotated[int, Option(help="Seed of the folds.")],
    reweighting: Annotated[str, Option(help="Name of the reweighting.")],
    output: Annotated[Path, Option(help="Parquet table to write: one row per event.")],
    other: Annotated[list[Path] | None, Option(help="Dataset of another sample; repeat.")] = None,
    threads: Annotated[int, Option(help="CPU threads.")] = 1,
    accelerator: Annotated[str, Option(help="What the networks work on.")] = "auto",
) -> None:
    """Weight every event by classifiers that have not seen it: their mean log-odds over seeds."""
    torch.set_num_threads(threads)
    samples = [Dataset(path) for path in (nominal, alternative, *(other or []))]
    features = feature_names(samples[0])
    seeds = [[load(folder / f"fold{k}", features) for k in range(folds)] for folder in model]
    tables = [
        pd.concat(scored(sample, seeds, fold_seed, accelerator), ignore_index=True)
        for sample in samples
    ]
    weights = [table["weight"].to_numpy() for table in tables]
    norm = Normalisation.fit(tables[0]["log_odds"].to_numpy(), weights[0], weights[1])
    for number, table in enumerate(tables):
        table["alternative"] = number == 1
        table["factor"] = norm.factor(table["log_odds"].to_numpy())
    origin = {
        "reweighting": reweighting,
        "classifier": seeds[0][0].spec.name,
        "sample": str(samples[0].attributes["sample"]),
        **vars(norm),
    }
    with atomic_path(output) as temporary:
        write_parquet(tables, temporary, origin)


def scored(
    data: Dataset, seeds: Sequence[Sequence[TrainedModel]], fold_seed: int, accelerator: str
) -> Iterator[pd.DataFrame]:
    """Yield the events with weight, a few at a time; `weight` is the default category's."""
    for tensors, columns in data.steps():
        weight = tagged_weight(columns)
        chosen = (weight != 0).any(axis=1)
        events = {name: array[chosen] for name, array in tensors.items()}
        key = columns["key"][chosen]
        fold = assign_fold(key, fold_seed, len(seeds[0]))
        odds = [crossed(models, events, fold, [math.nan], accelerator)[0] for models in seeds]
        yield pd.DataFrame(
            {
                "key": key,
                "sample": str(data.attributes["sample"]),
                "fold": fold,
                "weight": weight[chosen, 0],
                "log_odds": np.mean(odds, axis=0),
                "spread": np.std(odds, axis=0),
            }
        )


if __name__ == "__main__":
    run(main)
