"""One event as the networks see it: the constituents and subjets of both fat jets."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import NDArray

from analysis.figures.style import add_label, styled
from common.angles import wrap

KINDS = {
    "charged hadron": ("#3f90da", "o"),
    "electron": ("#832db6", "D"),
    "muon": ("#bd1f01", "s"),
    "photon": ("#ffa90e", "^"),
    "neutral hadron": ("#717581", "h"),
}
"""Colour and marker of each class of constituents, in the order of its code."""


@dataclass(frozen=True)
class DisplayedJet:
    """One fat jet.

    Attributes
    ----------
    pt, eta, phi, mass, theta : float
        GeV and rad.
    deta, dphi, constituent_pt : NDArray, [C]
        Constituents relative to the axis, as they lie in the detector.
    kind : NDArray of int, [C]
        Index into `KINDS`.
    subjet_deta, subjet_dphi, subjet_pt : NDArray, [S]
    """

    pt: float
    eta: float
    phi: float
    mass: float
    theta: float
    deta: NDArray[np.float64]
    dphi: NDArray[np.float64]
    constituent_pt: NDArray[np.float64]
    kind: NDArray[np.int64]
    subjet_deta: NDArray[np.float64]
    subjet_dphi: NDArray[np.float64]
    subjet_pt: NDArray[np.float64]


@styled
def event_display(jets: tuple[DisplayedJet, DisplayedJet], title: str, radius: float) -> Figure:
    """Draw the event in η–φ, and each fat jet about its axis with its orientation.

    Parameters
    ----------
    jets : two DisplayedJet
        Leading in pT first.
    title : str
        What the event is.
    radius : float
        Of the fat jets.
    """
    figure = Figure(figsize=(15.5, 5.6))
    whole, *zooms = figure.subplots(1, 3, width_ratios=(1.25, 1, 1))
    for number, (jet, ax) in enumerate(zip(jets, zooms, strict=True), start=1):
        phi = wrap(jet.phi + jet.dphi)
        _constituents(whole, jet.eta + jet.deta, phi, jet)
        for turn in (-2 * np.pi, 0.0, 2 * np.pi):
            whole.add_patch(Circle((jet.eta, jet.phi + turn), radius, fill=False, ls="--", lw=1))
        at = (jet.eta, np.clip(jet.phi, -2.6, 2.6))
        whole.annotate(f"{number}", at, (18, 18), textcoords="offset points", fontsize=14)
        _zoom(ax, jet, number, radius)
    whole.set_xlim(-3.5, 3.5)
    whole.set_ylim(-np.pi, np.pi)
    whole.set_xlabel(r"$\eta$")
    whole.set_ylabel(r"$\phi$ [rad]")
    add_label(whole)
    whole.text(0.03, 0.97, title, transform=whole.transAxes, va="top", fontsize=12)
    for name, (colour, marker) in KINDS.items():
        zooms[1].plot([], [], ls="", marker=marker, color=colour, alpha=0.7, label=name)
    zooms[1].plot([], [], ls="", marker="+", color="black", ms=11, mew=1.8, label="subjet")
    zooms[1].plot([], [], color="black", lw=1.2, label="principal axis")
    figure.legend(*zooms[1].get_legend_handles_labels(), loc="outside lower right", ncols=7)
    return figure


def _constituents(
    ax: Axes, x: NDArray[np.float64], y: NDArray[np.float64], jet: DisplayedJet
) -> None:
    """Draw constituents; the area of a marker grows with pT."""
    for code, (colour, marker) in enumerate(KINDS.values()):
        of_kind = jet.kind == code
        size = 12 + 6 * jet.constituent_pt[of_kind]
        ax.scatter(x[of_kind], y[of_kind], s=size, c=colour, marker=marker, alpha=0.55, lw=0)


def _zoom(ax: Axes, jet: DisplayedJet, number: int, radius: float) -> None:
    _constituents(ax, jet.deta, jet.dphi, jet)
    ax.plot(jet.subjet_deta, jet.subjet_dphi, ls="", marker="+", color="black", ms=13, mew=1.8)
    for x, y, pt in zip(jet.subjet_deta, jet.subjet_dphi, jet.subjet_pt, strict=True):
        ax.annotate(f"{pt:.0f}", (x, y), (7, 5), textcoords="offset points", fontsize=10)
    ax.add_patch(Circle((0, 0), radius, fill=False, ls="--", lw=1))
    # the rotation by θ takes (sin θ, cos θ) onto the φ axis
    x, y = radius * np.sin(jet.theta), radius * np.cos(jet.theta)
    ax.plot([-x, x], [-y, y], color="black", lw=1.2)
    ax.set_xlim(-1.2 * radius, 1.2 * radius)
    ax.set_ylim(-1.2 * radius, 1.2 * radius)
    ax.set_aspect("equal")
    ax.set_xlabel(r"$\Delta\eta$")
    ax.set_ylabel(r"$\Delta\phi$ [rad]")
    ax.set_title(
        rf"jet {number}: $p_T={jet.pt:.0f}$, $m={jet.mass:.0f}$ GeV, $\theta={jet.theta:.2f}$ rad",
        fontsize=13,
    )
