"""Tails of the scores of mixed events, in place of those of simulated ones.

Mixed events (`analysis/datasets/mixing.py`) tell the shape of a tail that few simulated events
are in. Above a start at which the simulated events still are enough, they are replaced by mixed
ones, scaled to the same yield. What the scale is uncertain by, the rows above share.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.config.statistics import Mixing
from common.weighted import WeightedSample

log = logging.getLogger(__name__)

SLICE_N_EFF = 30
"""Effective simulated events whose mean factor a slice of the tail has."""


@dataclass(frozen=True)
class MixedTail:
    """The tail of a sample's mixed events.

    Attributes
    ----------
    sample : str
    start : float
        Log-odds above which they stand for the simulated ones.
    events : WeightedSample
        The mixed events above it.
    """

    sample: str
    start: float
    events: WeightedSample


def find_mixed_tails(
    scores: WeightedSample, mixed: Mapping[str, WeightedSample], config: Mixing
) -> tuple[MixedTail, ...]:
    """Find where the tail of each sample that has mixed events starts.

    Parameters
    ----------
    scores : WeightedSample
        Its kinds are samples.
    mixed : mapping
        Sample → its mixed events, with errors as `paired_errors` gives them.
    config : Mixing
        Effective events that the sample needs above the start.

    Returns
    -------
    tuple of MixedTail
        The start is the hardest cut above which the sample has `config.n_eff` effective events. One
        with fewer in all keeps its own tail: a warning says so.
    """
    tails = []
    for name, events in mixed.items():
        own = scores.of_process(name)
        start = own.hardest_resolved(config.n_eff)
        if start is None:
            log.warning(
                "%s keeps its own tail: it has %.3g effective events, of %g that are needed for "
                "mixed ones; simulate more", name, own.n_eff, config.n_eff,
            )  # fmt: skip
        else:
            tails.append(MixedTail(name, start, events.above(start)))
    return tuple(tails)


def with_mixed_tails(
    scores: WeightedSample, tails: tuple[MixedTail, ...], config: Mixing
) -> WeightedSample:
    """Replace simulated events above the starts by mixed ones.

    Parameters
    ----------
    scores : WeightedSample
        Its kinds are samples.
    tails : tuple of MixedTail
        As `find_mixed_tails` gives them, of these scores or of those that these are a variation of.
    config : Mixing
        Relative error of a mixed tail, beside what the events of both give.

    Examples
    --------
    >>> values, none = np.arange(6.0), np.zeros(6, int)
    >>> scores = WeightedSample.of_events(values, np.ones(6), none, ("qcd",))
    >>> mixed = WeightedSample.of_events(np.arange(2, 10) / 2, np.ones(8), np.zeros(8, int))
    >>> tail = MixedTail("qcd", 2.0, mixed.above(2.0))
    >>> shared = with_mixed_tails(scores, (tail,), Mixing())
    >>> [round(shared.above(cut).total, 3) for cut in (1.0, 2.0, 4.0)]  # 2 of 6 rows are above 4
    [5.0, 4.0, 1.333]
    """
    for tail in tails:
        if tail.sample not in scores.processes:  # a variation may have no event of it
            continue
        kind = scores.processes.index(tail.sample)
        replaced = (scores.kind == kind) & (scores.value >= tail.start)
        own = scores.select(replaced)
        if own.total <= 0 or tail.events.total <= 0:
            continue
        rows = tail.events.scaled(own.total / tail.events.total)
        rows = replace(
            rows,
            kind=np.full(len(rows), kind),
            shared=rows.weight / np.sqrt(own.n_eff),
            assumed=rows.weight * config.closure,
            processes=scores.processes,
        )
        start = min(scores.mixed_above, tail.start)
        scores = WeightedSample.joined([scores.select(~replaced), rows])
        scores = replace(scores, mixed_above=start)
    return scores


def follow_factors(
    tails: tuple[MixedTail, ...], nominal: WeightedSample, varied: WeightedSample
) -> tuple[MixedTail, ...]:
    """Give mixed events the factors that simulated ones of their score have on average.

    A factor belongs to a simulated event; a mixed one has none of its own.

    Parameters
    ----------
    tails : tuple of MixedTail
    nominal, varied : WeightedSample
        The same events without and with their factors; kinds are samples.

    Examples
    --------
    >>> values, none = np.arange(100.0), np.zeros(100, int)
    >>> nominal = WeightedSample.of_events(values, np.ones(100), none, ("qcd",))
    >>> varied = WeightedSample.of_events(values, np.where(values < 60, 1.0, 0.5), none, ("qcd",))
    >>> tail = MixedTail("qcd", 20.0, nominal.above(20.0))
    >>> (found,) = follow_factors((tail,), nominal, varied)
    >>> [round(found.events.above(cut).total, 1) for cut in (20.0, 70.0)]  # slices of 30 events
    [60.0, 15.0]
    """
    return tuple(
        replace(tail, events=tail.events.scaled(_factors(tail, nominal, varied))) for tail in tails
    )


def _factors(
    tail: MixedTail, nominal: WeightedSample, varied: WeightedSample
) -> NDArray[np.float64]:
    """Return the factor of each mixed event: that of all simulated ones in its slice of scores."""
    own, other = (scores.of_process(tail.sample).above(tail.start) for scores in (nominal, varied))
    factor, upper = np.ones(len(tail.events)), np.inf
    while upper > tail.start:
        rest = own.select(own.value < upper)
        lower = rest.hardest_resolved(SLICE_N_EFF)
        lower = tail.start if lower is None else lower  # the last slice takes what is left
        parts = [s.select((s.value >= lower) & (s.value < upper)).total for s in (own, other)]
        if parts[0] > 0:
            inside = (tail.events.value >= lower) & (tail.events.value < upper)
            factor[inside] = parts[1] / parts[0]
        upper = lower
    return factor
