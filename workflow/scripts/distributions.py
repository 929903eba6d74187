"""Fill and draw the distributions of all network inputs after b tags."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import hist
import numpy as np
import pandas as pd
import typer

from analysis.datasets.dataset import Dataset, tagged_weight
from analysis.evaluation.distributions import VARIABLES, Variable
from analysis.figures.distributions import Shape, distribution_plot
from analysis.figures.style import LINES, PROCESS_LABELS, save
from common.tables import write_frame
from common.weights import effective_number_of_sums
from workflow.pipeline.cli import run
from workflow.pipeline.groups import groups, palette


def fill(datasets: Sequence[Dataset]) -> list[hist.Hist]:
    """Return one histogram per variable, filled with the physical weights after b tags."""
    histograms = [variable.histogram() for variable in VARIABLES]
    for data in datasets:
        for tensors, columns in data.steps():
            weight = tagged_weight(columns)[:, 0]
            for variable, histogram in zip(VARIABLES, histograms, strict=True):
                variable.fill(histogram, tensors, weight)
    return histograms


def shape(
    name: str, datasets: Sequence[Dataset], histogram: hist.Hist, colour: str, line: str
) -> Shape:
    """Return the histogram normalised to all entries, those beyond its edges included."""
    contents: Any = histogram.view(flow=True)
    total, total_variance = contents["value"].sum(), contents["variance"].sum()
    scale = 1 / total if total else 0.0
    error = np.sqrt(contents["variance"][1:-1]) * scale
    n_eff = float(effective_number_of_sums(total, total_variance))
    return Shape(
        PROCESS_LABELS.get(name, name),
        colour,
        histogram.values() * scale,
        error,
        n_eff,
        datasets[0].is_signal,
        line,
    )


def table(variable: Variable, shapes: Sequence[Shape]) -> pd.DataFrame:
    """Return what is drawn as rows."""
    edges = variable.histogram().axes[0].edges
    return pd.concat(
        pd.DataFrame(
            {
                "variable": variable.name,
                "curve": shape.label,
                "low": edges[:-1],
                "high": edges[1:],
                "fraction": shape.content,
                "error": shape.error,
            }
        )
        for shape in shapes
    )


def main(
    datasets: Annotated[list[Path], typer.Argument(help="Datasets of all samples.")],
    figures: Annotated[Path, typer.Option(help="Folder of the figures.")],
    output: Annotated[Path, typer.Option(help="CSV file of all numbers drawn.")],
) -> None:
    """Draw the distributions of all network inputs."""
    of_curve = groups([Dataset(path) for path in datasets])
    colour = palette(of_curve)
    histograms = {name: fill(members) for name, members in of_curve.items()}
    tables = []
    for index, variable in enumerate(VARIABLES):
        shapes = [
            shape(name, members, histograms[name][index], colour[name], LINES[n % len(LINES)])
            for n, (name, members) in enumerate(of_curve.items())
        ]
        edges = variable.histogram().axes[0].edges
        save(distribution_plot(edges, shapes, variable.label), figures / f"{variable.name}.png")
        tables.append(table(variable, shapes))
    write_frame(pd.concat(tables), output)


if __name__ == "__main__":
    run(main)
