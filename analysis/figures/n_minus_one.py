"""What each cut removes of the events that pass all others."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from analysis.figures.style import PALETTE, add_label, styled


@styled
def n_minus_one_plot(
    efficiencies: Mapping[str, Sequence[tuple[float, float]]], samples: Sequence[str]
) -> Figure:
    """Draw the share of the events that pass all other cuts which pass this one too.

    Parameters
    ----------
    efficiencies : mapping of str to sequence of (float, float)
        Of each cut, the share and its error in each of S samples; NaN where no event passes.
    samples : sequence of str
        S names.
    """
    figure = Figure(figsize=(7.2, 1.6 + 0.45 * len(samples) * max(len(efficiencies), 1) / 2))
    axes = figure.subplots()
    height = 0.8 / max(len(efficiencies), 1)
    for number, (cut, pairs) in enumerate(efficiencies.items()):
        share, error = np.array(pairs).reshape(-1, 2).T
        place = np.arange(len(samples)) + (number - (len(efficiencies) - 1) / 2) * height
        colour = PALETTE[number % len(PALETTE)]
        axes.barh(place, share, height, xerr=error, color=colour, label=cut, capsize=2)
    axes.set_yticks(range(len(samples)), samples)
    axes.tick_params(axis="y", length=0, which="both")
    axes.invert_yaxis()
    axes.set_xlim(0, 1.05)
    axes.set_xlabel("pass this cut / pass all others")
    axes.legend(title="cut", loc="upper left", bbox_to_anchor=(1, 1))
    add_label(axes)
    return figure
