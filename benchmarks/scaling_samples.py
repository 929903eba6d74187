"""Samples of any size for benchmarks: events repeated and smeared, scores drawn."""

import json
from pathlib import Path

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import uproot

from analysis.reconstruction.event_table import EventTableWriter, event_tables
from common.tables import ORIGIN

STEP = 1000
GROUP = 8192
"""Rows of a group in a table of scores, as rule score writes them."""
SMEARED = ("pt", "mass", "energy")


def repeat(source: Path, events: int, output: Path) -> None:
    """Write a table of `events` events: those of `source` again and again, smeared."""
    table = ak.concatenate(list(event_tables(source)))
    rng = np.random.default_rng(int(output.stem))
    output.parent.mkdir(parents=True, exist_ok=True)
    with EventTableWriter(output) as writer:
        for start in range(0, events, STEP):
            entries = np.arange(start, min(start + STEP, events))
            part = table[rng.integers(len(table), size=len(entries))]
            part["entry"] = entries
            factor = rng.lognormal(0, 0.05, (len(part), 2)).astype(np.float32)
            for name in SMEARED:
                part["fatjet", name] = part["fatjet", name] * factor
            writer.write(part)


def repeat_root(source: Path, events: int, output: Path) -> None:
    """Write a Delphes file of `events` events: those of `source` again and again."""
    with uproot.open(source) as file, uproot.recreate(output) as new:
        tree = file["Delphes"]
        names = [name for name in tree.keys(full_paths=False) if "." in name]
        arrays = {name: tree[name].array() for name in names if "fBits" not in name}
        branches = {n: a for n, a in arrays.items() if a.ndim <= 2 and not a.fields}
        written = None
        for start in range(0, events, STEP):
            rows = np.arange(start, min(start + STEP, events)) % tree.num_entries
            part = {name: ak.to_packed(array[rows]) for name, array in branches.items()}
            if written is None:
                written = new.mktree("Delphes", {n: a.type.content for n, a in part.items()})
            written.extend(part)


def draw_scores(events: int, noise: float, output: Path, network: str) -> None:
    """Write the scores of one network; a fifth of the events is signal.

    Logistic log-odds of two backgrounds and a signal, each with the network's own `noise`; other
    networks score the same events. Log-normal weights with a total background of 5,000 events.
    """
    per_event = 5e3 / 0.8 / events
    output.parent.mkdir(parents=True, exist_ok=True)
    writer = None
    for start in range(0, events, GROUP):
        rng = np.random.default_rng([1, start])
        count = min(GROUP, events - start)
        signal = rng.random(count) < 0.2
        truth = rng.logistic(np.where(signal, 2, -2), 1)
        weight = rng.lognormal(-0.5, 1, count) * np.where(signal, 0.02, 1) * per_event
        key = rng.integers(0, 2**63, count).astype(np.uint64)
        process = np.where(signal, 2, rng.integers(0, 2, count)).astype(np.int32)
        log_odds = truth + noise * np.random.default_rng([start, int(1e6 * noise)]).normal(
            size=count
        )
        names = ["qcd", "ttbar", "signal"]
        table = pa.table(
            {
                "key": key,
                "process": pa.DictionaryArray.from_arrays(process, names),
                "label": signal.astype(np.uint8),
                "log_odds": log_odds,
                "weight": weight,
            }
        )
        origin = {"network": network, "mass_gev": 1000.0, "seed": 1}
        table = table.replace_schema_metadata({ORIGIN: json.dumps(origin)})
        writer = writer or pq.ParquetWriter(output, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
