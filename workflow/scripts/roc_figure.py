"""Rule roc_figure: background rejection against signal efficiency, all networks of one signal."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from typer import Argument, Option

from analysis.figures.roc import RocBand, roc_plot
from analysis.figures.style import colours, save
from analysis.metrics import CURVE_GRID, SIGNAL_EFFICIENCIES
from analysis.tables import read_json
from workflow.cli import run


def main(
    rows: Annotated[list[Path], Argument(help="JSON files of rule metrics, of one signal.")],
    output: Annotated[Path, Option(help="Figure to write, without suffix.")],
    luminosity: Annotated[float, Option(help="Integrated luminosity [fb⁻¹].")] = 3000.0,
) -> None:
    """Draw the median and the range over seeds of each network."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path in rows:
        content = read_json(path)
        groups.setdefault(content["metrics"]["network"], []).append(content)
    colour = colours(groups)
    bands = [_band(name, colour[name], members) for name, members in groups.items()]
    first = next(iter(groups.values()))[0]["metrics"]
    n_eff = first["test_background_n_eff"]
    save(roc_plot(bands, first["mass_gev"], luminosity, n_eff), output)


def _band(name: str, colour: str, members: list[dict[str, Any]]) -> RocBand:
    curves = np.ma.masked_invalid([np.array(m["rejection"], dtype=float) for m in members])
    median, low, high = (
        np.ma.filled(f(curves, axis=0), np.nan) for f in (np.ma.median, np.ma.min, np.ma.max)
    )
    label = name.replace("_", " ")
    return RocBand(label, colour, CURVE_GRID, median, low, high, _points(members), _auc(members))


def _auc(members: list[dict[str, Any]]) -> float:
    return float(np.median([m["metrics"]["auc"] for m in members]))


def _points(members: list[dict[str, Any]]) -> np.ndarray:
    """Median rejection over seeds at each quoted ε_S, with the median of its errors."""
    points = []
    for efficiency in SIGNAL_EFFICIENCIES:
        name = f"rejection_{100 * efficiency:.0f}"
        found = [(m["metrics"][name], m["metrics"][f"{name}_error"]) for m in members]
        values = [pair for pair in found if pair[0] is not None]
        if values:
            points.append([efficiency, *np.median(np.array(values), axis=0)])
    return np.array(points).reshape(-1, 3)


if __name__ == "__main__":
    run(main)
