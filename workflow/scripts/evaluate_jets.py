"""Rule evaluate_jets: AUC and rejections of one tagger of single fat jets on test jets."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from analysis.config.dataset import Dataset as DatasetConfig
from analysis.datasets.dataset import TENSORS, Dataset
from analysis.evaluation.metrics import known_curve, metric_row
from common.tables import read_json, write_json
from common.weighted import Condenser, WeightedSample
from models.config.specs_jets import PUBLIC, JetTask
from models.networks.batch import Events
from models.training.inference import predict_log_odds
from workflow.pipeline.cli import read_block, run
from workflow.pipeline.jets import read_split_of_jets
from workflow.pipeline.network_inputs import feature_names

ROWS = 8192
"""Jets in memory at a time."""


def main(
    sources: Annotated[list[Path], typer.Argument(help="Datasets, or public files.")],
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    dataset: Annotated[str, typer.Option(help="Dataset block: JSON or path of a YAML file.")],
    seed: Annotated[int, typer.Option(help="Seed of the training, which gives the fold.")],
    output: Annotated[Path, typer.Option(help="JSON file to write.")],
    task: Annotated[str | None, typer.Option(help="Task block; none for public files.")] = None,
    pt_min: Annotated[float, typer.Option(help="Smallest pT [GeV].")] = 0.0,
    pt_max: Annotated[float, typer.Option(help="Largest pT [GeV].")] = float("inf"),
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Evaluate one tagger."""
    block, jets = read_block(DatasetConfig, dataset), read_block(JetTask, task) if task else None
    test = read_split_of_jets(sources, jets, "test", seed, block, (pt_min, pt_max))
    features = feature_names(Dataset(sources[0]))
    condenser, right, total = Condenser(), np.zeros(2), np.zeros(2)
    for columns in test.steps(ROWS):
        label, weight = columns["label"], columns["weight"][:, 0]
        events = Events({name: columns[name] for name in TENSORS})
        odds = predict_log_odds(model, events, features, accelerator=accelerator, threads=threads)
        condenser.add(WeightedSample.of_classes(odds, weight, label))
        right += np.bincount(label, weight * ((odds > 0) == label), 2)
        total += np.bincount(label, weight, 2)
    sample = condenser.result()
    described = read_json(model / "model.json")
    key = {
        "task": jets.name if jets else PUBLIC,
        "tagger": described["network"]["name"],
        "seed": seed,
        "parameters": described["parameters"],
        "train_jets": described["jets"],
    }
    metrics = key | {"accuracy": float(np.mean(right / total))}
    metrics |= metric_row(sample, (0.5, 0.3))
    write_json({"metrics": metrics, "rejection": known_curve(sample)}, output)


if __name__ == "__main__":
    run(main)
