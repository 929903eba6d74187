"""Fill and draw the distributions of all network inputs after b tags."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from analysis.datasets.dataset import Dataset, tagged_weight
from analysis.evaluation.distributions import VARIABLES, Shares
from analysis.figures.distributions import Shape, distribution_plot
from analysis.figures.style import LINES, PROCESS_LABELS, save
from common.tables import write_frame
from common.weights import effective_number_of_sums
from workflow.pipeline.cli import run
from workflow.pipeline.groups import groups, palette


def fill(datasets: Sequence[Dataset]) -> tuple[list[Shares], float]:
    """Return the shares of each variable, and the effective number of the events after b tags."""
    shares, sums = [Shares(variable) for variable in VARIABLES], np.zeros(2)
    for data in datasets:
        for tensors, columns in data.steps():
            weight = tagged_weight(columns)[:, 0]
            sums += weight.sum(), (weight**2).sum()
            for one in shares:
                one.add(tensors, weight)
    return shares, float(effective_number_of_sums(*sums))


def table(name: str, edges: np.ndarray, shapes: Sequence[Shape]) -> pd.DataFrame:
    """Return what is drawn as rows."""
    return pd.concat(
        pd.DataFrame(
            {
                "variable": name,
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
    filled = {name: fill(members) for name, members in of_curve.items()}
    tables = []
    for index, variable in enumerate(VARIABLES):
        shapes = []
        for n, (name, (shares, n_eff)) in enumerate(filled.items()):
            label, one = PROCESS_LABELS.get(name, name), shares[index]
            is_signal, line = of_curve[name][0].is_signal, LINES[n % len(LINES)]
            drawn = (one.content, one.error, n_eff, is_signal, line)
            shapes.append(Shape(label, colour[name], *drawn))
        figure = distribution_plot(variable.bin_edges, shapes, variable.label)
        save(figure, figures / f"{variable.name}.png")
        tables.append(table(variable.name, variable.bin_edges, shapes))
    write_frame(pd.concat(tables), output)


if __name__ == "__main__":
    run(main)
