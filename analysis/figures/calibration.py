"""The reliability diagram: share of signal against score."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from analysis.evaluation.calibration import Reliability
from analysis.figures.style import MARKERS, add_label, styled


@dataclass(frozen=True)
class Calibration:
    """All trainings of one network.

    Attributes
    ----------
    label, colour : str
    seeds : sequence of Reliability
        One per training.
    """

    label: str
    colour: str
    seeds: Sequence[Reliability]


@styled
def calibration_plot(networks: Sequence[Calibration], mass: float) -> Figure:
    """Draw the share of signal against the score; the diagonal is a probability.

    Parameters
    ----------
    networks : sequence of Calibration
    mass : float
        m_H [GeV].
    """
    figure = Figure(figsize=(7.2, 6.6))
    ax = figure.subplots()
    ax.plot([0, 1], [0, 1], color="black", lw=1, ls="--")
    for number, network in enumerate(networks):
        for place, bins in enumerate(network.seeds):
            error = np.stack([bins.fraction - bins.low, bins.high - bins.fraction])
            ax.errorbar(
                bins.score,
                bins.fraction,
                np.maximum(error, 0),
                fmt=MARKERS[number % len(MARKERS)],
                ls="-",
                lw=1.2,
                elinewidth=1.0,
                ms=5,
                alpha=0.85,
                color=network.colour,
                capsize=2,
                label=_legend(network) if place == 0 else None,
            )
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.3)
    ax.set_xlabel("score")
    ax.set_ylabel("share of signal, classes of equal weight")
    title = rf"$m_H={mass:g}$ GeV; in brackets: a calibrated score"
    ax.legend(loc="upper left", title=title, title_fontsize=12)
    add_label(ax)
    return figure


def _legend(network: Calibration) -> str:
    error, noise = (
        float(np.median([getattr(bins, name) for bins in network.seeds]))
        for name in ("error", "noise")
    )
    return f"{network.label}: calibration error {error:.3f} ({noise:.3f})"
