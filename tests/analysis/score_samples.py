"""Scores drawn from known distributions, for the tests of the statistics."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from common.tables import ORIGIN
from common.weighted import SIGNAL, WeightedSample


def draw_scores(
    seed: int,
    n: int = 4000,
    background_yield: float = 5e3,
    spread: float = 0.5,
    separation: float = 4.0,
) -> WeightedSample:
    """Logistic log-odds of two background processes and a signal; log-normal weights."""
    rng = np.random.default_rng(seed)
    signal = np.arange(2 * n) < n
    log_odds = rng.logistic(np.where(signal, separation / 2, -separation / 2), 1.0)
    weight = rng.lognormal(-(spread**2) / 2, spread, 2 * n)
    weight *= np.where(signal, 100.0, background_yield) / n
    kind = np.where(signal, SIGNAL, rng.integers(0, 2, 2 * n))
    return WeightedSample.of_events(log_odds, weight, kind, ("qcd", "ttbar"))


def write_scores(
    path: Path,
    scores: WeightedSample,
    network: str = "net",
    mass_gev: float = 1000.0,
    seed: int = 1,
    process: str | None = None,
) -> None:
    """Write the table of scores that rule score makes.

    With `process`, the sample's kinds are samples of this process; else each is a process.
    """
    names = np.array([*scores.processes, "signal"])[scores.kind]
    of_process = np.where(scores.is_signal, "signal", process) if process else names
    columns = {
        "key": np.arange(len(names), dtype=np.uint64),
        "sample": pa.array(names).dictionary_encode(),
        "process": pa.array(of_process).dictionary_encode(),
        "label": scores.is_signal.astype(np.uint8),
        "fold": (np.arange(len(names)) % 2).astype(np.uint8),
        "score": 1 / (1 + np.exp(-scores.value)),
        "log_odds": scores.value,
        "weight": scores.weight,
    }
    origin = {"network": network, "mass_gev": mass_gev, "seed": seed}
    table = pa.table(columns).replace_schema_metadata({ORIGIN: json.dumps(origin)})
    pq.write_table(table, path)
