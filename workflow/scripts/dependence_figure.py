"""Rule dependence_figure: the limit against events kept, luminosity or simulated sample size."""

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from typer import Option

from analysis.figures.projections import Dependence, dependence_plot
from analysis.figures.style import colours, save
from analysis.statistics.working_point import COUNTED
from common.errors import InputFileError
from common.tables import over_seeds, read_csv
from workflow.pipeline.cli import run

Kind = Literal["background_events", "luminosity", "sample_size"]
LABELS: dict[str, str] = {
    "background_events": "background events kept",
    "luminosity": r"integrated luminosity [fb$^{-1}$]",
    "sample_size": "size of the simulated samples / present size",
}


def main(
    table: Annotated[Path, Option(help="CSV of rule limits_table: scan or projection.")],
    output: Annotated[Path, Option(help="PNG to write; the PDF goes beside it.")],
    kind: Annotated[Kind, Option(help="What the limit is drawn against.")],
    network: Annotated[list[str], Option(help="Networks, in the order to draw; repeat.")],
    mass: Annotated[float, Option(help="m_H [GeV].")],
    luminosity: Annotated[float, Option(help="Integrated luminosity [fb⁻¹].")] = 3000.0,
    counting: Annotated[
        Literal["weighted", "raw"], Option(help="How background events are counted.")
    ] = "weighted",
    quantity: Annotated[str, Option(help="What the limits are.")] = "95% CL limit",
    every_network: Annotated[
        list[str] | None, Option(help="All networks, which gives each its colour; repeat.")
    ] = None,
) -> None:
    """Draw the median and the range over seeds of each network at one mass."""
    x = "background_events" if kind == "background_events" else "value"
    rows = chosen(read_csv(table), kind, mass, counting)
    if not rows:
        raise InputFileError(f"{table} holds no row of {kind} at {mass:g} GeV")
    colour = colours([*(every_network or ()), *network])
    curves = [
        _curve(name, colour[name], [row for row in rows if row["network"] == name], x)
        for name in network
    ]
    label = ("simulated " if kind == "background_events" and counting == "raw" else "") + LABELS[
        kind
    ]
    shown = None if kind == "luminosity" else luminosity
    guide = "sqrt" if kind == "luminosity" else None
    note = rf"$m_H={mass:g}$ GeV"
    y_label = rf"{quantity} on $\sigma(gg\to H\to hh)$ [fb]"
    save(dependence_plot(curves, label, y_label, shown, note, guide), output)


def chosen(
    rows: list[dict[str, Any]], kind: str, mass: float, counting: str
) -> list[dict[str, Any]]:
    """Return the rows of one kind, mass and counting; a projection has no such column."""
    selected = {"kind": kind, "mass_gev": mass, "counting": counting}
    return [row for row in rows if all(row.get(name, x) == x for name, x in selected.items())]


def _curve(name: str, colour: str, rows: list[dict[str, Any]], x: str) -> Dependence:
    valid = [row for row in rows if row["limit_za_fb"] is not None]
    points = []
    for value in sorted({row[x] for row in valid}):
        at_value = [row for row in valid if row[x] == value]
        error = over_seeds([row["limit_za_error_fb"] for row in at_value]).median
        fitted = any(row["threshold_method"] not in COUNTED for row in at_value)
        points.append([value, *over_seeds([row["limit_za_fb"] for row in at_value]), error, fitted])
    at, median, low, high, errors, tails = np.array(points, dtype=float).reshape(-1, 6).T
    label = name.replace("_", " ")
    return Dependence(label, colour, at, median, low, high, errors, tails.astype(bool))


if __name__ == "__main__":
    run(main)
