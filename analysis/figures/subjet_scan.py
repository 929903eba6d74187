"""The scan of algorithms and radii of subjets."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from analysis.figures.style import LINES, MARKERS, PALETTE, simulation_title, styled

NAMES = {"cambridge": "Cambridge/Aachen", "antikt": r"anti-$k_T$", "hdbscan": "HDBSCAN"}
PANELS = (
    ("matched", "Higgs jets with $b$ hadrons in two subjets"),
    ("subjets", "subjets per jet"),
    ("mass_resolution", r"half of 68% of the mass / median"),
)


@styled
def subjet_scan_plot(rows: Sequence[Mapping[str, Any]], mass_gev: float) -> Figure:
    """Draw the three quantities of `analysis.evaluation.subjet_scan.scan` against the radius.

    Parameters
    ----------
    rows : sequence of mapping
        One per algorithm and radius.
    mass_gev : float
        m_H [GeV].
    """
    figure = Figure(figsize=(15.5, 5.2))
    panels = figure.subplots(1, 3)
    for k, algorithm in enumerate(dict.fromkeys(row["algorithm"] for row in rows)):
        own = [row for row in rows if row["algorithm"] == algorithm]
        radius = [row["radius"] + 0.004 * (k - 1) for row in own]  # points do not hide each other
        for ax, (name, _) in zip(panels, PANELS, strict=True):
            ax.errorbar(
                radius,
                [row[name] for row in own],
                yerr=[row[f"{name}_error"] for row in own],
                color=PALETTE[k],
                marker=MARKERS[k],
                ls=LINES[k],
                capsize=3,
                label=NAMES.get(algorithm, algorithm),
            )
    for ax, (_, label) in zip(panels, PANELS, strict=True):
        ax.set_xlabel(r"radius $R$")
        ax.set_ylabel(label, fontsize=14)
        ax.set_ylim(bottom=0)
    panels[0].set_ylim(0, 1.05)
    panels[0].legend(loc="lower left")
    simulation_title(figure, rf"$H\to hh$, $m_H={mass_gev:g}$ GeV")
    return figure
