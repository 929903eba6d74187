"""The limit plot: upper limits against m_H, their bands over seeds, and published limits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray

from analysis.figures.style import MARKERS, add_label, axes_with_ratio, styled

BELOW = 10.0
"""How far below the smallest limit the axis goes; references further down are left out."""


@dataclass(frozen=True)
class LimitCurve:
    """Limits of one network.

    Attributes
    ----------
    label, colour : str
        Legend entry and colour.
    mass, median, low, high : NDArray, [M]
        m_H [GeV]; median and range over seeds of the limit on σ(gg → H → hh) [fb].
    fitted : NDArray of bool, [M]
        Whether a threshold came from a tail fit: drawn as an open marker.
    error : NDArray, [M]
        Statistical error of the median [fb].
    """

    label: str
    colour: str
    mass: NDArray[np.float64]
    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    fitted: NDArray[np.bool_]
    error: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class ReferenceCurve:
    """Limits or cross sections of others: m_H [GeV] and σ [fb], a thin line or markers alone."""

    label: str
    mass: NDArray[np.float64]
    value: NDArray[np.float64]
    line: str = "--"
    colour: str = "black"
    marker: str = "x"


@styled
def limit_plot(
    curves: Sequence[LimitCurve],
    references: Sequence[ReferenceCurve] = (),
    luminosity: float = 3000.0,
    missing: Sequence[str] = (),
    seeds: tuple[int, int] = (1, 1),
    quantity: str = "95% CL limit",
    background_events: float = 20.0,
) -> Figure:
    """Draw limits against m_H, with the ratio to the first curve below.

    The errors of a ratio are those of both limits as if they were independent.

    Parameters
    ----------
    curves : sequence of LimitCurve
        Own limits; the first is the denominator of the ratio.
    references : sequence of ReferenceCurve
        Published limits and models.
    luminosity : float
        For the label [fb⁻¹].
    missing : sequence of str
        Networks and masses without a limit, told in the figure.
    seeds : (int, int)
        Fewest and most trainings behind a band.
    quantity : str
        What is drawn, for the label of the axis.
    background_events : float
        What the working point should leave, for the legend of open markers.
    """
    figure, ax, ratio = axes_with_ratio()
    for curve, marker in zip(curves, MARKERS * len(curves), strict=False):
        _draw(ax, curve, marker)
        if len(curves[0].mass) and len(curve.mass):
            _draw(ratio, _over(curve, curves[0]), marker)
    draw_references(ax, references)
    ax.set_yscale("log")
    ax.set_ylabel(rf"{quantity} on $\sigma(gg\to H\to hh)$ [fb]")
    _frame(ax, curves)
    ratio.set_xlabel(r"$m_H$ [GeV]")
    ratio.set_ylabel("ratio")
    ratio.set_yscale("log")
    ratio.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ratio.axhline(1, color="black", lw=0.8)
    if any(len(c.mass) for c in curves):
        masses = np.concatenate([c.mass for c in curves])
        margin = 0.06 * np.ptp(masses) if np.ptp(masses) else 200.0
        ax.set_xlim(masses.min() - margin, masses.max() + margin)
    name_what_is_seen(ax, references)
    add_label(ax, luminosity)
    _legend(ax, curves, seeds, background_events)
    if missing:
        text = "no limit: " + "; ".join(missing)
        ax.text(0.03, 0.03, text, transform=ax.transAxes, fontsize=9, wrap=True, color="#bd1f01")
    return figure


def _frame(ax: Axes, curves: Sequence[LimitCurve]) -> None:
    """Leave room for the legend above, and let references far below the limits go out of sight."""
    low, high = ax.get_ylim()
    lowest = [float(curve.low.min()) for curve in curves if len(curve.low)]
    low = max(low / 1.5, min(lowest) / BELOW) if lowest else low / 1.5
    ax.set_ylim(low, high * (high / low) ** 0.45)


def draw_references(ax: Axes, references: Sequence[ReferenceCurve]) -> None:
    """Draw limits and cross sections of others, each by its own line and marker."""
    for line in references:
        ax.plot(
            line.mass,
            line.value,
            marker=line.marker,
            ms=4,
            lw=1.2,
            ls=line.line,
            color=line.colour,
            label=line.label,
        )


def name_what_is_seen(ax: Axes, references: Sequence[ReferenceCurve]) -> None:
    """Leave references without a point inside the axes out of the legend."""
    names = {line.label for line in references}
    (left, right), low = ax.get_xlim(), ax.get_ylim()[0]
    for line in ax.lines:
        x, y = (np.asarray(values) for values in line.get_data())
        if line.get_label() in names and not np.any((x >= left) & (x <= right) & (y >= low)):
            line.set_label("_")


def _draw(ax: Axes, curve: LimitCurve, marker: str) -> None:
    ax.fill_between(curve.mass, curve.low, curve.high, color=curve.colour, alpha=0.25, lw=0)
    ax.plot(curve.mass, curve.median, marker=marker, color=curve.colour, label=curve.label)
    error = np.zeros(len(curve.mass)) if curve.error is None else curve.error
    for chosen, face in ((~curve.fitted, curve.colour), (curve.fitted, "white")):
        ax.errorbar(
            curve.mass[chosen],
            curve.median[chosen],
            _positive(error, curve.median)[:, chosen],
            fmt=marker,
            color=curve.colour,
            mfc=face,
            lw=1.2,
            capsize=2,
        )
    if len(curve.mass) == 1:  # a band of zero width is invisible
        ax.vlines(curve.mass, curve.low, curve.high, color=curve.colour, alpha=0.25, lw=10)


def _positive(error: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return errors (down, up) that keep the bar above zero on a logarithmic axis."""
    return np.stack([np.minimum(error, 0.95 * value), error])


def _over(curve: LimitCurve, base: LimitCurve) -> LimitCurve:
    """Return a curve over another where both have limits; over itself it has no error."""
    shared = np.isin(curve.mass, base.mass)
    at = np.searchsorted(base.mass, curve.mass[shared])
    below, median = base.median[at], curve.median[shared] / base.median[at]
    error = None
    if curve is not base and curve.error is not None and base.error is not None:
        error = median * np.hypot(
            curve.error[shared] / curve.median[shared], base.error[at] / below
        )
    return LimitCurve(
        curve.label,
        curve.colour,
        curve.mass[shared],
        median,
        curve.low[shared] / below,
        curve.high[shared] / below,
        curve.fitted[shared],
        error,
    )


def _legend(
    ax: Axes, curves: Sequence[LimitCurve], seeds: tuple[int, int], background_events: float
) -> None:
    handles, labels = ax.get_legend_handles_labels()
    few, many = seeds
    number = f"{many}" if few == many else f"{few} to {many}"
    title = f"median and range of {number} trainings" if many > 1 else "one training"
    if any(curve.fitted.any() for curve in curves):
        events = f"{background_events:g} background events"
        title += f"\nopen markers: {events} are beyond the simulated sample"
    legend = ax.legend(handles, labels, loc="upper right", ncols=2, fontsize=11, title=title)
    legend.get_title().set_fontsize(10)
