"""Rule cls_figure: expected CLs limits of one network with their ±1σ and ±2σ bands."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from typer import Option

from analysis.figures.cls_bands import cls_plot
from analysis.figures.style import save
from analysis.statistics.fit import BAND_NAMES
from common.tables import read_csv, summarise_seeds
from workflow.pipeline.cli import run
from workflow.reporting.comparison import benchmark_curves, published_curves


def main(
    table: Annotated[Path, Option(help="CSV of rule limits_table.")],
    output: Annotated[Path, Option(help="PNG to write; the PDF goes beside it.")],
    network: Annotated[str, Option(help="The network.")],
    kind: Annotated[Literal["count", "shape"], Option(help="Which fit.")] = "shape",
    luminosity: Annotated[float, Option(help="Integrated luminosity [fb⁻¹].")] = 3000.0,
    level: Annotated[float, Option(help="Confidence level of the limits.")] = 0.95,
    benchmarks: Annotated[str, Option(help="List of blocks `benchmarks`.")] = "[]",
) -> None:
    """Draw the median over seeds of the expected limit and of each band."""
    columns = [f"cls_{kind}_{band}_fb" for band in BAND_NAMES]
    rows = [row for row in read_csv(table) if row["network"] == network]
    summary = summarise_seeds(rows, columns)
    valid = [row for row in summary if row[f"{columns[0]}_median"] is not None]
    mass = np.array([row["mass_gev"] for row in valid], dtype=float)
    bands = np.array([[row[f"{c}_median"] for row in valid] for c in columns], dtype=float)
    missing = [f"{row['mass_gev']:g} GeV" for row in summary if row not in valid]
    note = f"no limit: {', '.join(missing)}" if missing else ""
    label = f"{network.replace('_', ' ')}, {'fit to the score' if kind == 'shape' else 'count'}"
    references = [*published_curves(luminosity), *benchmark_curves(benchmarks)]
    save(cls_plot(mass, bands, label, luminosity, references, note, level), output)


if __name__ == "__main__":
    run(main)
