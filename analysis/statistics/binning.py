"""Bins of the score for the shape fit: a few, each with enough background to be trusted."""

from typing import Any

import hist
import numpy as np
from numpy.typing import NDArray

from analysis.config.statistics import Limits
from common.errors import NoLimitError
from common.weighted import SIGNAL, WeightedSample
from common.weights import effective_number_of_sums

GROWTH = 2.0
"""Least background of a bin over that of the next harder one."""


def rising_edges(scores: WeightedSample, config: Limits) -> NDArray[np.float64]:
    """Return the lower edges [K] of the bins in log-odds, rising; the last bin is open above.

    From the highest score downwards, a bin ends with the first event, and all of its score, that
    give it `config.min_bin_n_eff` effective background events and `GROWTH` times the background of
    the bin above it. At most `config.shape_bins` bins are made; events below them are left out.

    Each edge is a stopping time of the events that pass by, so that the yields counted in the bins
    are unbiased though the same events set the edges. Bins that are chosen for their limit are not:
    they prefer those in which the simulated background happens to be small.

    Raises
    ------
    NoLimitError
        If no bin holds enough effective background events.
    """
    background = scores.background.falling()
    sums, squares = (
        np.concatenate([[0.0], np.cumsum(values)])
        for values in (background.weight, background.error**2)
    )
    ends = np.append(np.diff(background.value) != 0, True)  # of equal scores
    edges: list[float] = []
    start, target = 0, 0.0
    while len(edges) < config.shape_bins:
        held, error2 = sums[start + 1 :] - sums[start], squares[start + 1 :] - squares[start]
        resolved = effective_number_of_sums(held, error2) >= config.min_bin_n_eff
        sufficient = (held > 0) & (held >= target) & resolved & ends[start:]
        if not sufficient.any():
            break
        last = int(np.argmax(sufficient))
        start, target = start + last + 1, GROWTH * float(held[last])
        edges.append(float(background.value[start - 1]))
    if not edges:
        raise NoLimitError(
            "no bin of the score holds enough background: all events are "
            f"{background.n_eff:.3g} effective ones, and a "
            f"bin needs {config.min_bin_n_eff:g}; simulate more background"
        )
    return np.array(edges[::-1])


def histogram(scores: WeightedSample, edges: NDArray[np.float64]) -> hist.Hist:
    """Return yields and variances of signal and each process in bins of the score.

    Parameters
    ----------
    scores : WeightedSample
    edges : NDArray, [K]
        Lower edges, rising; the last bin is open above. Rows below the first are left out.

    Returns
    -------
    hist.Hist
        Axes `process` ("signal" and the names of the processes) and `score` (K bins); values Σw,
        variances Σw², which a fill by weight would take too large where rows share events.
    """
    processes = hist.axis.StrCategory(("signal", *scores.processes), name="process")
    bins = hist.axis.Variable([*edges, np.inf], name="score", flow=False)
    template = hist.Hist(processes, bins, storage=hist.storage.Weight())
    inside = scores.select(scores.value >= edges[0])
    column = np.searchsorted(edges, inside.value, side="right") - 1
    cell = np.ravel_multi_index((inside.kind - SIGNAL, column), (len(processes), len(bins)))
    contents: Any = template.view()
    for name, values in (("value", inside.weight), ("variance", inside.error**2)):
        contents[name] = np.bincount(cell, values, contents.size).reshape(contents.shape)
    return template


def yields(template: hist.Hist) -> dict[str, NDArray[np.float64]]:
    """Return the yields [K] of signal and each process of a `histogram`."""
    return dict(zip(template.axes["process"], template.values(), strict=True))
