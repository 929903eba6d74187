"""Grad-CAM of a network over constituents and kinematic tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.style import CLASS_COLOURS, MARKERS, simulation_title, styled


@dataclass(frozen=True)
class Cam:
    """Grad-CAM over the tokens of one stream in one class of events.

    Attributes
    ----------
    mean, error : NDArray, [T]
        Of the log-odds.
    near, near_error : float
        Share near the leading subjets; NaN for kinematic tokens.
    """

    mean: NDArray[np.float64]
    error: NDArray[np.float64]
    near: float
    near_error: float


@styled
def grad_cam_plot(
    streams: Mapping[str, Mapping[str, Cam]], tokens: Sequence[str], title: str
) -> Figure:
    """Draw each stream in a panel, signal and background side by side.

    Parameters
    ----------
    streams : mapping of stream to {class: Cam}
        "kinematics" has the tokens; all others are fat jets with constituents in pT order.
    tokens : sequence of str
        Names of the kinematic tokens.
    title : str
    """
    widths = [1.0 if name == "kinematics" else 1.5 for name in streams]
    figure = Figure(figsize=(max(8.2, 0.6 + 4.1 * sum(widths)), 5.2))
    panels = np.atleast_1d(figure.subplots(1, len(streams), width_ratios=widths))
    for panel, (name, classes) in zip(panels, streams.items(), strict=True):
        for number, (kind, cam) in enumerate(classes.items()):
            if name == "kinematics":
                _tokens(panel, cam, number, kind)
            else:
                _constituents(panel, cam, number, kind)
        if name == "kinematics":
            panel.set_xticks(np.arange(len(tokens)), tokens)
            panel.tick_params(axis="x", which="both", length=0, labelsize=12)
            panel.set_xlim(-0.5, len(tokens) - 0.5)
        else:
            panel.set_xlabel(f"constituent of {name}, in $p_T$ order", fontsize=14)
        panel.set_ylim(0, 1.45 * panel.get_ylim()[1])
        panel.legend(loc="upper right", fontsize=11)
    panels[0].set_ylabel("Grad-CAM of the log-odds", fontsize=15)
    simulation_title(figure, title)
    return figure


def _constituents(ax: Axes, cam: Cam, number: int, kind: str) -> None:
    place = np.arange(1, len(cam.mean) + 1)
    colour, line = CLASS_COLOURS[kind], ("-", "--")[number % 2]
    share = f", {100 * cam.near:.0f}±{100 * cam.near_error:.0f}% near subjets"
    label = kind + (share if np.isfinite(cam.near) else "")
    ax.plot(place, cam.mean, color=colour, ls=line, label=label)
    low, high = cam.mean - cam.error, cam.mean + cam.error
    ax.fill_between(place, low, high, color=colour, alpha=0.25, lw=0)


def _tokens(ax: Axes, cam: Cam, number: int, kind: str) -> None:
    place = np.arange(len(cam.mean)) + 0.12 * (2 * number - 1)
    style: Any = {"fmt": MARKERS[number], "color": CLASS_COLOURS[kind], "capsize": 3, "lw": 1.4}
    ax.errorbar(place, cam.mean, cam.error, label=kind, **style)
