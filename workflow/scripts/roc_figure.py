"""Rule roc_figure: background rejection against signal efficiency, all networks of one signal."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from analysis.figures.roc import roc_plot
from analysis.figures.style import colours, save
from common.tables import read_json
from workflow.pipeline.cli import run
from workflow.reporting.roc_bands import band, by_name


def main(
    rows: Annotated[list[Path], Argument(help="JSON files of rule metrics, of one signal.")],
    output: Annotated[Path, Option(help="PNG to write; the PDF goes beside it.")],
    every_network: Annotated[
        list[str] | None, Option(help="All networks, which gives each its colour; repeat.")
    ] = None,
) -> None:
    """Draw the median and the range over seeds of each network."""
    groups = by_name([read_json(path) for path in rows], "network")
    colour = colours([*(every_network or ()), *groups])
    bands = [band(name, colour[name], members) for name, members in groups.items()]
    first = next(iter(groups.values()))[0]["metrics"]
    n_eff = first["test_background_n_eff"]
    title = rf"$m_H={first['mass_gev']:g}$ GeV, background $n_\mathrm{{eff}}={n_eff:.0f}$"
    save(roc_plot(bands, title), output)


if __name__ == "__main__":
    run(main)
