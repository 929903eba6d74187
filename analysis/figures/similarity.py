"""How alike the layers of a network are: a triangle of numbers with their errors."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.style import simulation_title, styled


@styled
def similarity_plot(
    classes: Mapping[str, NDArray[np.float64]], layers: Sequence[str], title: str
) -> Figure:
    """Draw the CKA between layers, one panel per class of events.

    Parameters
    ----------
    classes : mapping of class to NDArray, [3, L, L]
        CKA, its error, and that of outputs of different events (what chance gives). Numbers
        below twice the latter are grey.
    layers : sequence of str
        L names.
    title : str
    """
    count = len(layers)
    side = 1.5 + 0.72 * count
    figure = Figure(figsize=(len(classes) * side + 1.6, side + 0.9))
    panels = np.atleast_1d(figure.subplots(1, len(classes), sharey=True))
    for panel, (kind, (values, errors, chance)) in zip(panels, classes.items(), strict=True):
        lower = np.tril(np.ones((count, count), dtype=bool), -1)
        shown = panel.pcolormesh(
            np.where(lower, values, np.nan), cmap="Blues", vmin=0, vmax=1, edgecolors="white", lw=1
        )
        for row, column in zip(*np.nonzero(lower), strict=True):
            value = values[row, column]
            dark = "white" if value > 0.6 else "black"
            colour = dark if value > 2 * chance[row, column] else "#8a8a8a"
            error = errors[row, column]
            text = f"{value:.2f}" + (f"\n±{error:.2f}" if error >= 0.005 else "")
            centre = (column + 0.5, row + 0.5)
            panel.annotate(text, centre, ha="center", va="center", fontsize=9.5, color=colour)
        ticks = np.arange(count) + 0.5
        panel.set_xticks(ticks[:-1], layers[:-1], rotation=40, ha="right", fontsize=11)
        panel.set_yticks(ticks[1:], layers[1:], fontsize=11)
        panel.set_xlim(0, count - 1)
        panel.set_ylim(count, 1)
        panel.tick_params(length=0, which="both")
        panel.minorticks_off()
        panel.set_title(kind, fontsize=14)
        for spine in panel.spines.values():
            spine.set_visible(False)
    bar = figure.colorbar(shown, ax=list(panels), pad=0.01, aspect=30)
    bar.set_label("CKA", fontsize=14)
    simulation_title(figure, title)
    return figure
