"""Rule evaluate_classes: rejections of one tagger of several classes on test jets."""

from pathlib import Path
from typing import Annotated

import typer

from analysis.datasets.dataset import TENSORS, Dataset
from analysis.evaluation.classes import ClassMetrics
from common.tables import read_json, write_json
from models.networks.batch import Events
from models.training.inference import predict_logits
from workflow.pipeline.cli import run
from workflow.pipeline.jets import jets_of_split
from workflow.pipeline.network_inputs import feature_names

ROWS = 8192
"""Jets in memory at a time."""


def main(
    sources: Annotated[list[Path], typer.Argument(help="Files of rule jet_class.")],
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")],
    seed: Annotated[int, typer.Option(help="Seed of the training.")],
    output: Annotated[Path, typer.Option(help="JSON file to write.")],
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Evaluate one tagger."""
    test, features = jets_of_split(sources, "test"), feature_names(Dataset(sources[0]))
    metrics = ClassMetrics(features.classes)
    for jets in test.steps(ROWS):
        events = Events({name: jets[name] for name in TENSORS})
        logits = predict_logits(model, events, features, accelerator, threads)
        metrics.add(logits, jets["label"], jets["weight"][:, 0])
    described = read_json(model / "model.json")
    key = {
        "tagger": described["network"]["name"],
        "seed": seed,
        "parameters": described["parameters"],
        "train_jets": described["jets"],
        "accuracy": metrics.accuracy,
    }
    write_json({"classes": [key | row for row in metrics.rows()]}, output)


if __name__ == "__main__":
    run(main)
