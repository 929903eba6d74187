"""The CLs limits of one training: a count above the working point, and a fit to the score."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from analysis.config.statistics import BTagging, Limits, WorkingPoint
from analysis.statistics.channels import (
    CategoryScores,
    background_error,
    count_channel,
    shape_channel,
)
from analysis.statistics.cls import ExpectedLimit, discovery_significance, expected_limit
from analysis.statistics.limits import Row
from analysis.statistics.significance import signal_for_significance
from analysis.statistics.toys import toy_limit
from analysis.statistics.workspace import Channel, build_workspace, model_of
from common.errors import NoLimitError

BAND_NAMES = ("minus2", "minus1", "median", "plus1", "plus2")
KINDS = ("count", "shape")


def columns(kind: str) -> tuple[str, ...]:
    """Return the columns that a kind of fit adds to the table of limits."""
    limits = (f"cls_{kind}_{band}_fb" for band in BAND_NAMES)
    rest = ("error_fb", "method", "bins", "significance_1fb", "reason")
    return (*limits, *(f"cls_{kind}_{name}" for name in rest))


def fit_rows(
    categories: Sequence[CategoryScores],
    point: WorkingPoint,
    config: Limits,
    tagging: BTagging,
) -> tuple[Row, dict[str, Any]]:
    """Return the columns of both fits, and the workspace of the best fit there is.

    A category that allows no channel (say, too little background) is left out of the fit and
    named in the reason; without any channel there is no limit. The workspace is that of the shape
    fit, or of the count where there is none, or says why there is neither.
    """
    makers: Mapping[str, Callable[[CategoryScores], Channel]] = {
        "count": lambda scores: count_channel(scores, point, config, tagging),
        "shape": lambda scores: shape_channel(scores, config, tagging),
    }
    row: Row = {}
    workspace: dict[str, Any] = {}
    failures = []
    for kind in KINDS:
        row |= dict.fromkeys(columns(kind))
        channels, reasons = _channels(categories, makers[kind])
        try:
            if not channels:
                raise NoLimitError("; ".join(reasons))
            limits, spec = _fit(channels, config)
            row |= {f"cls_{kind}_{name}": value for name, value in limits.items()}
            row[f"cls_{kind}_reason"] = "; ".join(reasons)
            workspace = spec
        except NoLimitError as error:
            row[f"cls_{kind}_reason"] = str(error)
            failures.append(str(error))
    return row, workspace or {"status": "no limit", "reason": "; ".join(failures)}


def _channels(
    categories: Sequence[CategoryScores], make: Callable[[CategoryScores], Channel]
) -> tuple[list[Channel], list[str]]:
    channels, reasons = [], []
    for scores in categories:
        try:
            channels.append(make(scores))
        except NoLimitError as error:
            reasons.append(f"{scores.category}: {error}")
    return channels, reasons


def _fit(channels: Sequence[Channel], config: Limits) -> tuple[Row, dict[str, Any]]:
    signal = sum(float(c.signal.sum()) for c in channels)
    if signal <= 0:
        raise NoLimitError("no signal in any channel of the fit")
    unit = unit_near_limit(channels, config)
    model = model_of(build_workspace(channels, unit))
    method, limit = "asymptotic", expected_limit(model, config.confidence_level).scaled(unit)
    single = len(channels) == 1 and len(channels[0].signal) == 1
    if single and channels[0].total[0] < config.toys_below:
        method, limit = "toys", _toys(channels[0], config)
    row: Row = {f"{name}_fb": v for name, v in zip(BAND_NAMES, limit.values, strict=True)}
    row |= {"error_fb": limit.errors[2], "method": method}
    row["bins"] = sum(len(c.signal) for c in channels)
    row["significance_1fb"] = discovery_significance(model, 1 / unit)
    return row, build_workspace(channels, float(f"{limit.median:.0e}"))


def _toys(channel: Channel, config: Limits) -> ExpectedLimit:
    events = toy_limit(
        float(channel.total[0]),
        background_error(channel),
        config.confidence_level,
        config.toys,
        config.seed,
    )
    return events.scaled(1 / float(channel.signal[0]))


def unit_near_limit(channels: Sequence[Channel], config: Limits) -> float:
    """Return a cross section [fb] from which to look for the limit: that of the best bin alone."""
    best = np.inf
    for channel in channels:
        sigma = np.hypot(channel.background_error, config.background_uncertainty * channel.total)
        for s, b, error in zip(channel.signal, channel.total, sigma, strict=True):
            if s > 0:
                best = min(best, signal_for_significance(config.z_target, b, error) / s)
    return float(best)
