"""A sample before and after reweighting over that of the other generator, and the calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.evaluation.calibration import Reliability
from analysis.figures.style import PALETTE, plain_ticks, simulation_title, styled

Floats = NDArray[np.float64]

COLUMNS = 4
WIDE = 30.0
"""Ratio of the outer edges from which an axis is logarithmic."""


@dataclass(frozen=True)
class Comparison:
    """One observable.

    Attributes
    ----------
    label : str
    edges : NDArray, [K + 1]
    nominal, reweighted, alternative : (shares, errors), [K] each
    p_before, p_after : float
    """

    label: str
    edges: Floats
    nominal: tuple[Floats, Floats]
    reweighted: tuple[Floats, Floats]
    alternative: tuple[Floats, Floats]
    p_before: float
    p_after: float


@styled
def closure_plot(comparisons: Sequence[Comparison], curve: Reliability, title: str) -> Figure:
    """Draw the ratio to the alternative of each observable, and the share of it by score.

    The band is the statistical error of the alternative sample.
    """
    rows = -(-(len(comparisons) + 1) // COLUMNS)
    figure = Figure(figsize=(3.7 * COLUMNS, 3.2 * rows + 0.5))
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for number, (panel, one) in enumerate(zip(panels, comparisons, strict=False)):
        _ratios(panel, one)
        if number % COLUMNS == 0:
            panel.set_ylabel("over alternative", fontsize=13)
    panels[0].legend(loc="upper left", fontsize=9)
    _calibration(panels[len(comparisons)], curve)
    for panel in panels[len(comparisons) + 1 :]:
        panel.set_axis_off()
    simulation_title(figure, title)
    return figure


def _ratios(panel: Axes, one: Comparison) -> None:
    target, target_error = one.alternative
    edges, logarithmic = _shown(one.edges)
    filled = target > 0
    known = np.where(filled, target, 1.0)
    panel.stairs(
        1 + target_error / known,
        edges,
        baseline=1 - target_error / known,
        fill=True,
        color="0.85",
        label="alternative, stat.",
    )
    panel.axhline(1, color="black", lw=1, ls="--")
    low, high = edges[:-1], edges[1:]
    centre = np.sqrt(low * high) if logarithmic else (low + high) / 2
    shown = (("nominal", one.nominal, "s"), ("reweighted", one.reweighted, "o"))
    for (name, (share, error), marker), colour in zip(shown, PALETTE, strict=False):
        ratio = np.where(filled, share / known, np.nan)
        panel.stairs(ratio, edges, baseline=None, color=colour, lw=1.0)
        panel.errorbar(
            centre[filled],
            (share / known)[filled],
            (error / known)[filled],
            fmt=marker,
            ms=4,
            lw=1.2,
            color=colour,
            label=name,
        )
    if logarithmic:
        panel.set_xscale("log")
        plain_ticks(panel.xaxis)
    panel.set_ylim(0.4, 1.8)
    panel.tick_params(labelsize=10)
    panel.set_xlabel(one.label, fontsize=12)
    panel.set_title(f"p = {one.p_before:.2g} → {one.p_after:.2g}", fontsize=11)


def _shown(edges: Floats) -> tuple[Floats, bool]:
    """Return edges whose outer, open bins end soon, and whether the axis is logarithmic."""
    logarithmic = bool(edges[0] > 0 and edges[-1] / edges[0] > WIDE)
    if len(edges) < 4:
        return edges, logarithmic
    places = np.log(edges) if logarithmic else edges
    width = 2 * (places[-2] - places[1]) / (len(edges) - 3)
    places = np.clip(places, places[1] - width, places[-2] + width)
    return np.exp(places) if logarithmic else places, logarithmic


def _calibration(panel: Axes, curve: Reliability) -> None:
    panel.plot([0, 1], [0, 1], color="black", lw=1, ls="--")
    error = np.maximum([curve.fraction - curve.low, curve.high - curve.fraction], 0)
    panel.errorbar(curve.score, curve.fraction, error, fmt="o-", ms=4, lw=1.2, color=PALETTE[1])
    panel.set_xlim(0, 1)
    panel.set_ylim(0, 1)
    panel.tick_params(labelsize=10)
    panel.set_xlabel("score", fontsize=12)
    panel.set_ylabel("share of alternative", fontsize=12)
    panel.set_title(f"calibration error {curve.error:.3f} ({curve.noise:.3f})", fontsize=11)
