"""Learning curves: the losses of each training against the epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from analysis.figures.style import MARKERS, add_label, styled


@dataclass(frozen=True)
class LearningCurve:
    """One training.

    Attributes
    ----------
    label, colour : str
        Of its network; trainings of one network share them.
    epoch, train, validation : NDArray, [E]
        Losses behind each epoch.
    """

    label: str
    colour: str
    epoch: NDArray[np.int64]
    train: NDArray[np.float64]
    validation: NDArray[np.float64]


@styled
def training_plot(curves: Sequence[LearningCurve], mass: float) -> Figure:
    """Draw the losses of all trainings of one signal, with the epochs whose weights are kept.

    Parameters
    ----------
    curves : sequence of LearningCurve
    mass : float
        m_H [GeV].
    """
    figure = Figure()
    ax = figure.subplots()
    marker = dict(zip(dict.fromkeys(c.label for c in curves), MARKERS * len(curves), strict=False))
    for curve in curves:
        ax.plot(curve.epoch, curve.train, color=curve.colour, lw=1.0, ls=":")
        ax.plot(curve.epoch, curve.validation, color=curve.colour, lw=1.4)
        if len(curve.epoch):
            best = int(np.argmin(curve.validation))
            point = (curve.epoch[best], curve.validation[best])
            ax.plot(*point, marker=marker[curve.label], color=curve.colour, mec="black", ms=8)
    handles = [
        Line2D([], [], color=colour, marker=marker[label], mec="black", label=label)
        for label, colour in dict.fromkeys((c.label, c.colour) for c in curves)
    ]
    handles += [
        Line2D([], [], color="black", lw=1.4, label="validation"),
        Line2D([], [], color="black", lw=1.0, ls=":", label="training"),
    ]
    ax.legend(
        handles=handles,
        title=rf"$m_H={mass:g}$ GeV; markers: weights kept",
        title_fontsize=12,
        loc="upper right",
    )
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high * (high / low) ** 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("epoch")
    ax.set_ylabel("weighted cross-entropy per event")
    add_label(ax)
    return figure
