"""Rule calibration_figure: the share of signal against the score of all networks of one signal."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from typer import Argument, Option

from analysis.evaluation.calibration import Reliability
from analysis.figures.calibration import Calibration, calibration_plot
from analysis.figures.style import colours, save
from common.tables import KEYS, read_csv, write_csv
from workflow.pipeline.cli import run


def main(
    tables: Annotated[list[Path], Argument(help="Tables of rule calibration, of one signal.")],
    output: Annotated[Path, Option(help="PNG to write; PDF and CSV go beside it.")],
    every_network: Annotated[
        list[str] | None, Option(help="All networks, which gives each its colour; repeat.")
    ] = None,
) -> None:
    """Draw one line per training."""
    trainings = [read_csv(path) for path in tables]
    networks: dict[str, list[Reliability]] = {}
    for rows in trainings:
        networks.setdefault(rows[0]["network"], []).append(_bins(rows))
    colour = colours([*(every_network or ()), *networks])
    curves = [Calibration(n.replace("_", " "), colour[n], curve) for n, curve in networks.items()]
    every = [row for rows in trainings for row in rows]
    write_csv(every, output.with_suffix(".csv"), (*KEYS, "bin"))
    save(calibration_plot(curves, every[0]["mass_gev"]), output)


def _bins(rows: list[dict[str, Any]]) -> Reliability:
    names = [field.name for field in fields(Reliability)]
    return Reliability(*(np.array([row[name] for row in rows], dtype=float) for name in names))


if __name__ == "__main__":
    run(main)
