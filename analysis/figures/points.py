"""Named numbers with errors, one below the other."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.style import LINES, MARKERS, PALETTE, simulation_title, styled


@styled
def importance_plot(
    names: Sequence[str],
    loss: NDArray[np.float64],
    error: NDArray[np.float64],
    title: str,
    subtitle: str,
) -> Figure:
    """Draw what is lost of the area under the ROC curve when each input is shuffled.

    Parameters
    ----------
    names : sequence of str
        K inputs, from top to bottom.
    loss, error : NDArray, [K]
    title, subtitle : str
        Above the frame and inside it.
    """
    figure = Figure(figsize=(7.2, 1.8 + 0.55 * len(names)))
    ax = figure.subplots()
    place = np.arange(len(names))
    ax.axvline(0, color="#717581", lw=1, ls="--")
    ax.errorbar(loss, place, xerr=error, fmt="o", color=PALETTE[1], capsize=3, lw=1.5)
    ax.set_yticks(place, names)
    ax.tick_params(axis="y", which="both", length=0)
    ax.set_ylim(len(names) - 0.4, -1.1)
    ax.set_xlabel("AUC lost when the input is shuffled")
    ax.text(0.97, 0.95, subtitle, transform=ax.transAxes, ha="right", va="top", fontsize=12)
    simulation_title(figure, title)
    return figure


@styled
def gates_plot(streams: Sequence[tuple[str, NDArray[np.float64]]], title: str) -> Figure:
    """Draw β of the differential attention by layer, each head a point, their mean a line.

    Parameters
    ----------
    streams : sequence of (name, NDArray [layers, heads])
    title : str
    """
    figure = Figure(figsize=(7.2, 5.0))
    ax = figure.subplots()
    ax.axhline(0.1, color="#717581", lw=1, ls="--", label="before the training")
    for number, (name, beta) in enumerate(streams):
        place = np.arange(1, len(beta) + 1)
        colour = PALETTE[number % len(PALETTE)]
        shift = 0.08 * (number - (len(streams) - 1) / 2)
        ax.plot(
            np.repeat(place, beta.shape[1]) + shift, beta.ravel(), ls="", color=colour,
            marker=MARKERS[number % len(MARKERS)], label=f"{name}, each head",
        )  # fmt: skip
        ax.plot(place + shift, beta.mean(1), color=colour, ls=LINES[number % len(LINES)], lw=1.2)
    ax.set_xticks(np.arange(1, max(len(beta) for _, beta in streams) + 1))
    ax.minorticks_off()
    ax.set_xlim(0.5, max(len(beta) for _, beta in streams) + 0.5)
    ax.set_xlabel("layer")
    ax.set_ylabel(r"$\beta$ of the differential attention")
    low, high = ax.get_ylim()
    low = min(low, 0.0)
    ax.set_ylim(low, high + 0.4 * (high - low))
    ax.legend(loc="upper right")
    simulation_title(figure, title)
    return figure
