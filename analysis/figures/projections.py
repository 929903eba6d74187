"""How the limit depends on what was chosen: events kept, luminosity, simulated sample size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from analysis.figures.style import MARKERS, add_label, styled


@dataclass(frozen=True)
class Dependence:
    """One curve: x [M], the median over seeds, its range, its error, and what is a tail fit."""

    label: str
    colour: str
    x: NDArray[np.float64]
    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    error: NDArray[np.float64]
    fitted: NDArray[np.bool_]


@styled
def dependence_plot(
    curves: Sequence[Dependence],
    x_label: str,
    y_label: str,
    luminosity: float | None,
    note: str = "",
    guide: str | None = None,
) -> Figure:
    """Draw limits against a quantity, both on logarithmic axes.

    Parameters
    ----------
    curves : sequence of Dependence
        One per network and mass.
    x_label, y_label : str
        With units.
    luminosity : float or None
        For the label [fb⁻¹]; None where it is the x axis.
    note : str
        Title of the legend.
    guide : str, optional
        "sqrt" adds a line ∝ 1/√x through the last point of the first curve.
    """
    figure = Figure()
    ax = figure.subplots()
    for k, c in enumerate(curves):
        ax.fill_between(c.x, c.low, c.high, color=c.colour, alpha=0.2, lw=0)
        marker = MARKERS[k % len(MARKERS)]
        ax.plot(c.x, c.median, marker=marker, color=c.colour, label=c.label)
        error = np.stack([np.minimum(c.error, 0.95 * c.median), c.error])
        for chosen, face in ((~c.fitted, c.colour), (c.fitted, "white")):
            points = (c.x[chosen], c.median[chosen], error[:, chosen])
            ax.errorbar(*points, fmt=marker, color=c.colour, mfc=face, capsize=2, lw=1.2)
    if guide == "sqrt" and curves and len(curves[0].x):
        first = curves[0]
        line = first.median[-1] * np.sqrt(first.x[-1] / first.x)
        ax.plot(first.x, line, color="black", ls=":", lw=1.2, label=r"$\propto 1/\sqrt{x}$")
    values = sorted({float(x) for curve in curves for x in curve.x})
    if values:
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xticks(values, [f"{value:g}" for value in values])
        ax.xaxis.set_minor_formatter(NullFormatter())
    else:
        ax.set_xticks([])
        ax.set_yticks([])
        text = "no limit at any of these"
        ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", color="#bd1f01")
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    if any(curve.fitted.any() for curve in curves):
        note += "\nopen markers: beyond the simulated sample"
    ax.legend(loc="best", title=note.strip(), title_fontsize=11)
    add_label(ax, luminosity)
    return figure
