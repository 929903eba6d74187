"""Does a network that was trained on our detector work on real Delphes files?

    python -m benchmarks.transfer FOLDER --run . --signal signal_mH1000

takes the trainings of a finished run that serve one signal, and a folder of real Delphes files with
its `manifest.json` (Pythia settings, cross sections). It simulates every sample of the manifest
anew, with the manifest's settings and our detector, and prints for each training the rejection at
ε_S = 0.5 on our events and on Delphes', with their statistical errors. Both sides have the same
composition: every sample counts with the number of events that Delphes has of it, and every event
as often as Pythia made it, without the weights of a biased or enhanced generation. The trainings
see the same events, so that the errors of the rows hold together.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import awkward as ak
import numpy as np
import typer

from analysis.config.detector import Detector
from analysis.config.reconstruction import Reconstruction
from analysis.config.simulation import Simulation
from analysis.datasets.dataset import Dataset
from analysis.datasets.features import tensors
from analysis.evaluation.metrics import metric_row
from analysis.reconstruction.reconstruct import reconstruct_file
from analysis.simulation.produce import produce
from common.weighted import WeightedSample
from models.training.checkpoint import TrainedModel, load
from workflow.pipeline.config import ALL_MASSES
from workflow.pipeline.network_inputs import feature_names, mass_of
from workflow.pipeline.scoring import crossed

BACKGROUNDS = ("qcd", "qcd_bb", "ttbar")
CHUNK = 500
"""Events in one file of ours, at most."""

Weighted = tuple[Mapping[str, np.ndarray], np.ndarray]
"""Tensors of the selected events, and how much each counts."""


def selected(file: Path) -> Mapping[str, np.ndarray]:
    """Return the tensors of the events that pass the selection."""
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "events.parquet"
        reconstruct_file(str(file), output, Reconstruction())
        return tensors(ak.from_parquet(output), 50, 6)


def joined(parts: list[Weighted]) -> Weighted:
    """Return several parts, one after the other."""
    names = parts[0][0]
    values = {name: np.concatenate([part[0][name] for part in parts]) for name in names}
    return values, np.concatenate([part[1] for part in parts])


def of_delphes(folder: Path, entries: list[dict[str, Any]]) -> Weighted:
    """Return the events of some files of the manifest."""
    parts = [selected(folder / entry["file"]) for entry in entries]
    return joined([(part, np.ones(len(part["kinematics"]))) for part in parts])


def of_ours(common: list[str], entries: list[dict[str, Any]], factor: int) -> Weighted:
    """Return events simulated with the settings of these files, `factor` times as many."""
    sample, events = entries[0]["sample"], factor * sum(entry["events"] for entry in entries)
    settings = {"pythia": tuple(entries[0]["pythia_settings"]), "common": tuple(common)}
    parts = []
    with tempfile.TemporaryDirectory() as scratch:
        for chunk, first in enumerate(range(0, events, CHUNK)):
            simulation = Simulation(**settings, events=min(CHUNK, events - first))
            file = Path(scratch) / f"{chunk}.root"
            produce(simulation, Detector(), sample, chunk, seed=1, output=file)
            part = selected(file)
            parts.append((part, np.full(len(part["kinematics"]), 1 / factor)))
    return joined(parts)


def measure(
    models: Sequence[TrainedModel], mass_gev: float, signal: Weighted, background: Weighted
) -> dict[str, Any]:
    """Return the metrics of a training on signal against background.

    No network has seen the events: they go to the folds in turn.
    """
    values, weight = joined([signal, background])
    fold = np.arange(len(weight)) % len(models)
    scores = crossed(models, dict(values), fold, (mass_gev,), "auto")[0]
    label = np.repeat([True, False], [len(signal[1]), len(background[1])])
    return metric_row(WeightedSample.of_classes(scores, weight, label))


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of Delphes files and their manifest.")],
    run: Annotated[Path, typer.Option(help="Folder of a finished run.")] = Path(),
    signal: Annotated[str, typer.Option(help="Signal sample, of the same name in both.")] = (
        "signal_mH1000"
    ),
    factor: Annotated[int, typer.Option(min=1, help="Events of ours per event of Delphes.")] = 3,
) -> None:
    """Print the table."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    entries = {
        name: [entry for entry in manifest["files"] if entry["sample"] == name]
        for name in (signal, *BACKGROUNDS)
    }
    entries = {name: files for name, files in entries.items() if files}
    delphes = {name: of_delphes(folder, files) for name, files in entries.items()}
    ours = {
        name: of_ours(manifest["common_pythia_settings"], files, factor)
        for name, files in entries.items()
    }
    data = Dataset(run / f"results/datasets/{signal}.h5")
    features, mass = feature_names(data), mass_of(data)
    for name in entries:
        shares = [len(side[name][1]) for side in (ours, delphes)]
        print(f"{name}: {shares[0]} events of ours selected, {shares[1]} of Delphes")
    columns = ("network", "seed", "background", "rejection at 50%: ours", "Delphes", "ratio")
    print(f"\n| {' | '.join(columns)} | AUC: ours | Delphes |")
    print("|---|---|---|---|---|---|---|---|")
    present = [name for name in entries if name != signal]
    own, joint = ((run / "results/models").glob(f"*/{n}/*") for n in (signal, ALL_MASSES))
    for training in sorted([*own, *joint]):
        models = [load(folder, features) for folder in sorted(training.glob("fold*"))]
        for title, names in {"all": present, **{name: [name] for name in present}}.items():
            rows = [
                measure(models, mass, side[signal], joined([side[name] for name in names]))
                for side in (ours, delphes)
            ]
            print(line(training.parents[1].name, training.name, title, *rows), flush=True)


def line(network: str, seed: str, background: str, ours: dict, theirs: dict) -> str:
    """Return one row of the table."""
    cells, relative = [], 0.0
    for row in (ours, theirs):
        value, error = row["rejection_50"], row["rejection_50_error"]
        if value is None or error is None:
            return f"| {network} | {seed} | {background} | no background passes | | | | |"
        cells.append(f"{value:.1f} ± {error:.1f}")
        relative = float(np.hypot(relative, error / value))
    ratio = theirs["rejection_50"] / ours["rejection_50"]
    cells.append(f"{ratio:.2f} ± {ratio * relative:.2f}")
    cells += [f"{row['auc']:.3f} ± {row['auc_error']:.3f}" for row in (ours, theirs)]
    return f"| {network} | {seed} | {background} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    typer.run(main)
