"""Rule closure_figure: a sample before and after reweighting, over that of the other generator."""

from dataclasses import fields
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from typer import Argument, Option

from analysis.evaluation.calibration import Reliability
from analysis.figures.closure import Comparison, closure_plot
from analysis.figures.style import save
from common.tables import read_csv
from workflow.pipeline.cli import run

JET = 1
"""The fat jet that is shown; the table has both."""
LABELS = {
    "mass_hh": "$m$(hh) [GeV]", "pt_hh": "$p_T$(hh) [GeV]",
    "mass": "$m$ [GeV]", "pt": "$p_T$ [GeV]",
    "multiplicity": "constituents", "line": "line (2 points)", "wedge": "wedge (3)",
    "triangle": "triangle (3)", "c2": "$C_2$ (3)", "d2": "$D_2$ (3)", "n2": "$N_2$ (3)",
    "star": "star (4)",
    "chain": "chain (4)", "square": "square (4)", "diamond": "diamond (4)",
}  # fmt: skip


def main(
    closure: Annotated[Path, Argument(help="Table of rule closure.")],
    shapes: Annotated[Path, Argument(help="Its table of bins.")],
    calibration: Annotated[Path, Argument(help="Its table of the score.")],
    output: Annotated[Path, Option(help="PNG to write; PDF goes beside it.")],
) -> None:
    """Draw the observables of the leading fat jet and of the pair, and the calibration."""
    rows = {row["observable"]: row for row in read_csv(closure) if row["jet"] in (0, JET)}
    bins = [row for row in read_csv(shapes) if row["jet"] in (0, JET)]
    groups = {name: list(group) for name, group in groupby(bins, lambda row: row["observable"])}
    comparisons = [comparison(rows[name], groups[name]) for name in LABELS]
    curve = read_csv(calibration)
    first = rows["mass"]
    title = (
        f"{first['sample']}, {first['classifier']}: ".replace("_", " ")
        + rf"AUC {first['auc_before']:.3f} $\pm$ {first['auc_before_error']:.3f}, "
        rf"reweighted {first['auc_after']:.3f}; "
        rf"$n_\mathrm{{eff}}$ {first['n_eff_nominal']:.0f} → {first['n_eff_reweighted']:.0f}, "
        f"alternative {first['n_eff_alternative']:.0f}"
    )
    names = [field.name for field in fields(Reliability)]
    reliability = Reliability(*(column(curve, name) for name in names))
    save(closure_plot(comparisons, reliability, title), output)


def comparison(row: dict[str, Any], bins: list[dict[str, Any]]) -> Comparison:
    """Return one observable from its row and its bins."""
    nominal, reweighted, alternative = (
        (column(bins, name), column(bins, f"{name}_error"))
        for name in ("nominal", "reweighted", "alternative")
    )
    edges = np.append(column(bins, "low"), bins[-1]["high"])
    label = LABELS[row["observable"]]
    p_values = row["p_before"], row["p_after"]
    return Comparison(label, edges, nominal, reweighted, alternative, *p_values)


def column(rows: list[dict[str, Any]], name: str) -> np.ndarray:
    """Return one column of a table."""
    return np.array([row[name] for row in rows], dtype=np.float64)


if __name__ == "__main__":
    run(main)
