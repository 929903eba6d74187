"""Does a network that was trained on our detector work on real Delphes files?

    python -m benchmarks.transfer FOLDER --run . --signal signal_mH1000

takes the trainings of one signal of a finished run, and a folder of real Delphes files with its
`manifest.json` (cross sections, sums of weights), and prints for each network and each background
process the rejection at ε_S = 0.5 on the test events of the run and on the Delphes files, with
their statistical errors. Events are weighted as generated, before b tags, and one background
process at a time, so that both sides have the same composition. The errors hold the events of
both sides; those of one network's several trainings are of the same Delphes events.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import awkward as ak
import numpy as np
import typer

from analysis.config.dataset import Split
from analysis.config.reconstruction import Reconstruction
from analysis.dataset import SPLITS, Dataset, assign_split
from analysis.features import tensors
from analysis.metrics import metric_row
from analysis.reconstruction import reconstruct_file
from models.batch import Events
from models.inference import predict_log_odds
from workflow.network_inputs import feature_names

Tensors = Mapping[str, np.ndarray]
Weighted = tuple[Tensors, np.ndarray]


def delphes_events(folder: Path, names: list[str]) -> Weighted:
    """Return the selected events of the named samples of a manifest, and their weights.

    Each file is normalised to its own cross section; files of a sample share it.
    """
    manifest = json.loads((folder / "manifest.json").read_text())["files"]
    parts, weights = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for entry in (entry for entry in manifest if entry["sample"] in names):
            output = Path(scratch) / f"{entry['file']}.parquet"
            reconstruct_file(str(folder / entry["file"]), output, Reconstruction())
            table = ak.from_parquet(output)
            parts.append(tensors(table, 50, 6))
            share = entry["cross_section_pb"] * entry["events"] / entry["sum_of_weights"]
            weights.append(ak.to_numpy(table["generator_weight"]) * share)
    return joined(parts), np.concatenate(weights)


def run_events(datasets: list[Dataset], seed: int, split: Split) -> Weighted:
    """Return the test events of some samples of a run, and their weights before b tags."""
    parts, weights = [], []
    for data in datasets:
        chosen = assign_split(data.columns["key"], seed, split) == SPLITS.index("test")
        parts.append(data.read(chosen))
        weights.append(data.columns["weight"][chosen])
    return joined(parts), np.concatenate(weights)


def joined(parts: list[Tensors]) -> Tensors:
    """Return the arrays of several parts, one after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def measure(model: Path, signal: Weighted, background: Weighted, features: Any) -> dict[str, Any]:
    """Return the metrics of a trained network on signal against background."""
    scores = [predict_log_odds(model, Events(side[0]), features) for side in (signal, background)]
    label = np.repeat([True, False], [len(score) for score in scores])
    weight = np.concatenate([side[1] / side[1].sum() for side in (signal, background)])
    return metric_row(np.concatenate(scores), label, weight)


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of Delphes files and their manifest.")],
    run: Annotated[Path, typer.Option(help="Folder of a finished run.")] = Path(),
    signal: Annotated[str, typer.Option(help="Signal sample, of the same name in both.")] = (
        "signal_mH1000"
    ),
) -> None:
    """Print the table."""
    paths = sorted((run / "results/datasets").glob("*.h5"))
    datasets = {data.attributes["sample"]: data for data in map(Dataset, paths)}
    delphes_signal = delphes_events(folder, [signal])
    delphes = {name: delphes_events(folder, [name]) for name in ("qcd", "ttbar")}
    features = feature_names(datasets[signal])
    columns = ("network", "seed", "background", "rejection at 50%: run", "Delphes", "ratio")
    print(f"| {' | '.join(columns)} | AUC: run | Delphes |")
    print("|---|---|---|---|---|---|---|---|")
    for model in sorted((run / "results/models").glob(f"*/{signal}/*")):
        description = json.loads((model / "model.json").read_text())
        seed, split = description["seed"], Split(**description["dataset"]["split"])
        own_signal = run_events([datasets[signal]], seed, split)
        for process, real in delphes.items():
            own = [data for data in datasets.values() if data.attributes["process"] == process]
            ours = measure(model, own_signal, run_events(own, seed, split), features)
            theirs = measure(model, delphes_signal, real, features)
            print(line(model.parents[1].name, seed, process, ours, theirs), flush=True)


def line(network: str, seed: int, process: str, ours: dict, theirs: dict) -> str:
    """Return one row of the table."""
    cells, relative = [], 0.0
    for row in (ours, theirs):
        value, error = row["rejection_50"], row["rejection_50_error"]
        if value is None or error is None:
            return f"| {network} | {seed} | {process} | no background passes | | | | |"
        cells.append(f"{value:.1f} ± {error:.1f}")
        relative = float(np.hypot(relative, error / value))
    ratio = theirs["rejection_50"] / ours["rejection_50"]
    cells.append(f"{ratio:.2f} ± {ratio * relative:.2f}")
    cells += [f"{row['auc']:.3f} ± {row['auc_error']:.3f}" for row in (ours, theirs)]
    return f"| {network} | {seed} | {process} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    typer.run(main)
