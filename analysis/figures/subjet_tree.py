"""The minimum spanning tree and the dendrogram of one jet."""

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.style import PALETTE, simulation_title, styled

NOISE = "#717581"
Line = tuple[Sequence[float], Sequence[float]]


@styled
def subjet_tree_plot(
    points: NDArray[np.float64],
    pt: NDArray[np.float64],
    labels: NDArray[np.int64],
    edges: NDArray[np.float64],
    lines: Sequence[Line],
    hadrons: NDArray[np.float64],
    title: str,
) -> Figure:
    """Draw a jet with its tree, and the dendrogram beside it.

    Parameters
    ----------
    points : [n, 2]
        (Δη, Δφ) of the constituents about the jet's axis [rad].
    pt : [n]
        Their pT [GeV]: areas of the markers.
    labels : [n]
        Their clusters, from 0; −1 for noise.
    edges : [n − 1, 3]
        (i, j, distance) of the tree.
    lines : sequence
        `analysis.evaluation.subjet_scan.dendrogram_lines`.
    hadrons : [2, 2]
        (Δη, Δφ) of the b hadrons.
    title : str
    """
    figure = Figure(figsize=(13.5, 5.8))
    tree, dendrogram = figure.subplots(1, 2, width_ratios=(1, 1.2))
    ends = points[edges[:, :2].astype(int)]
    tree.add_collection(LineCollection(list(ends), colors="black", lw=0.8, alpha=0.6))
    for label in np.unique(labels):
        own = labels == label
        colour = NOISE if label < 0 else PALETTE[label % len(PALETTE)]
        name = "noise" if label < 0 else f"cluster {label + 1}"
        tree.scatter(*points[own].T, s=12 + 6 * pt[own], c=colour, alpha=0.7, lw=0, label=name)
    tree.plot(*hadrons.T, ls="", marker="x", color="black", ms=11, mew=2, label="$b$ hadron")
    tree.set_aspect("equal")
    tree.set_xlabel(r"$\Delta\eta$")
    tree.set_ylabel(r"$\Delta\phi$ [rad]")
    for handle in tree.legend(loc="best", fontsize=11).legend_handles[:-1]:
        handle.set_sizes([40])
    shapes = [np.column_stack(line) for line in lines]
    dendrogram.add_collection(LineCollection(shapes, colors=PALETTE[0], lw=1.2))
    dendrogram.set_xlim(-1, len(points))
    dendrogram.set_ylim(0, 1.08 * edges[:, 2].max(initial=0.1))
    dendrogram.set_xticks([])
    dendrogram.set_xlabel("constituents")
    dendrogram.set_ylabel("mutual reachability distance")
    simulation_title(figure, title)
    return figure
