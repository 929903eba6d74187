"""Rule jets_figure: background rejection of the taggers of single fat jets, for one task."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Argument, Option

from analysis.evaluation.metrics import CURVE_GRID
from analysis.figures.roc import roc_plot
from analysis.figures.style import colours, save
from common.tables import read_json, write_frame
from workflow.pipeline.cli import run
from workflow.reporting.roc_bands import band, by_name


def main(
    rows: Annotated[list[Path], Argument(help="JSON files of rule evaluate_jets, of one task.")],
    output: Annotated[Path, Option(help="PNG to write; PDF and CSV go beside it.")],
) -> None:
    """Draw the median and the range over seeds of each tagger."""
    groups = by_name([read_json(path) for path in rows], "tagger")
    colour = colours(groups)
    bands = [band(name, colour[name], members, (0.3, 0.5)) for name, members in groups.items()]
    table = pd.concat(
        pd.DataFrame(
            {
                "tagger": name, "signal_efficiency": CURVE_GRID, "rejection": curve.median,
                "low": curve.low, "high": curve.high,
            }
        )
        for name, curve in zip(groups, bands, strict=True)
    )  # fmt: skip
    write_frame(table, output.with_suffix(".csv"))
    first = next(iter(groups.values()))[0]["metrics"]
    n_eff = float(np.nan_to_num(first["test_background_n_eff"]))
    task = first["task"].replace("_", " ")
    title = rf"single jets, {task}, background $n_\mathrm{{eff}}={n_eff:.0f}$"
    save(roc_plot(bands, title), output)


if __name__ == "__main__":
    run(main)
