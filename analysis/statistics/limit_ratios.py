"""How much weaker the limit of one network is than another's, behind as many background events.

With the same background the ratio of limits is the inverse ratio of signal efficiencies. Both
networks score the same events, and both see mixed events of the same jets. The bootstrap keeps
this: it draws events, a mixed one as often as both that its jets are from, and all that follows is
done anew: yields of tails, the cut, the signal above it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.config.statistics import WorkingPoint
from analysis.evaluation.network_ratios import ratio_columns
from analysis.evaluation.replicas import poisson_counts
from analysis.evaluation.score_table import ScoreTable
from analysis.evaluation.scores import read_mixed, read_parents, read_scores
from analysis.statistics.shared_tails import Tails
from analysis.statistics.working_point import empirical_threshold, up_to
from common.weighted import SIGNAL, WeightedSample

REPLICAS = 200
"""Of the bootstrap: fewer than for rejections, since each finds its cut anew."""
LOOSER = 10.0
"""Background events of the loosest cut that a replica may need, over those of the cut."""


@dataclass(frozen=True)
class SignalBehindCut:
    """The signal of one training above the cut that leaves the wanted background.

    Attributes
    ----------
    total : float
        Its yield; NaN where there is no such cut.
    drawn : NDArray, [K]
        That of each replica.
    n_eff : float
        Effective background events above the cut.
    """

    total: float
    drawn: NDArray[np.float64]
    n_eff: float


def signal_behind_cut(
    scores: Path,
    mixed: Path | None,
    tail_from: Mapping[str, str],
    point: WorkingPoint,
    replicas: int = REPLICAS,
    seed: int = 1,
) -> SignalBehindCut:
    """Find the cut of a training that leaves `point.background_events`, and its replicas'.

    Parameters
    ----------
    scores, mixed : Path
        Tables of rules score and mix.
    tail_from : mapping
        Sample → the sample whose shape its tail takes.
    point : WorkingPoint
        Counts by weight: with as many raw events two networks leave other yields, and the ratio of
        their limits is another one.
    replicas, seed : int
        Of the bootstrap: Poisson numbers of mean one, by the keys of the events.

    Raises
    ------
    InputFileError
        If a table cannot be read.
    """
    mixtures = read_mixed(mixed) if mixed else {}
    nominal = read_scores(scores, by="sample")
    tails = Tails.find(nominal, mixtures, tail_from, point)
    background = tails.put(nominal).background
    if background.total <= point.background_events:
        return SignalBehindCut(np.nan, np.full(replicas, np.nan), 0.0)
    cut = empirical_threshold(background, point.background_events)
    loosest = empirical_threshold(background, LOOSER * point.background_events)
    rows, key = _rows_above(scores, min(loosest, tails.start), nominal.processes)
    counts = poisson_counts(key, replicas, seed)
    of_mixed = [] if mixed is None else _counts_of_mixed(mixed, mixtures, tails, replicas, seed)

    def signal(replica: int) -> float:
        mixed_tails = tuple(
            replace(tail, events=tail.events.scaled(times[:, replica]))
            for tail, times in zip(tails.mixed, of_mixed, strict=True)
        )
        found = replace(tails, mixed=mixed_tails).put(rows.scaled(counts[:, replica]))
        threshold = empirical_threshold(found.background, point.background_events)
        return found.signal.above(threshold).total

    total = nominal.signal.above(cut).total
    drawn = np.array([signal(replica) for replica in range(replicas)])
    return SignalBehindCut(total, drawn, up_to(background, cut).n_eff)


def ratio_row(
    first: Sequence[SignalBehindCut], second: Sequence[SignalBehindCut]
) -> dict[str, Any]:
    """Return the ratio of the second network's limit to the first's, its interval and verdict.

    Parameters
    ----------
    first, second : sequence of S
        The trainings of two networks, in the order of their seeds.

    Returns
    -------
    dict
        Columns of `network_ratios.ratio_columns`: above 1 the first network is the better one.
    """
    pairs = list(zip(first, second, strict=True))
    ratios = [one.total / other.total if other.total > 0 else None for one, other in pairs]
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.array([one.drawn / other.drawn for one, other in pairs])
    return ratio_columns(ratios, drawn, min(side.n_eff for pair in pairs for side in pair))


def _rows_above(
    path: Path, cut: float, samples: tuple[str, ...]
) -> tuple[WeightedSample, NDArray[np.uint64]]:
    """Return the events above a cut, their kinds being samples, and their keys."""
    table = ScoreTable(path, keys=True, by="sample")
    rows, keys = [], []
    for events in table.steps():
        above = events["log_odds"] >= cut
        index = np.array([samples.index(name) for name in table.groups])
        kind = np.where(events["label"] == 1, SIGNAL, index[events["group"]])
        found = WeightedSample.of_events(events["log_odds"], events["weight"], kind, samples)
        rows.append(found.select(above))
        keys.append(events["key"][above])
    return WeightedSample.joined(rows), np.concatenate(keys)


def _counts_of_mixed(
    path: Path, mixtures: Mapping[str, WeightedSample], tails: Tails, replicas: int, seed: int
) -> list[NDArray[np.float64]]:
    """Return how often the replicas draw the mixed events [M, K] of each tail.

    As often as both events that their jets are from; those of one event, as often as that.
    """
    parents = read_parents(path)
    found = []
    for tail in tails.mixed:
        first, second = parents[tail.sample][mixtures[tail.sample].value >= tail.start].T
        counts = poisson_counts(first, replicas, seed)
        mixed = first != second
        counts[mixed] *= poisson_counts(second[mixed], replicas, seed)
        found.append(counts)
    return found
