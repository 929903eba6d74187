"""Background rejection against signal efficiency."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.style import LINES, MARKERS, add_label, axes_with_ratio, plain_ticks, styled

LARGEST_RATIO = 10.0
"""Ends of the ratio's axis: what is beyond rests on single events."""

MOST_ROWS = 6
"""Networks in the legend, beyond which it has two columns."""


@dataclass(frozen=True)
class RocBand:
    """ROC curves of one network over its seeds.

    Attributes
    ----------
    label, colour : str
        Legend entry and colour.
    signal_efficiency : NDArray, [M]
        Common grid of ε_S.
    median, low, high : NDArray, [M]
        Rejection 1/ε_B, its range over seeds; NaN where no background is left.
    points : NDArray, [K, 3]
        Quoted ε_S, 1/ε_B and its statistical error.
    auc : float
        Median area under the curve.
    """

    label: str
    colour: str
    signal_efficiency: NDArray[np.float64]
    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    points: NDArray[np.float64]
    auc: float


@styled
def roc_plot(bands: Sequence[RocBand], title: str) -> Figure:
    """Draw 1/ε_B against ε_S per network, with the ratio to the first network below.

    Parameters
    ----------
    bands : sequence of RocBand
        One per network, all on the same grid.
    title : str
        Of the legend: signal and background.
    """
    figure, ax, ratio = axes_with_ratio()
    ax.set_yscale("log")
    ratio.set_yscale("log")
    for k, band in enumerate(bands):
        style: dict[str, Any] = {"color": band.colour, "ls": LINES[k % len(LINES)]}
        label = f"{band.label} (AUC {band.auc:.3f})"
        ax.plot(band.signal_efficiency, band.median, label=label, **style)
        x = band.signal_efficiency
        ax.fill_between(x, band.low, band.high, color=band.colour, alpha=0.2, lw=0)
        if len(band.points):
            at, value, error = band.points.T
            error = np.stack([np.minimum(error, 0.95 * value), error])
            marker = MARKERS[k % len(MARKERS)]
            ax.errorbar(at, value, error, fmt=marker, color=band.colour, capsize=2, lw=1.2)
        base = bands[0].median
        ratio.plot(x, band.median / base, **style)
        ratio.fill_between(x, band.low / base, band.high / base, color=band.colour, alpha=0.2, lw=0)
    if not any(np.isfinite(band.median).any() for band in bands):
        text = "too few background events for any cut"
        ax.text(0.5, 0.4, text, transform=ax.transAxes, ha="center")
    ax.set_ylabel(r"background rejection $1/\varepsilon_B$")
    ax.set_xlim(0, 1)
    ratio.set_xlabel(r"signal efficiency $\varepsilon_S$")
    ratio.set_ylabel("ratio")
    low, high = ratio.get_ylim()
    ratio.set_ylim(max(low, 1 / LARGEST_RATIO), min(high, LARGEST_RATIO))
    plain_ticks(ratio.yaxis)
    columns = 1 if len(bands) <= MOST_ROWS else 2
    _leave_room(ax, -(-len(bands) // columns))
    size = {} if columns == 1 else {"fontsize": 10}
    ax.legend(loc="upper right", title=title, title_fontsize=12, ncols=columns, **size)
    add_label(ax)
    return figure


def _leave_room(ax: Axes, rows: int) -> None:
    """Leave room for a legend above the curves, which it would hide where they are high."""
    low, high = ax.get_ylim()
    share = min(0.1 + 0.055 * rows, 0.6)
    ax.set_ylim(low, high * (high / low) ** (share / (1 - share)))
