"""Rule limits_figure: upper limits against m_H, with published limits and model predictions."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from typer import Option

from analysis.figures.limits import LimitCurve, limit_plot
from analysis.figures.style import colours, save
from analysis.statistics.working_point import COUNTED
from common.tables import read_csv, summarise_seeds
from workflow.pipeline.cli import run
from workflow.reporting.comparison import benchmark_curves, published_curves


def main(
    table: Annotated[Path, Option(help="CSV of rule limits_table.")],
    output: Annotated[Path, Option(help="PNG to write; the PDF goes beside it.")],
    network: Annotated[list[str], Option(help="Networks, in the order to draw; repeat.")],
    column: Annotated[str, Option(help="Column of the table to draw.")] = "limit_za_fb",
    quantity: Annotated[str, Option(help="What the column is.")] = "95% CL limit",
    luminosity: Annotated[float, Option(help="Integrated luminosity [fb⁻¹].")] = 3000.0,
    background_events: Annotated[float, Option(help="What the working point leaves.")] = 20.0,
    benchmarks: Annotated[str, Option(help="List of blocks `benchmarks`.")] = "[]",
    every_network: Annotated[
        list[str] | None, Option(help="All networks, which gives each its colour; repeat.")
    ] = None,
) -> None:
    """Draw the median and the range over seeds of each network."""
    rows = [row for row in read_csv(table) if row["network"] in network]
    error = column.replace("_fb", "_error_fb")
    summary = summarise_seeds(rows, (column, error))
    colour = colours([*(every_network or ()), *network])
    curves = [_curve(name, colour[name], summary, column, error) for name in network]
    missing = [
        f"{row['network']} at {row['mass_gev']:g} GeV"
        for row in summary
        if row[f"{column}_median"] is None
    ]
    trainings = [row["seeds"] for row in summary] or [0]
    seeds = min(trainings), max(trainings)
    references = [*published_curves(luminosity), *benchmark_curves(benchmarks)]
    shown = (luminosity, missing, seeds, quantity, background_events)
    save(limit_plot(curves, references, *shown), output)


def _curve(
    name: str, colour: str, summary: list[dict[str, Any]], column: str, error: str
) -> LimitCurve:
    of_network = [r for r in summary if r["network"] == name and r[f"{column}_median"] is not None]
    keys = ("mass_gev", f"{column}_median", f"{column}_min", f"{column}_max")
    mass, median, low, high = (
        np.array([row[key] for row in of_network], dtype=float) for key in keys
    )
    has_cut = "shape" not in column  # the shape fit has no threshold
    counted = {*COUNTED, "none"}  # a training without a limit has no point
    fitted = np.array(
        [has_cut and not set(row["methods"].split("+")) <= counted for row in of_network],
        dtype=bool,
    )
    errors = np.array([row[f"{error}_median"] or 0.0 for row in of_network], dtype=float)
    label = name.replace("_", " ")
    return LimitCurve(label, colour, mass, median, low, high, fitted, errors)


if __name__ == "__main__":
    run(main)
