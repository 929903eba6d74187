"""The regions of a search as others need them: acceptance × efficiency, background, its error."""

from contextlib import suppress
from itertools import pairwise

import numpy as np

from analysis.config.statistics import Limits, WorkingPoint
from analysis.statistics.binning import rising_edges
from analysis.statistics.channels import CategoryScores
from analysis.statistics.limits import Normalisation, Row
from analysis.statistics.working_point import BackgroundYield, cut_and_count
from common.errors import NoLimitError
from common.weighted import WeightedSample


def region_rows(
    scores: CategoryScores, norm: Normalisation, point: WorkingPoint, config: Limits
) -> list[Row]:
    """Return one row for each region of a tag category, in log-odds of the score.

    Parameters
    ----------
    scores : CategoryScores
    norm : Normalisation
        Luminosity and branching ratio.
    point, config
        Configuration blocks: they set the working point and the bins.

    Returns
    -------
    list of Row
        `channel` is the category; `region` is `tags` (every score), `count` (above the working
        point) or `shape1` … (bins of the shape fit, rising in the score). A region that cannot be
        had is left out. `signal_efficiency` is acceptance × efficiency of hh → 4b; `events_…` are
        those of each background process at the luminosity, above the working point from the fit
        to the tail where the limits take it; errors are those of the simulated statistics, beside
        what is assumed of mixed and borrowed tails (`background_assumed`).
    """
    nominal = scores.nominal
    rows = [_row("tags", -np.inf, np.inf, nominal, norm)]
    with suppress(NoLimitError):
        cut, passing, _ = cut_and_count(nominal, point)
        row = _row("count", cut.threshold, np.inf, nominal, norm)
        rows.append(row | _background(passing, nominal.processes))
    with suppress(NoLimitError):
        edges = [*rising_edges(nominal, config).tolist(), np.inf]
        rows += [
            _row(f"shape{number}", low, high, nominal, norm)
            for number, (low, high) in enumerate(pairwise(edges), start=1)
        ]
    return [{"channel": scores.category, **row} for row in rows]


def _row(region: str, low: float, high: float, scores: WeightedSample, norm: Normalisation) -> Row:
    inside = scores.select((scores.value >= low) & (scores.value < high))
    signal, background = inside.signal, inside.background
    row: Row = {
        "region": region,
        "log_odds_low": None if low == -np.inf else low,
        "log_odds_high": None if high == np.inf else high,
        "signal_efficiency": signal.total / norm.produced,
        "signal_efficiency_error": signal.total_error / norm.produced,
        "background": background.total,
        "background_error": float(np.hypot(background.total_error, background.shared_error)),
        "background_assumed": background.assumed_error,
        "n_eff": background.n_eff,
    }
    for number, name in enumerate(scores.processes):
        row[f"events_{name}"] = background.select(background.kind == number).total
    return row


def _background(passing: BackgroundYield, processes: tuple[str, ...]) -> Row:
    """Return the background above the working point, from a tail fit where the limits take it."""
    return {
        "background": passing.expected,
        "background_error": passing.simulation_error,
        "background_assumed": passing.assumed_error,
        "n_eff": passing.n_eff,
        **{f"events_{n}": float(b) for n, b in zip(processes, passing.per_process, strict=True)},
    }
