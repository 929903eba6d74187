"""Ratios of background rejections between networks, one row per comparison."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.style import MARKERS, PALETTE, add_label, styled


@styled
def ratios_plot(comparisons: Sequence[tuple[str, Sequence[dict[str, Any]]]], mass: float) -> Figure:
    """Draw the ratios of all comparisons of one signal.

    Parameters
    ----------
    comparisons : sequence of (str, rows)
        What is compared, and the rows of `analysis.evaluation.network_ratios.ratio_rows`;
        `published` marks what a paper quotes.
    mass : float
        m_H [GeV].
    """
    efficiencies = sorted({row["signal_efficiency"] for _, rows in comparisons for row in rows})
    figure = Figure(figsize=(8.4, 2.6 + 1.3 * len(comparisons)))
    ax = figure.subplots()
    ax.set_xscale("log")
    ax.axvline(1, color="black", lw=1)
    for place, (_, rows) in enumerate(comparisons):
        for row in rows:
            number = efficiencies.index(row["signal_efficiency"])
            y = place + 0.22 * (number - (len(efficiencies) - 1) / 2)
            if row.get("ratio") is not None:
                _point(ax, row, y, PALETTE[number], MARKERS[number])
            if row.get("published") is not None:
                ax.plot(row["published"], y, "*", color="black", ms=11, mfc="none")
    ax.set_yticks(range(len(comparisons)), [label for label, _ in comparisons])
    ax.set_ylim(len(comparisons) - 0.5, -0.5 - 0.55)
    ax.tick_params(axis="y", which="both", length=0)
    ax.minorticks_off()
    low, high = ax.get_xlim()
    ax.set_xlim(min(low, 0.5), max(high, 2.0))
    _ticks(ax)
    ax.set_xlabel(r"ratio of rejections $1/\varepsilon_B$ at the same $\varepsilon_S$")
    handles = [
        Line2D([], [], marker=MARKERS[n], color=PALETTE[n], label=rf"$\varepsilon_S={e:g}$")
        for n, e in enumerate(efficiencies)
    ]
    if any(row.get("published") is not None for _, rows in comparisons for row in rows):
        star = Line2D([], [], marker="*", ls="none", color="black", mfc="none", ms=11)
        star.set_label("published")
        handles.append(star)
    ax.legend(
        handles=handles,
        ncols=len(handles),
        loc="upper right",
        columnspacing=1.2,
        handletextpad=0.4,
        title=rf"$m_H={mass:g}$ GeV; open: statistics too small to tell",
        title_fontsize=12,
    )
    add_label(ax)
    return figure


def _point(ax: Any, row: dict[str, Any], y: float, colour: str, marker: str) -> None:
    """Median with its statistical error; behind it the range over the seeds."""
    ax.plot([row["min"], row["max"]], [y, y], color=colour, alpha=0.25, lw=9, solid_capstyle="butt")
    ends = [np.inf if row[name] is None else row[name] for name in ("low", "high")]
    for k, (beyond, arrow) in enumerate(((0, "<"), (np.inf, ">"))):
        if ends[k] == beyond:  # nothing bounds the ratio on this side
            ends[k] = row["ratio"] * (0.1, 10)[k]
            ax.plot(ends[k], y, arrow, color=colour)
    error = np.abs(np.array(ends) - row["ratio"])[:, np.newaxis]
    face = colour if row["supported"] == "yes" else "white"
    ax.errorbar(row["ratio"], y, xerr=error, fmt=marker, color=colour, mfc=face, capsize=3, lw=1.5)


def _ticks(ax: Any) -> None:
    low, high = ax.get_xlim()
    within = (1, 2, 5) if high / low < 2000 else (1,)
    steps = [m * 10.0**p for p in range(-3, 9) for m in within]
    shown = [x for x in steps if low <= x <= high]
    ax.set_xticks(shown, [f"{x:g}" for x in shown])
