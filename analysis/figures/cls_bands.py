"""Expected CLs limits of one network with their ±1σ and ±2σ bands."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.limits import BELOW, ReferenceCurve, draw_references, name_what_is_seen
from analysis.figures.style import add_label, styled

ONE_SIGMA, TWO_SIGMA = "#607641", "#F5BB54"  # in use at CMS; told apart without red and green


@styled
def cls_plot(
    mass: NDArray[np.float64],
    bands: NDArray[np.float64],
    label: str,
    luminosity: float,
    references: Sequence[ReferenceCurve] = (),
    note: str = "",
    level: float = 0.95,
) -> Figure:
    """Draw the median expected limit and its bands against m_H.

    Parameters
    ----------
    mass : NDArray, [M]
        m_H [GeV].
    bands : NDArray, [5, M]
        Limits on σ(gg → H → hh) at −2, −1, 0, 1, 2 σ [fb].
    label : str
        Title of the legend: network and kind of fit.
    luminosity : float
        For the label [fb⁻¹].
    references : sequence of ReferenceCurve
        Published limits and models.
    note : str
        Told in the figure, as masses without a limit.
    level : float
        Confidence level, for the label of the axis.
    """
    figure = Figure()
    ax = figure.subplots()
    if len(mass) == 1:  # bands need a width
        mass, bands = np.array([mass[0] - 25, mass[0] + 25]), np.repeat(bands, 2, axis=1)
    if len(mass):
        ax.fill_between(mass, bands[0], bands[4], color=TWO_SIGMA, lw=0, label=r"$\pm2\sigma$")
        ax.fill_between(mass, bands[1], bands[3], color=ONE_SIGMA, lw=0, label=r"$\pm1\sigma$")
        ax.plot(mass, bands[2], color="black", ls="--", label="expected, median")
        ax.set_yscale("log")
        margin = 0.06 * np.ptp(mass)
        ax.set_xlim(mass.min() - margin, mass.max() + margin)
    draw_references(ax, references)
    if len(mass):
        low, high = bands.min() / BELOW, max([bands.max(), *(c.value.max() for c in references)])
        ax.set_ylim(low, high * (high / low) ** 0.5)
        name_what_is_seen(ax, references)
    ax.set_xlabel(r"$m_H$ [GeV]")
    ax.set_ylabel(rf"{100 * level:g}% CL$_s$ limit on $\sigma(gg\to H\to hh)$ [fb]")
    ax.legend(loc="upper right", ncols=2, fontsize=11, title=label, title_fontsize=11)
    if note:
        ax.text(0.03, 0.03, note, transform=ax.transAxes, fontsize=9, wrap=True, color="#bd1f01")
    add_label(ax, luminosity)
    return figure
