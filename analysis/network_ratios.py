"""How much better one network is than another: ratios of background rejections with errors.

Both networks score the same test events, so that their rejections are correlated. The bootstrap
keeps the correlation: it draws events, not scores, and an event that is in the test split of
several seeds is drawn once for all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import InputFileError
from analysis.metrics import SIGNAL_EFFICIENCIES, rejection

REPLICAS = 500
MIN_N_EFF = 10.0
"""Effective background events behind both cuts below which no ratio is called supported."""

_BLOCK = 20_000_000  # weights in memory at a time


@dataclass(frozen=True)
class PairedTest:
    """Test events of one seed with the scores of two networks.

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


def background_efficiency(
    score: NDArray[np.float64],
    signal: NDArray[np.bool_],
    weight: NDArray[np.float64],
    signal_efficiencies: Sequence[float],
) -> NDArray[np.float64]:
    """Return ε_B [E, K] at each signal efficiency for K sets of weights [K, N].

    The cut is the highest score that keeps at least that much signal, as in `metrics.rejection`.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    kept = []
    for kind in (signal, ~signal):
        behind = np.cumsum(np.where(kind[order], weight[:, order], 0.0), axis=1)[:, ends]
        kept.append(behind / behind[:, -1:])
    rows = np.arange(len(weight))
    wanted = np.asarray(signal_efficiencies) * (1 - 1e-12)
    return np.stack([kept[1][rows, np.argmax(kept[0] >= e, axis=1)] for e in wanted])


def bootstrap(
    tests: Sequence[PairedTest],
    signal_efficiencies: Sequence[float],
    replicas: int = REPLICAS,
    seed: int = 1,
) -> NDArray[np.float64]:
    """Return replicas [S, E, K] of the ratio (1/ε_B of the first) / (1/ε_B of the second).

    S seeds, E signal efficiencies, K replicas. Event counts are Poisson with mean one
    (Efron, Ann. Stat. 7 (1979) 1). Infinite where the first alone leaves no background, NaN where
    neither leaves any or where a replica lacks signal or background.
    """
    rng = np.random.default_rng(seed)
    keys, place = np.unique(np.concatenate([t.key for t in tests]), return_inverse=True)
    places = np.split(place, np.cumsum([len(test.key) for test in tests])[:-1])
    result = np.empty((len(tests), len(signal_efficiencies), replicas))
    step = max(1, _BLOCK // len(keys))
    for start in range(0, replicas, step):
        stop = min(start + step, replicas)
        counts = rng.poisson(1.0, (stop - start, len(keys))).astype(np.uint8)
        for number, (test, own) in enumerate(zip(tests, places, strict=True)):
            weight = counts[:, own] * test.weight
            with np.errstate(divide="ignore", invalid="ignore"):
                first, second = (
                    background_efficiency(score, test.signal, weight, signal_efficiencies)
                    for score in (test.first, test.second)
                )
                result[number, :, start:stop] = second / first
    return result


def ratio_rows(
    tests: Sequence[PairedTest],
    signal_efficiencies: Sequence[float] = SIGNAL_EFFICIENCIES,
    replicas: int = REPLICAS,
) -> list[dict[str, Any]]:
    """Return one row per signal efficiency: median ratio over the seeds, range, error, verdict.

    `low` and `high` enclose 68% of the bootstrap of that median: the test events' share of the
    error. `min` and `max` over the seeds show the trainings' share. `n_eff` is the effective number
    of background events behind the cut, the smallest of both networks and all seeds.

    Raises
    ------
    InputFileError
        If there are no test events.
    """
    if not tests:
        raise InputFileError("there are no test events that both networks have scored")
    drawn = bootstrap(tests, signal_efficiencies, replicas)
    rows = []
    for number, efficiency in enumerate(signal_efficiencies):
        found = [_of_seed(test, efficiency) for test in tests]
        valid = [k for k, (value, _) in enumerate(found) if value is not None]
        row: dict[str, Any] = {"signal_efficiency": efficiency, "seeds": len(valid)}
        row["n_eff"] = min(n_eff for _, n_eff in found)
        values = np.array([found[k][0] for k in valid])
        medians = np.median(drawn[valid, number], axis=0) if valid else np.array([])
        medians = medians[~np.isnan(medians)]
        if len(medians) < replicas / 2:  # too often no background is left to form a ratio
            rows.append(row | {"supported": "no", "verdict": "no background is left to compare"})
            continue
        low95, low, high, high95 = np.quantile(
            medians, [0.025, 0.16, 0.84, 0.975], method="nearest"
        )
        row |= {
            "ratio": float(np.median(values)),
            "min": float(values.min()),
            "max": float(values.max()),
            "low": float(low),
            "high": float(high),
            "low95": float(low95),
            "high95": float(high95),
        }
        why = doubt(row)
        rows.append(row | {"supported": "no" if why else "yes", "verdict": why or _support(row)})
    return rows


def doubt(row: dict[str, Any]) -> str:
    """Return why the statistics do not tell the ratio from 1; empty where they do."""
    if row["n_eff"] < MIN_N_EFF:
        return (
            f"only {row['n_eff']:.1f} effective background events are behind the cut, fewer than "
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


def _of_seed(test: PairedTest, efficiency: float) -> tuple[float | None, float]:
    first, second = (
        rejection(score, test.signal, test.weight, efficiency)
        for score in (test.first, test.second)
    )
    n_eff = min(float(first["n_eff"] or 0), float(second["n_eff"] or 0))
    if first["value"] is None or second["value"] is None:
        return None, n_eff
    return first["value"] / second["value"], n_eff
