"""Tails of samples that are too small to resolve them, in the shape of another sample's.

Samples of one process may have the same distribution of high scores while one of them has many
more effective events there: both jets hold two b quarks, whatever their origin. The small samples
are taken together. Above a start at which they still have enough effective events, their events are
replaced by those of the large one, scaled to their yield above the start. That yield does not
change, and no single event of large weight decides on a cut far above. What this adds to the error,
the rows above the start share.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from analysis.config.statistics import TailSharing, WorkingPoint
from analysis.statistics.mixed_tails import (
    MixedTail,
    find_mixed_tails,
    follow_factors,
    with_mixed_tails,
)
from common.weighted import SIGNAL, WeightedSample

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SharedTail:
    """Samples whose common tail has the shape of another's.

    Attributes
    ----------
    samples : tuple of str
        The small samples.
    reference : str
        The one that lends its shape.
    start : float
        Log-odds above which it does.
    """

    samples: tuple[str, ...]
    reference: str
    start: float


def find_tails(
    scores: WeightedSample, tail_from: Mapping[str, str], config: TailSharing
) -> tuple[SharedTail, ...]:
    """Find where the common tail of the small samples of each reference starts.

    Parameters
    ----------
    scores : WeightedSample
        Its kinds are samples.
    tail_from : mapping
        Sample → the sample whose shape its tail takes.
    config : TailSharing
        Effective events that both sides need above the start.

    Returns
    -------
    tuple of SharedTail
        The start is the hardest cut above which both have `config.n_eff` effective events. Where
        a side has fewer in all, there is no such tail: a warning says so.
    """
    tails = []
    for reference in dict.fromkeys(tail_from.values()):
        samples = tuple(name for name, other in tail_from.items() if other == reference)
        sides = [scores.select(_of(scores, names)) for names in (samples, (reference,))]
        found = [side.hardest_resolved(config.n_eff) for side in sides]
        starts = [start for start in found if start is not None]
        if len(starts) == len(sides):
            tails.append(SharedTail(samples, reference, min(starts)))
        else:
            log.warning(
                "%s keep their own tail: they have %.3g effective events and %s has %.3g, of "
                "%g that are needed; simulate more",
                ", ".join(samples), sides[0].n_eff, reference, sides[1].n_eff, config.n_eff,
            )  # fmt: skip
    return tuple(tails)


def share_tails(
    scores: WeightedSample, tails: tuple[SharedTail, ...], config: TailSharing
) -> WeightedSample:
    """Replace the tails of small samples by those of larger ones, scaled to the same yield.

    Parameters
    ----------
    scores : WeightedSample
        Its kinds are samples.
    tails : tuple of SharedTail
        As `find_tails` gives them, of these scores or of those that these are a variation of.
    config : TailSharing
        Relative error of a tail in the shape of another, beside what the events of both give.

    Returns
    -------
    WeightedSample
        Rows of the small samples are left out above their starts, and those of the references
        are scaled up there. Their `shared` and `assumed` hold the error of the scale, too.

    Examples
    --------
    >>> big, small = np.arange(8.0), np.array([1.0, 2.5, 6.5])
    >>> scores = WeightedSample.of_events(
    ...     np.concatenate([big, small]), np.ones(11), np.repeat([0, 1], [8, 3]), ("big", "small")
    ... )
    >>> shared = share_tails(scores, (SharedTail(("small",), "big", 2.0),), TailSharing())
    >>> [round(shared.above(cut).total, 3) for cut in (2.0, 6.5)]  # 6 + 2; 1 of the 6 is above 6.5
    [8.0, 1.333]
    """
    for tail in tails:
        above = scores.value >= tail.start
        own = above & _of(scores, tail.samples)
        lent = above & _of(scores, (tail.reference,))
        small, large = scores.select(own), scores.select(lent)
        if small.total <= 0 or large.total <= 0:
            continue
        ratio = small.total / large.total
        relative = np.sqrt(1 / small.n_eff + 1 / large.n_eff)
        borrowed = np.where(lent, scores.weight * ratio, 0.0)
        scaled = scores.scaled(np.where(lent, 1 + ratio, 1.0))
        scores = replace(
            scaled,
            shared=np.hypot(scaled.shared, borrowed * relative),
            assumed=np.hypot(scaled.assumed, borrowed * config.closure),
        ).select(~own)
    return scores


@dataclass(frozen=True)
class Tails:
    """The tails that the simulated events do not resolve: first mixed ones, then borrowed ones.

    Attributes
    ----------
    mixed : tuple of MixedTail
    lent : tuple of SharedTail
    point : WorkingPoint
        What they are uncertain by.
    """

    mixed: tuple[MixedTail, ...]
    lent: tuple[SharedTail, ...]
    point: WorkingPoint

    @classmethod
    def find(
        cls,
        scores: WeightedSample,
        mixed: Mapping[str, WeightedSample],
        tail_from: Mapping[str, str],
        point: WorkingPoint,
    ) -> "Tails":
        """Find where they start in nominal scores, whose kinds are samples."""
        own = find_mixed_tails(scores, mixed, point.mixing)
        adapted = with_mixed_tails(scores, own, point.mixing)
        return cls(own, find_tails(adapted, tail_from, point.sharing), point)

    @property
    def start(self) -> float:
        """Lowest log-odds at which one starts; infinity where there is none."""
        starts = [tail.start for tail in self.mixed] + [tail.start for tail in self.lent]
        return min(starts, default=np.inf)

    def following(self, nominal: WeightedSample, varied: WeightedSample) -> Self:
        """Return those of the same events with factors; kinds are samples."""
        return replace(self, mixed=follow_factors(self.mixed, nominal, varied))

    def put(self, scores: WeightedSample) -> WeightedSample:
        """Put them in place of what they stand for, in the nominal scores or a variation."""
        adapted = with_mixed_tails(scores, self.mixed, self.point.mixing)
        return share_tails(adapted, self.lent, self.point.sharing)


def _of(scores: WeightedSample, samples: tuple[str, ...]) -> NDArray[np.bool_]:
    numbers = [k for k, name in enumerate(scores.processes) if name in samples]
    return np.isin(scores.kind, numbers) & (scores.kind != SIGNAL)
