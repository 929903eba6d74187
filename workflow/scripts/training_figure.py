"""Rule training_figure: the learning curves of all networks of one signal."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from typer import Argument, Option

from analysis.figures.style import colours, save
from analysis.figures.training import LearningCurve, training_plot
from common.tables import read_csv, read_json, write_csv
from workflow.pipeline.cli import run


def main(
    models: Annotated[list[Path], Argument(help="Folders of rule train, of one signal.")],
    mass: Annotated[float, Option(help="m_H [GeV].")],
    output: Annotated[Path, Option(help="PNG to write; PDF and CSV go beside it.")],
    every_network: Annotated[
        list[str] | None, Option(help="All networks, which gives each its colour; repeat.")
    ] = None,
) -> None:
    """Draw the losses of all trainings against the epoch."""
    trainings = [
        (read_json(folder / "model.json"), read_csv(folder / "history.csv")) for folder in models
    ]
    colour = colours(
        [*(every_network or ()), *(model["network"]["name"] for model, _ in trainings)]
    )
    curves = [_curve(model, colour, rows) for model, rows in trainings]
    rows = [
        {
            "network": model["network"]["name"],
            "mass_gev": mass,
            "seed": model["seed"],
            "fold": model["fold"],
            **row,
        }
        for model, history in trainings
        for row in history
    ]
    write_csv(rows, output.with_suffix(".csv"), ("network", "seed", "fold", "epoch"))
    save(training_plot(curves, mass), output)


def _curve(
    model: dict[str, Any], colour: dict[str, str], rows: list[dict[str, Any]]
) -> LearningCurve:
    """Return the curve of a training; one for several masses says so."""
    name = model["network"]["name"]
    label = name.replace("_", " ") + (", all $m_H$" if len(model["masses_gev"]) > 1 else "")
    epoch, train, validation = (
        np.array([row[column] for row in rows]) for column in ("epoch", "train_loss", "val_loss")
    )
    return LearningCurve(label, colour[name], epoch, train, validation)


if __name__ == "__main__":
    run(main)
