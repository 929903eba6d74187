"""Shapes of one variable: signals against each background process, with error bars."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.style import add_label, styled


@dataclass(frozen=True)
class Shape:
    """One histogram to draw.

    Attributes
    ----------
    label, colour : str
    content, error : NDArray, [B]
        Share of all entries in each bin, and its statistical error.
    n_eff : float
        Effective number of its events.
    is_signal : bool
        Signals are drawn as lines, backgrounds filled.
    """

    label: str
    colour: str
    content: NDArray[np.float64]
    error: NDArray[np.float64]
    n_eff: float
    is_signal: bool
    line: str = "-"


@styled
def distribution_plot(edges: NDArray[np.float64], shapes: Sequence[Shape], label: str) -> Figure:
    """Draw normalised shapes over common bins.

    Parameters
    ----------
    edges : NDArray, [B + 1]
    shapes : sequence of Shape
    label : str
        Of the axis, with its unit.
    """
    figure = Figure()
    ax = figure.subplots()
    centre = (edges[1:] + edges[:-1]) / 2
    for shape in shapes:
        text = rf"{shape.label} ($n_\mathrm{{eff}}$ = {shape.n_eff:.0f})"
        if shape.is_signal:
            ax.stairs(shape.content, edges, color=shape.colour, ls=shape.line, lw=1.8, label=text)
        else:
            ax.stairs(shape.content, edges, color=shape.colour, fill=True, alpha=0.35, label=text)
        ax.errorbar(
            centre, shape.content, shape.error, fmt="none", ecolor=shape.colour, elinewidth=1.0
        )
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, 1.45 * max((shape.content.max() for shape in shapes), default=1.0))
    ax.set_xlabel(label)
    ax.set_ylabel("fraction of entries per bin")
    add_label(ax)
    ax.legend(loc="upper right", ncols=2, fontsize=10)
    return figure
