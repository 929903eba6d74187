"""How much better one network is than another: ratios of background rejections with errors.

Both networks score the same events, so that their rejections are correlated. The bootstrap keeps
the correlation: it draws events, not scores, and an event is drawn once for all seeds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.evaluation.metrics import SIGNAL_EFFICIENCIES, rejection
from analysis.evaluation.replicas import ReplicaSums, candidate_cuts, poisson_counts
from analysis.evaluation.score_table import ScoreTable
from common.columns import resized
from common.errors import InputFileError
from common.tables import over_seeds
from common.weighted import Condenser, WeightedSample

REPLICAS = 500
MIN_N_EFF = 10.0
"""Effective background events above both cuts below which no ratio is called supported."""

_STEP = 4096  # events whose replicas are in memory at a time


@dataclass(frozen=True)
class PairedTest:
    """Events of one seed with the scores of two networks.

    Attributes
    ----------
    key : NDArray, [N]
        What tells an event from all others.
    signal : NDArray of bool, [N]
    weight : NDArray, [N]
        Physical weights.
    first, second : NDArray, [N]
        Log-odds of the two networks.
    """

    key: NDArray[np.uint64]
    signal: NDArray[np.bool_]
    weight: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]

    @property
    def samples(self) -> tuple[WeightedSample, WeightedSample]:
        """The events as each network scores them."""
        first, second = (
            WeightedSample.of_classes(value, self.weight, self.signal)
            for value in (self.first, self.second)
        )
        return first, second

    def parts(self) -> Iterator["PairedTest"]:
        """Yield the events, a few at a time."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        for part in resized([columns], _STEP):
            yield PairedTest(**part)


@dataclass(frozen=True)
class PairedTables:
    """Such events, read from two tables of scores whenever they are needed.

    Raises
    ------
    InputFileError
        If the tables cannot be read or hold other events.
    """

    first: Path
    second: Path

    def parts(self) -> Iterator[PairedTest]:
        """Yield the events, a few at a time."""
        tables = (ScoreTable(path, keys=True) for path in (self.first, self.second))
        steps = (resized(table.steps(), _STEP) for table in tables)
        for one, other in zip_longest(*steps, fillvalue={}):
            if not np.array_equal(one.get("key", ()), other.get("key", ())):
                raise InputFileError(
                    f"{self.first} and {self.second} score other events; make both again"
                )
            signal = one["label"] == 1
            yield PairedTest(one["key"], signal, one["weight"], one["log_odds"], other["log_odds"])


Paired = PairedTest | PairedTables


def condensed(test: Paired) -> tuple[WeightedSample, WeightedSample]:
    """Return all events as each network scores them."""
    condensers = Condenser(), Condenser()
    for part in test.parts():
        for condenser, sample in zip(condensers, part.samples, strict=True):
            condenser.add(sample)
    return condensers[0].result(), condensers[1].result()


def bootstrap(
    tests: Sequence[Paired],
    signal_efficiencies: Sequence[float],
    replicas: int = REPLICAS,
    seed: int = 1,
) -> NDArray[np.float64]:
    """Return replicas [S, E, K] of the ratio (1/ε_B of the first) / (1/ε_B of the second).

    S seeds, E signal efficiencies, K replicas. Event counts are Poisson with mean one
    (Efron, Ann. Stat. 7 (1979) 1). Infinite where the first alone leaves no background, NaN where
    neither leaves any or where a replica lacks signal or background.
    """
    result = np.empty((len(tests), len(signal_efficiencies), replicas))
    for number, test in enumerate(tests):
        networks = [
            ReplicaSums(candidate_cuts(sample.signal, signal_efficiencies), replicas)
            for sample in condensed(test)
        ]
        for part in test.parts():
            counts = poisson_counts(part.key, replicas, seed)
            for sums, sample in zip(networks, part.samples, strict=True):
                sums.add(sample, counts)
        one, other = (sums.background_efficiency(signal_efficiencies) for sums in networks)
        with np.errstate(divide="ignore", invalid="ignore"):
            result[number] = other / one
    return result


def ratio_rows(
    tests: Sequence[Paired],
    signal_efficiencies: Sequence[float] = SIGNAL_EFFICIENCIES,
    replicas: int = REPLICAS,
) -> list[dict[str, Any]]:
    """Return one row per signal efficiency: median ratio over the seeds, range, error, verdict.

    `low` and `high` enclose 68% of the bootstrap of that median: the events' share of the
    error. `min` and `max` over the seeds show the trainings' share. `n_eff` is the effective number
    of background events above the cut, the smallest of both networks and all seeds.

    Raises
    ------
    InputFileError
        If there are no events.
    """
    if not tests:
        raise InputFileError("there are no events that both networks have scored")
    drawn = bootstrap(tests, signal_efficiencies, replicas)
    seeds = [[_of_seed(rows, e) for e in signal_efficiencies] for rows in map(condensed, tests)]
    return [
        {"signal_efficiency": efficiency}
        | ratio_columns(
            [ratios[number][0] for ratios in seeds],
            drawn[:, number],
            min(ratios[number][1] for ratios in seeds),
        )
        for number, efficiency in enumerate(signal_efficiencies)
    ]


def ratio_columns(
    ratio_of_seed: Sequence[float | None], drawn: NDArray[np.float64], n_eff: float
) -> dict[str, Any]:
    """Return the columns of a row: the ratio over the seeds, its interval and what it supports.

    Parameters
    ----------
    ratio_of_seed : sequence of S
        None where there is none.
    drawn : NDArray, [S, K]
        Replicas; NaN where there is no ratio.
    n_eff : float
        Effective background events above the cuts, the smallest of all.
    """
    valid = [k for k, value in enumerate(ratio_of_seed) if value is not None]
    row: dict[str, Any] = {"seeds": len(valid), "n_eff": n_eff}
    medians = np.median(drawn[valid], axis=0) if valid else np.array([])
    medians = medians[~np.isnan(medians)]
    if len(medians) < drawn.shape[1] / 2:  # too often nothing is left to form a ratio of
        return row | {"supported": "no", "verdict": "nothing is left to compare"}
    low95, low, high, high95 = np.quantile(medians, [0.025, 0.16, 0.84, 0.975], method="nearest")
    spread = over_seeds([ratio_of_seed[k] for k in valid])
    row |= {
        **dict(zip(("ratio", "min", "max"), map(float, spread), strict=True)),
        "low": float(low),
        "high": float(high),
        "low95": float(low95),
        "high95": float(high95),
    }
    why = doubt(row)
    return row | {"supported": "no" if why else "yes", "verdict": why or _support(row)}


def doubt(row: dict[str, Any]) -> str:
    """Return why the statistics do not tell the ratio from 1; empty where they do."""
    if row["n_eff"] < MIN_N_EFF:
        return (
            f"only {row['n_eff']:.1f} effective background events are above the cut, fewer than "
            f"{MIN_N_EFF:g}: neither ratio nor error can be trusted"
        )
    if row["low95"] <= 1 <= row["high95"]:
        return f"compatible with 1: 95% interval {row['low95']:.2f} to {row['high95']:.2f}"
    if row["min"] <= 1 <= row["max"]:
        return "the trainings fall on both sides of 1"
    return ""


def _support(row: dict[str, Any]) -> str:
    text = f"differs from 1: 95% interval {row['low95']:.2f} to {row['high95']:.2f}"
    return text if row["seeds"] > 1 else f"{text}, with one training, whose spread is not known"


def _of_seed(
    networks: tuple[WeightedSample, WeightedSample], efficiency: float
) -> tuple[float | None, float]:
    first, second = (rejection(sample, efficiency) for sample in networks)
    n_eff = min(float(first["n_eff"] or 0), float(second["n_eff"] or 0))
    if first["value"] is None or second["value"] is None:
        return None, n_eff
    return first["value"] / second["value"], n_eff
