"""What networks look at, averaged over events with errors: on the plane, near subjets, by place.

Functions of arrays: what comes out of the networks is made in `workflow.interpretation.probes`.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from analysis.evaluation.metrics import area, area_influence, roc_curve
from common.features import CONSTITUENT_FEATURES, KINEMATIC_FEATURES, SUBJET_FEATURES
from common.weighted import WeightedSample

Floats = NDArray[np.float64]
Tensors = Mapping[str, np.ndarray]
BLOCKS = 20
"""Blocks of events of the jackknife."""


def weighted_mean(values: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return the weighted mean over events and its statistical error.

    Parameters
    ----------
    values : [N, ...] float64
        NaN where an event has no such value: it is left out there.
    weight : [N] float64

    Returns
    -------
    mean, error : [...] float64
        NaN where no event has the value.
    """
    finite = np.isfinite(values)
    w = np.where(finite, weight.reshape(-1, *[1] * (values.ndim - 1)), 0.0)
    x = np.where(finite, values, 0.0)
    total = w.sum(0)
    total = np.where(total > 0, total, np.nan)
    mean = (w * x).sum(0) / total
    return mean, np.sqrt((w**2 * (x - mean) ** 2).sum(0)) / total


def on_plane(
    position: NDArray[np.floating], values: Floats, weight: Floats, edges: Floats
) -> tuple[Floats, Floats]:
    """Return the mean over events of the sum of `values` in each bin of the plane, and its error.

    Parameters
    ----------
    position : [N, C, 2]
        (η′, φ′) of the constituents.
    values : [N, C] float64
        Zero for padding.
    weight : [N] float64
    edges : [P + 1] float64
        Of both axes.

    Returns
    -------
    mean, error : [P, P] float64
        η′ along the first axis; what lies outside the edges is left out.
    """
    bins = len(edges) - 1
    eta, phi = (np.searchsorted(edges, position[..., k], side="right") - 1 for k in (0, 1))
    inside = (eta >= 0) & (eta < bins) & (phi >= 0) & (phi < bins) & (values != 0)
    event = np.broadcast_to(np.arange(len(values))[:, None], values.shape)[inside]
    cell = (eta * bins + phi)[inside]
    pairs, inverse = np.unique(event * bins**2 + cell, return_inverse=True)
    event, cell = pairs // bins**2, pairs % bins**2
    content = np.bincount(inverse, values[inside], len(pairs))
    w, total = weight[event], weight.sum()

    def summed(x: Floats) -> Floats:
        return np.bincount(cell, x, bins**2).astype(np.float64)

    mean = summed(w * content) / total
    # Σ w² (x − mean)², where most events have x = 0
    squares = summed(w**2 * content**2) - 2 * mean * summed(w**2 * content)
    squares += mean**2 * np.sum(weight**2)
    error = np.sqrt(np.maximum(squares, 0)) / total
    return mean.reshape(bins, bins), error.reshape(bins, bins)


def plane_positions(tensors: Tensors) -> NDArray[np.float32]:
    """Return (η′, φ′) of the constituents [N, J, C, 2], in the frames of their jets."""
    return tensors["constituents"][..., [CONSTITUENT_FEATURES.index(x) for x in ("eta", "phi")]]


def near_subjets(tensors: Tensors, radius: float, leading: int = 2) -> NDArray[np.bool_]:
    """Return which constituents [N, J, C] lie within `radius` of a leading subjet's axis."""
    constituents, subjets = tensors["constituents"], tensors["subjets"][:, :, :leading]
    is_subjet = tensors["subjet_mask"][:, :, :leading]
    squares = sum(
        (
            constituents[..., None, CONSTITUENT_FEATURES.index(name)]
            - subjets[:, :, None, :, SUBJET_FEATURES.index(name)]
        )
        ** 2
        for name in ("deta", "dphi")
    )
    close = (squares < radius**2) & is_subjet[:, :, None, :]
    return np.asarray(close.any(-1) & tensors["constituent_mask"], dtype=bool)


def share(part: NDArray[np.bool_], amount: Floats) -> Floats:
    """Return the share [...] of an amount [..., C] that a part [..., C] of the tokens has.

    NaN where there is nothing of it.
    """
    total = amount.sum(-1)
    return np.where(part, amount, 0.0).sum(-1) / np.where(total > 0, total, np.nan)


def subjets_in_frame(tensors: Tensors) -> NDArray[np.float64]:
    """Return (η′, φ′) of the subjets [N, J, S, 2]: turned and mirrored as the constituents are.

    The rotation is that by θ; mirrors and centre are read off the constituents, which are known
    in both frames.
    """
    theta = tensors["kinematics"][
        :, : tensors["subjets"].shape[1], KINEMATIC_FEATURES.index("theta")
    ]
    cos, sin = (f(theta.astype(np.float64))[..., None] for f in (np.cos, np.sin))
    mask = tensors["constituent_mask"]
    count = np.maximum(mask.sum(-1, keepdims=True), 1)

    def turned(array: np.ndarray, names: tuple[str, ...]) -> tuple[Floats, Floats]:
        x, y = (array[..., names.index(name)].astype(np.float64) for name in ("deta", "dphi"))
        return cos * x - sin * y, sin * x + cos * y

    axes = []
    constituents = turned(tensors["constituents"], CONSTITUENT_FEATURES)
    subjets = turned(tensors["subjets"], SUBJET_FEATURES)
    for name, inside, outside in zip(("eta", "phi"), constituents, subjets, strict=True):
        final = tensors["constituents"][..., CONSTITUENT_FEATURES.index(name)].astype(np.float64)
        means = [np.where(mask, x, 0.0).sum(-1, keepdims=True) / count for x in (inside, final)]
        slope = np.where(mask, (inside - means[0]) * (final - means[1]), 0.0).sum(-1, keepdims=True)
        axes.append(np.where(slope < 0, -1, 1) * (outside - means[0]) + means[1])
    return np.stack(axes, axis=-1)


def cka(x: Floats, y: Floats) -> float:
    """Return the centred kernel alignment of two layers' outputs for the same d events.

    HSIC(M, N) / √(HSIC(M, M) HSIC(N, N)) with M = X Xᵀ, N = Y Yᵀ and
    HSIC(M, N) = Tr(M H N H) / (d − 1)², H = 1 − 1/d the centring matrix (arXiv:1905.00414). For
    linear kernels Tr(M H N H) = |Xᵀ H Y|², which needs no d × d matrix. 1: one layer is a
    rotation and scaling of the other.

    Parameters
    ----------
    x : [d, h₁] float64
    y : [d, h₂] float64
    """
    x, y = x - x.mean(0), y - y.mean(0)

    def hsic(a: Floats, b: Floats) -> float:
        return float(np.sum((a.T @ b) ** 2))

    scale = np.sqrt(hsic(x, x) * hsic(y, y))
    return hsic(x, y) / scale if scale > 0 else float("nan")


def jackknife(statistic: Callable[[NDArray[np.intp]], float], count: int) -> tuple[float, float]:
    """Return a statistic of `count` events and its delete-a-block jackknife error.

    `statistic` takes the rows of the events that it is computed of; event i is in block i mod 20.
    """
    rows = np.arange(count)
    blocks = min(BLOCKS, count)
    left = np.array([statistic(rows[rows % blocks != k]) for k in range(blocks)])
    error = np.sqrt((blocks - 1) / blocks * np.sum((left - left.mean()) ** 2))
    return statistic(rows), float(error)


def importance(
    before: Floats, shuffled: Floats, signal: NDArray[np.bool_], weight: Floats
) -> dict[str, float]:
    """Return what is lost of the area under the ROC curve when an input is shuffled.

    Parameters
    ----------
    before : [N] float64
        Log-odds.
    shuffled : [R, N] float64
        Log-odds of the same events, the input shuffled in R ways.
    signal : [N] bool
    weight : [N] float64

    Returns
    -------
    dict
        `auc`, `auc_error`; `auc_shuffled`, the mean over the R ways; `loss` = auc − auc_shuffled
        and `loss_error`, which joins the error from the finite sample, events before and after
        paired, with that from the R ways.
    """
    samples = [WeightedSample.of_classes(x, weight, signal) for x in (before, *shuffled)]
    areas = np.array([area(roc_curve(sample)) for sample in samples])
    influence = np.array([area_influence(sample) for sample in samples])
    paired = influence[0] - influence[1:].mean(axis=0)
    spread = areas[1:].std(ddof=1) / np.sqrt(len(shuffled)) if len(shuffled) > 1 else 0.0
    return {
        "auc": float(areas[0]),
        "auc_error": float(np.sqrt(np.sum(influence[0] ** 2))),
        "auc_shuffled": float(areas[1:].mean()),
        "loss": float(areas[0] - areas[1:].mean()),
        "loss_error": float(np.hypot(np.sqrt(np.sum(paired**2)), spread)),
    }
