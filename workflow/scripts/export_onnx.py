"""Rule export_onnx: one trained network as an ONNX file, with its card and reference events."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from typer import Argument, Option

from analysis.datasets.dataset import Dataset
from common.files import atomic_path
from common.tables import read_json
from models.networks.batch import Events
from models.training.checkpoint import load
from models.training.export import export, write_reference
from models.training.model_card import model_card
from workflow.pipeline.cli import run
from workflow.pipeline.network_inputs import mass_of, tensors_of


def main(
    model: Annotated[Path, Argument(help="Folder of the trained model.")],
    dataset: Annotated[list[Path], Option(help="Datasets of the signal and backgrounds; repeat.")],
    metrics: Annotated[Path, Option(help="JSON of rule metrics.")],
    output: Annotated[Path, Option(help="ONNX file to write; .md and .npz go beside it.")],
    events: Annotated[int, Option(min=2, help="Reference events, half of them signal.")] = 100,
) -> None:
    """Write a network as ONNX, with its preprocessing, and compare it with torch."""
    sources = sorted(map(Dataset, dataset), key=lambda data: not data.is_signal)
    tensors = tensors_of(load(model).spec)
    chosen, is_signal = reference_events(sources, events, tensors)
    mass = mass_of(sources[0])
    difference = export(model, chosen, output, mass)
    reference = output.with_suffix(".npz")
    write_reference(reference, chosen, is_signal, model, mass)
    row = read_json(metrics)["metrics"]
    card = model_card(read_json(model / "model.json"), chosen.shapes, row, reference.name)
    with atomic_path(output.with_suffix(".md")) as path:
        path.write_text(card, encoding="utf-8")
    print(f"{output}: log-odds within {difference:.1e} of torch on {len(chosen)} events")


def reference_events(
    sources: list[Dataset], events: int, tensors: Sequence[str]
) -> tuple[Events, np.ndarray]:
    """Return the first events of the signal, which comes first, and as many of the backgrounds."""
    signal, *others = sources
    shares = np.diff(np.linspace(0, events // 2, len(others) + 1).astype(int))
    parts = [signal.rows(slice(0, events - events // 2), tensors)]
    for data, share in zip(others, shares, strict=True):
        parts.append(data.rows(slice(0, share), tensors))
    arrays = {name: np.concatenate([rows[name] for rows in parts]) for name in tensors}
    return Events(arrays), np.arange(len(arrays["kinematics"])) < len(parts[0]["kinematics"])


if __name__ == "__main__":
    run(main)
