"""Mean images of fat jets: where in (η, φ) about its axis a jet carries its pT."""

import numpy as np
from numpy.typing import NDArray

from common.features import CONSTITUENT_FEATURES

HALF_WIDTH, PIXELS = 1.2, 40
EDGES = np.linspace(-HALF_WIDTH, HALF_WIDTH, PIXELS + 1)

FRAMES = {"detector": ("deta", "dphi"), "oriented": ("eta", "phi")}
"""Columns of (η, φ) as the jet lies in the detector, and in its own frame."""


def summed_image(
    constituents: NDArray[np.float32],
    mask: NDArray[np.bool_],
    weight: NDArray[np.float64],
    frame: str,
) -> NDArray[np.float64]:
    """Return the weighted sum of the images of N jets; each jet's pixels sum to one.

    Parameters
    ----------
    constituents : [N, C, F] float32
        `CONSTITUENT_FEATURES`.
    mask : [N, C] bool
    weight : [N] float64
    frame : str
        One of `FRAMES`.

    Returns
    -------
    [PIXELS, PIXELS] float64
        η along the first axis, φ along the second; what lies outside is left out.
    """
    eta, phi = (constituents[..., CONSTITUENT_FEATURES.index(name)] for name in FRAMES[frame])
    pt = np.where(mask, np.exp(constituents[..., CONSTITUENT_FEATURES.index("log_pt")]), 0.0)
    share = pt / np.maximum(pt.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    content, _, _ = np.histogram2d(
        eta[mask], phi[mask], bins=(EDGES, EDGES), weights=(share * weight[:, None])[mask]
    )
    return content
