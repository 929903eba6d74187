"""Correlation of the orientation angle with the rest, as a table of colours with numbers."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.style import add_label, styled


@styled
def correlation_plot(
    correlation: NDArray[np.float64],
    by_chance: NDArray[np.float64],
    rows: Sequence[str],
    columns: Sequence[str],
    titles: Sequence[str],
) -> Figure:
    """Draw correlations; those below twice what chance gives are printed grey.

    Parameters
    ----------
    correlation, by_chance : NDArray, [P, R, C]
        Of P panels; the correlation, and the one expected of independent quantities.
    rows, columns : sequence of str
        R processes and C quantities.
    titles : sequence of str
        P titles.
    """
    figure = Figure(figsize=(1.6 + 0.85 * len(columns), 1.5 + len(titles) * 0.55 * (len(rows) + 2)))
    panels = np.atleast_1d(figure.subplots(len(titles), 1, sharex=True))
    for panel, title, values, chance in zip(panels, titles, correlation, by_chance, strict=True):
        shown = panel.pcolormesh(values, cmap="Blues", vmin=0, vmax=1, edgecolors="white", lw=1)
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                light = "white" if value > 0.6 else "black"
                colour = light if value > 2 * chance[row, column] else "#8a8a8a"
                text = f"{value:.2f}"
                panel.text(
                    column + 0.5,
                    row + 0.5,
                    text,
                    ha="center",
                    va="center",
                    fontsize=11,
                    color=colour,
                )
        panel.set_yticks(np.arange(len(rows)) + 0.5, rows, fontsize=12)
        panel.set_ylabel(title, fontsize=14)
        panel.tick_params(length=0, which="both")
        panel.minorticks_off()
        panel.invert_yaxis()
    panels[-1].set_xticks(
        np.arange(len(columns)) + 0.5, columns, rotation=40, ha="right", fontsize=12
    )
    bar = figure.colorbar(shown, ax=list(panels), pad=0.01, aspect=30)
    bar.set_label("canonical correlation", fontsize=13)
    add_label(panels[0])
    return figure
