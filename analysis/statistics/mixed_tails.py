"""Tails of the scores of mixed events, in place of those of simulated ones.

Mixed events (`analysis/datasets/mixing.py`) tell the shape of a tail that few simulated events
are in. Above a start at which the simulated events still are enough, they are replaced by mixed
ones, scaled to the same yield. What the scale is uncertain by, the rows above share.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from analysis.config.statistics import Mixing
from common.weighted import WeightedSample

log = logging.getLogger(__name__)


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
        kind = scores.processes.index(tail.sample)
        replaced = (scores.kind == kind) & (scores.value >= tail.start)
        own = scores.select(replaced)
        if own.total <= 0 or tail.events.total <= 0:
            continue
        relative = np.sqrt(1 / own.n_eff + config.closure**2)
        rows = tail.events.scaled(own.total / tail.events.total)
        rows = replace(
            rows,
            kind=np.full(len(rows), kind),
            shared=rows.weight * relative,
            processes=scores.processes,
        )
        start = min(scores.mixed_above, tail.start)
        scores = WeightedSample.joined([scores.select(~replaced), rows])
        scores = replace(scores, mixed_above=start)
    return scores
