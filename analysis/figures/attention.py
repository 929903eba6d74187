"""Where a network looks in the oriented fat jets, on average and in single events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.style import MARKERS, PALETTE, simulation_title, styled

Floats = NDArray[np.float64]
AXES = (r"$\eta^\prime$", r"$\phi^\prime$ [rad]")
LOWEST = 1e-2
"""Smallest share of the largest bin that is told apart in colour."""
WIDEST = 2.5
"""Ends of the colours of single events: 1/WIDEST to WIDEST times an even attention."""
FEWEST = 0.3
"""Largest relative error of a ratio that is shown."""


@dataclass(frozen=True)
class Map:
    """Mean attention in one fat jet of one class of events.

    Attributes
    ----------
    attention, error, even : NDArray, [P, P]
        Attention per bin, its error, and that of a network that looks at all alike; η′ first.
    """

    attention: Floats
    error: Floats
    even: Floats

    def ratio(self) -> Floats:
        """Return attention over even attention, NaN where it is not known to 30%."""
        resolved = (self.attention > 0) & (self.error < FEWEST * self.attention) & (self.even > 0)
        return np.where(resolved, self.attention / np.where(self.even > 0, self.even, 1), np.nan)


@dataclass(frozen=True)
class Share:
    """How much of something is near the two leading subjets of a fat jet.

    Attributes
    ----------
    label : str
    value, error : NDArray, [4]
        Signal jet 1 and 2, background jet 1 and 2.
    is_attention : bool
        Or what it is compared with.
    """

    label: str
    value: Floats
    error: Floats
    is_attention: bool


@styled
def attention_plot(
    maps: Mapping[tuple[str, int], Map], edges: Floats, shares: Sequence[Share], title: str
) -> Figure:
    """Draw the attention, its ratio to an even one, and what is near the subjets.

    Parameters
    ----------
    maps : mapping of (class, jet) to Map
        Classes "signal" and "background", jets 1 and 2.
    edges : NDArray, [P + 1]
        Of the bins [rad].
    shares : sequence of Share
    title : str
    """
    figure = Figure(figsize=(15.5, 6.8))
    parts: Any = figure.subfigures(1, 2, width_ratios=(3, 1))
    left, right = parts
    panels = left.subplots(2, 4, sharex=True, sharey=True)
    highest = max(attention_map.attention.max() for attention_map in maps.values())
    shown = {}
    for row, kind in enumerate(("signal", "background")):
        for jet in (1, 2):
            attention_map = maps[kind, jet]
            for column, (values, norm, colours) in enumerate(
                (
                    (attention_map.attention, LogNorm(LOWEST * highest, highest), "cividis"),
                    (attention_map.ratio(), LogNorm(0.5, 2), "PuOr_r"),
                )
            ):
                panel = panels[row, 2 * column + jet - 1]
                panel.set_facecolor("#d9d9d9" if column else "#00224e")
                values = values if column else np.maximum(values, LOWEST * highest)
                shown[column] = panel.pcolormesh(
                    edges, edges, values.T, norm=norm, cmap=colours, rasterized=True
                )
                panel.set_aspect("equal")
                panel.set_xlabel(AXES[0], fontsize=13)
                panel.tick_params(labelbottom=True, labelsize=11)
                if row == 0:
                    panel.set_title(f"jet {jet}", fontsize=13, pad=7)
        panels[row, 0].set_ylabel(f"{AXES[1]}, {kind}", fontsize=13)
    labels = ("attention per bin", "attention / even attention (grey: not known to 30%)")
    for column, label in enumerate(labels):
        axes = list(panels[:, 2 * column : 2 * column + 2].flat)
        bar = left.colorbar(shown[column], ax=axes, location="bottom", aspect=30, pad=0.02)
        bar.set_label(label, fontsize=13)
        bar.ax.tick_params(labelsize=11)
        if column:
            bar.set_ticks([0.5, 0.7, 1, 1.4, 2], labels=["0.5", "0.7", "1", "1.4", "2"])
            bar.minorticks_off()
    _shares(right.subplots(), shares)
    simulation_title(figure, title)
    return figure


def _shares(ax: Axes, shares: Sequence[Share]) -> None:
    place = np.arange(4.0)
    looking = [share for share in shares if share.is_attention]
    others = [share for share in shares if not share.is_attention]
    for share, line in zip(others, ("-", ":"), strict=False):
        for x, value, error in zip(place, share.value, share.error, strict=True):
            ax.fill_between([x - 0.4, x + 0.4], value - error, value + error, color="#c8c8c8", lw=0)
            ax.plot([x - 0.4, x + 0.4], [value, value], color="black", ls=line, lw=1.6)
        ax.plot([], [], color="black", ls=line, lw=1.6, label=share.label)
    for number, share in enumerate(looking):
        shift = 0.2 * (number - (len(looking) - 1) / 2)
        ax.errorbar(
            place + shift, share.value, share.error, fmt=MARKERS[number], capsize=2, lw=1.2,
            color=PALETTE[(0, 1, 9, 3)[number % 4]], label=share.label,
        )  # fmt: skip
    ax.set_xticks(place, ["signal\njet 1", "signal\njet 2", "backgr.\njet 1", "backgr.\njet 2"])
    ax.tick_params(axis="x", which="both", length=0, labelsize=11)
    ax.tick_params(axis="y", labelsize=12)
    ax.set_ylabel("share near the two leading subjets", fontsize=14)
    low = min(float(np.min(share.value - share.error)) for share in shares)
    ax.set_ylim(max(0.0, low - 0.05), 1.0)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), fontsize=11, ncols=1)


@dataclass(frozen=True)
class AttendedJet:
    """A fat jet of a single event.

    Attributes
    ----------
    title : str
    position, pt, attention : NDArray, [C, 2], [C], [C]
        (η′, φ′) [rad], pT [GeV], attention over that of an even one.
    subjet_position, subjet_pt : NDArray, [S, 2], [S]
    """

    title: str
    position: Floats
    pt: Floats
    attention: Floats
    subjet_position: Floats
    subjet_pt: Floats


@styled
def attention_events_plot(
    events: Mapping[str, Sequence[Sequence[AttendedJet]]], radius: float, title: str
) -> Figure:
    """Draw single events: one row of fat jets per class.

    Parameters
    ----------
    events : mapping of class to events, each two AttendedJet
    radius : float
        Half of the width that is shown [rad].
    title : str
    """
    columns = 2 * max(len(events_of_kind) for events_of_kind in events.values())
    figure = Figure(figsize=(1.5 + 3.7 * columns, 4.3 * len(events) + 0.6))
    panels = figure.subplots(len(events), columns, sharex=True, sharey=True, squeeze=False)
    norm = LogNorm(1 / WIDEST, WIDEST)
    for row, (kind, events_of_kind) in zip(panels, events.items(), strict=True):
        jets = [jet for event in events_of_kind for jet in event]
        for panel, jet in zip(row, jets, strict=False):
            shown = panel.scatter(
                *jet.position.T,
                s=14 + 7 * jet.pt,
                c=np.clip(jet.attention, 1 / WIDEST, WIDEST),
                norm=norm,
                cmap="PuOr_r",
                edgecolors="#555555",
                linewidths=0.6,
                alpha=0.9,
            )
            panel.plot(*jet.subjet_position.T, ls="", marker="+", color="black", ms=14, mew=1.8)
            for (x, y), pt in zip(jet.subjet_position, jet.subjet_pt, strict=True):
                panel.annotate(f"{pt:.0f}", (x, y), (8, 6), textcoords="offset points", fontsize=11)
            panel.set_xlim(-radius, radius)
            panel.set_ylim(-radius, radius)
            panel.set_aspect("equal")
            panel.set_xlabel(AXES[0], fontsize=13)
            panel.tick_params(labelbottom=True, labelsize=11)
            panel.set_title(jet.title, fontsize=11)
        row[0].set_ylabel(f"{AXES[1]}, {kind}", fontsize=13)
        for panel in row[len(jets) :]:
            panel.set_axis_off()
    bar = figure.colorbar(shown, ax=list(panels.flat), pad=0.01, aspect=35)
    bar.set_ticks([0.4, 0.6, 1, 1.6, 2.5], labels=["0.4", "0.6", "1", "1.6", "2.5"])
    bar.minorticks_off()
    bar.set_label("attention / even attention", fontsize=13)
    simulation_title(figure, title)
    return figure
