"""Mean jet images before and after orientation."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.style import styled


@styled
def jet_images_plot(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    edges: NDArray[np.float64],
    titles: Sequence[str],
) -> Figure:
    """Draw images before orientation above those after it.

    Parameters
    ----------
    before, after : NDArray, [K, P, P]
        Mean images of K classes of jets, η along the first axis.
    edges : NDArray, [P + 1]
        Of the pixels [rad].
    titles : sequence of str
        K names.
    """
    columns = len(titles)
    figure = Figure(figsize=(1.4 + 2.7 * columns, 6.4))
    panels = figure.subplots(2, columns, sharex=True, sharey=True, squeeze=False)
    highest = max(before.max(initial=1e-9), after.max(initial=1e-9))
    lowest = 1e-4 * highest
    norm = LogNorm(lowest, highest)
    rows = (
        ("detector", (r"$\Delta\eta$", r"$\Delta\phi$"), before),
        ("oriented", (r"$\eta^\prime$", r"$\phi^\prime$"), after),
    )
    for row, (title, angles, images) in enumerate(rows):
        for panel, name, image in zip(panels[row], titles, images, strict=True):
            clipped = np.maximum(image, lowest)
            shown = panel.pcolormesh(
                edges, edges, clipped.T, norm=norm, cmap="cividis", rasterized=True
            )
            panel.set_aspect("equal")
            if row == 0:
                panel.set_title(name, fontsize=12, pad=8)
        panels[row, 0].set_ylabel(f"{angles[1]} [rad], {title}", fontsize=14)
        for panel in panels[row]:
            panel.set_xlabel(angles[0], fontsize=14)
            panel.tick_params(labelbottom=True)
    figure.suptitle(
        r"$\it{Simulation}$, $\sqrt{s}=14$ TeV, leading fat jet", fontsize=13, x=0.01, ha="left"
    )
    bar = figure.colorbar(shown, ax=list(panels.flat), pad=0.01)
    bar.set_label(r"mean fraction of the jet's $p_T$", fontsize=13)
    return figure
