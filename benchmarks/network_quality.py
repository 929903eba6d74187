"""AUC and rejections of networks trained on the same events, and how they compare.

    python -m benchmarks.network_quality RUN OUT [--task jets] [--only NAME …]

RUN is the folder of a run that has its datasets. Each event counts once, as simulated and before b
tags, so that many are left behind a cut: the rejections tell networks apart, but are none of a
physical mixture of backgrounds. Task `events`: signals of all masses against all backgrounds, two
fat jets. Task `jets`: their fat jets one at a time, of signals against multijets.

`--epochs` is a full training of ours and `--peer-epochs` what there is time for with Particle
Transformer; one of ours is also trained for no more epochs than that (`…_short`), so that both
comparisons are there: at the same number of epochs, and at less CPU time. Trainings are kept in
OUT; one that was stopped goes on, one that is there is not repeated. Another `--seed` is another
training on the same events. Errors: DeLong for the AUC, binomial for rejections, bootstrap of the
test events for ratios; in brackets the range over the trainings, where there are several.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from analysis.datasets.dataset import Dataset
from analysis.evaluation.metrics import metric_row
from analysis.evaluation.network_ratios import PairedTest, ratio_rows
from benchmarks.networks import EVENT_NETWORKS, JET_NETWORKS
from common.weighted import WeightedSample
from models.config.specs import CrossAttention, Training
from models.networks.batch import NAMES, Events, Sample
from models.networks.jets import single_jets
from models.training.inference import predict_log_odds
from models.training.training import Data, train
from workflow.pipeline.network_inputs import feature_names

POINTS = (0.3, 0.5, 0.8)
ENDS = (("low", "high"), ("low95", "high95"), ("min", "max"))
EVENTS = (
    "particle_transformer", "cross_attention", "cross_attention_sum", "concatenation",
    "constituents", "kinematics", "high_level_mlp",
)  # fmt: skip
JETS = ("particle_transformer_jet", "self_attention_jet", "mixer_subjet_jet")
SHORT = ("particle_transformer", "particle_transformer_jet", "cross_attention", "mixer_subjet_jet")
NETWORKS: dict[str, list[Any]] = {
    "events": [
        *(spec for spec in EVENT_NETWORKS if spec.name in EVENTS),
        CrossAttention(name="without_theta", use_theta=False),
    ],
    "jets": [spec for spec in JET_NETWORKS if spec.name in JETS],
}


def read(run: Path, task: str) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, Any]:
    """Return tensors, labels, a number for each event, and the features."""
    sources = [Dataset(path) for path in sorted((run / "results/datasets").glob("*.h5"))]
    if task == "jets":
        sources = [s for s in sources if s.is_signal or s.attributes["process"] == "qcd"]
    parts = [source.read(np.ones(len(source), bool)) for source in sources]
    tensors = {name: np.concatenate([part[name] for part in parts]) for name in NAMES}
    label = np.repeat([source.is_signal for source in sources], [len(s) for s in sources])
    event = np.arange(len(label))
    if task == "jets":
        return single_jets(tensors), label.repeat(2), event.repeat(2), feature_names(sources[0])
    return tensors, label, event, feature_names(sources[0])


def split(
    label: np.ndarray, event: np.ndarray, sizes: Mapping[str, tuple[int, int]]
) -> dict[str, np.ndarray]:
    """Return rows of each side with (background, signal) rows; jets of an event stay together."""
    rng = np.random.default_rng(1)
    jets = len(event) // len(np.unique(event))
    sides: dict[str, list[np.ndarray]] = {}
    for kind in (True, False):
        left = rng.permutation(np.unique(event[label == kind]))
        for side, size in sizes.items():
            own, left = np.split(left, [size[kind] // jets])
            rows = np.flatnonzero(np.isin(event, own))
            sides.setdefault(side, []).append(rng.permutation(rows))
    return {side: np.concatenate(rows) for side, rows in sides.items()}


def sample(tensors: dict[str, np.ndarray], label: np.ndarray, rows: np.ndarray) -> Sample:
    """Return the events of some rows, all of the same weight."""
    return Sample(Events(tensors, rows), label[rows].astype(np.uint8), np.ones(len(rows)))


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a run with its datasets.")],
    out: Annotated[Path, typer.Argument(help="Folder for trainings and scores.")],
    task: Annotated[str, typer.Option(help="events or jets.")] = "events",
    only: Annotated[list[str] | None, typer.Option(help="Train these alone; repeat.")] = None,
    events: Annotated[int, typer.Option(help="Training events (or jets), half signal.")] = 1200,
    signal: Annotated[int, typer.Option(help="Test events (or jets) of signal.")] = 600,
    background: Annotated[int, typer.Option(help="Those of background.")] = 1800,
    epochs: Annotated[int, typer.Option(help="Largest number of epochs of ours.")] = 40,
    peer_epochs: Annotated[int, typer.Option(help="Epochs of Particle Transformer.")] = 2,
    seed: Annotated[int, typer.Option(help="Seed of the training.")] = 1,
) -> None:
    """Train what is not there yet, and print the table of what is."""
    tensors, label, event, features = read(run, task)
    sizes = {"train": events // 2, "validation": events // 8}
    pairs = {side: (size, size) for side, size in sizes.items()}
    rows = split(label, event, pairs | {"test": (background, signal)})
    sides = {side: sample(tensors, label, chosen) for side, chosen in rows.items()}
    data, held = Data(sides["train"], sides["validation"], features), sides["test"]
    for spec in NETWORKS[task]:
        is_peer = spec.architecture == "particle_transformer"
        lengths = {spec.name: peer_epochs if is_peer else epochs}
        if spec.name in SHORT and not is_peer:
            lengths[f"{spec.name}_short"] = peer_epochs
        for name, length in lengths.items():
            folder = out / task / name / str(seed)
            if (not only or name in only) and not (folder / "scores.npz").exists():
                rate = 1e-3 if is_peer else 2e-3
                settings = Training(
                    optimizer="adamw", epochs=length, learning_rate=rate, accelerator="cpu"
                )
                fit(spec, settings, data, held, seed, folder)
    report(out / task, np.asarray(held.label) == 1, event[rows["test"]])


def fit(spec: Any, settings: Training, data: Data, held: Sample, seed: int, folder: Path) -> None:
    """Train a network and score the held-out events, unless that is done."""
    start = time.process_time()
    if not (folder / "facts.json").exists():
        model = train(spec, settings, data, seed, folder)
        facts = {
            "parameters": model.description["parameters"],
            "cpu": time.process_time() - start,
            "epochs": sum(1 for _ in (folder / "history.csv").open(encoding="utf-8")) - 1,
        }
        (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    found = predict_log_odds(folder, held.events, accelerator="cpu", batch_size=256)
    np.savez(folder / "scores.npz", log_odds=found)


def report(folder: Path, signal: np.ndarray, event: np.ndarray) -> None:
    """Print one row per network that is there, and the ratios of their rejections."""
    scores: dict[str, dict[str, np.ndarray]] = {}
    for path in sorted(folder.glob("*/*/scores.npz")):
        scores.setdefault(path.parts[-3], {})[path.parts[-2]] = np.load(path)["log_odds"]
    columns = ["parameters", "epochs", "training [CPU s]", "AUC"]
    columns += [f"1/ε_B at {point:g}" for point in POINTS]
    print(f"{signal.sum()} signal and {(~signal).sum()} background test {folder.name}\n")
    print(f"| network | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for name, found in scores.items():
        facts = [json.loads((folder / name / s / "facts.json").read_text("utf-8")) for s in found]
        weight = np.ones(len(signal))
        samples = [WeightedSample.of_classes(x, weight, signal) for x in found.values()]
        rows = [metric_row(sample, POINTS) for sample in samples]
        cells = [f"{facts[0]['parameters']:,}", *(spread(facts, k, 0) for k in ("epochs", "cpu"))]
        cells += [spread(rows, "auc", 4)]
        cells += [spread(rows, f"rejection_{100 * point:.0f}", 1) for point in POINTS]
        print(f"| {name} | {' | '.join(cells)} |")
    peers = [name for name in scores if name.startswith("particle")]
    pairs = [(name, peer) for peer in peers for name in scores if name != peer]
    pairs += [("cross_attention", n) for n in ("kinematics", "concatenation", "without_theta")]
    print("\n| ratio of rejections | ε_S | ratio | 68% | 95% | range |\n|---|---|---|---|---|---|")
    for first, second in pairs:
        for row in ratios(scores.get(first, {}), scores.get(second, {}), signal, event):
            ends = [f"{row[a]:.2f} – {row[b]:.2f}" for a, b in ENDS]
            cells = [f"{row['signal_efficiency']:g}", f"{row['ratio']:.2f}", *ends]
            print(f"| {first} / {second} | {' | '.join(cells)} |")


def spread(rows: list[Any], name: str, digits: int) -> str:
    """Return the median over trainings, its statistical error, and the range."""
    values = [row[name] for row in rows if row[name] is not None]
    errors = [row[f"{name}_error"] for row in rows if row.get(f"{name}_error") is not None]
    if not values:
        return "–"
    cell = f"{np.median(values):.{digits}f}"
    cell += f" ± {np.median(errors):.{digits}f}" if errors else ""
    return cell + (f" ({min(values):.{digits}f}–{max(values):.{digits}f})" if values[1:] else "")


def ratios(
    first: Mapping[str, np.ndarray],
    second: Mapping[str, np.ndarray],
    signal: np.ndarray,
    event: np.ndarray,
) -> list[dict[str, Any]]:
    """Return the ratios of two networks over the seeds of the first that the second has, too."""
    key = event.astype(np.uint64)  # both jets of an event are drawn together
    weight = np.ones(len(signal))
    both = [seed for seed in first if seed in second]
    tests = [PairedTest(key, signal, weight, first[seed], second[seed]) for seed in both]
    return [row for row in ratio_rows(tests, POINTS) if "ratio" in row] if tests else []


if __name__ == "__main__":
    typer.run(main)
