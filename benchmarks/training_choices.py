"""What choices in the training of an event network are worth, on events that it has not seen.

    python -m benchmarks.training_choices RUN OUT [--only NAME …] [--seed 1 …]

RUN is the folder of a run that has its datasets. Each of `VARIANTS` differs from `BEFORE`, the
defaults until November 2026, in what it names. All are trained on the same events, outside a fold,
and judged on those of the fold, which neither trains nor stops them. The device is that of
`training.accelerator: auto`. Trainings are kept in OUT; one that is there is not repeated.

The loss is that of the training: cross entropy of calibrated scores, classes and m_H of equal sums,
background capped at the 90% quantile whatever the variant. ε_B is that of `--background` alone, a
sample, by physical weights or each event counted once: a few heavy events of the others would
decide. Ratios to `BEFORE` are geometric means over m_H and seeds; the first error is from a
bootstrap of the test events, which all variants share, the second from the spread over seeds.
"""

import csv
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from pydantic import TypeAdapter

from analysis.config.dataset import Dataset as DatasetConfig
from analysis.datasets.dataset import TENSORS, Dataset, Selection, Split
from analysis.datasets.training_weights import training_weights
from analysis.evaluation.replicas import poisson_counts
from common.columns import Columns
from models.config.specs import NetworkSpec, Training
from models.networks.batch import Events
from models.training.data import Data
from models.training.inference import predict_log_odds
from models.training.training import train
from workflow.pipeline.network_inputs import feature_names, mass_of, sources

POINTS = (0.8, 0.5, 0.3)
REPLICAS = 200
CAP = 0.9
BEFORE: dict[str, dict[str, Any]] = {
    "network": {"mass_token": True, "dropout": 0.1, "width": 32},
    "training": {
        "epochs": 12,
        "batch_size": 128,
        "patience": 12,
        "optimizer": "adamw",
        "learning_rate": 2e-3,
        "weight_decay": 0.01,
        "ema": 0.0,
        "exchange_jets": False,
    },
    "dataset": {"folds": 2, "validation": 0.15, "weight_cap_quantile": 0.9},
}
WITHOUT_SUBJETS = {"kind": "self_attention", "subjets": False}
EXCHANGE_EMA = {"exchange_jets": True, "ema": 0.99}
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "before": {},
    "exchange": {"training": {"exchange_jets": True}},
    "shared_encoder": {"network": {"share_jet_encoder": True}},
    "ema": {"training": {"ema": 0.99}},
    "cap_50": {"dataset": {"weight_cap_quantile": 0.5}},
    "cap_75": {"dataset": {"weight_cap_quantile": 0.75}},
    "cap_99": {"dataset": {"weight_cap_quantile": 0.99}},
    "exchange_ema": {"training": EXCHANGE_EMA},
    "exchange_ema_cap_50": {"training": EXCHANGE_EMA, "dataset": {"weight_cap_quantile": 0.5}},
    "exchange_ema_cap_75": {"training": EXCHANGE_EMA, "dataset": {"weight_cap_quantile": 0.75}},
    "dropout_20": {"network": {"dropout": 0.2}},
    "dropout_30": {"network": {"dropout": 0.3}},
    "decay_10": {"training": {"weight_decay": 0.1}},
    "rate_1": {"training": {"learning_rate": 1e-3}},
    "rate_4": {"training": {"learning_rate": 4e-3}},
    "epochs_18": {"training": {"epochs": 18, "patience": 18}},
    "width_16": {"network": {"width": 16}},
    "width_64": {"network": {"width": 64, "heads": 4}},
    "muon": {"training": {"optimizer": "muon", "learning_rate": 6e-3}},
    "subjets": {"network": {"jet_encoder": {"kind": "self_attention"}}},
    "without_theta": {"network": {"use_theta": False}},
    "half_the_events": {"dataset": {"validation": 0.575}},
}


@dataclass(frozen=True)
class Judged:
    """Test events [N] of one fold, and the masses of the signals [M]."""

    events: Columns
    samples: list[Dataset]
    masses: np.ndarray

    @property
    def label(self) -> np.ndarray:
        return self.events["label"] == 1

    @property
    def weight(self) -> np.ndarray:
        return self.events["weight"][:, 0]

    def is_of(self, sample: str) -> np.ndarray:
        """Return which events [N] are of a sample."""
        names = [str(data.attributes["sample"]) for data in self.samples]
        if sample not in names:
            raise typer.BadParameter(f"no sample {sample}; there are {', '.join(names)}")
        return self.events["dataset"] == names.index(sample)

    def has_mass(self, mass: float) -> np.ndarray:
        """Return which events [N] are of the signal of a mass."""
        return np.array([mass_of(data) for data in self.samples])[self.events["dataset"]] == mass


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a run with its datasets.")],
    out: Annotated[Path, typer.Argument(help="Folder for trainings, scores and the table.")],
    only: Annotated[list[str] | None, typer.Option(help="Train these alone; repeat.")] = None,
    seed: Annotated[list[int], typer.Option(help="Seed of a training; repeat.")] = [1],  # noqa: B006
    architecture: Annotated[str, typer.Option(help="The network.")] = "cross_attention",
    fold: Annotated[int, typer.Option(help="The fold that judges.")] = 0,
    background: Annotated[str, typer.Option(help="Sample whose ε_B counts.")] = "qcd_bbbb",
) -> None:
    """Train what is not there yet, and print the table of what is."""
    paths = sorted((run / "results/datasets").glob("*.h5"))
    if not paths:
        raise typer.BadParameter(f"{run} has no results/datasets/*.h5; give the folder of a run")
    unknown = set(only or ()) - VARIANTS.keys()
    if unknown:
        raise typer.BadParameter(
            f"no variant {', '.join(unknown)}; there are {', '.join(VARIANTS)}"
        )
    samples = [Dataset(path) for path in paths]
    masses = np.unique([mass_of(data) for data in samples if data.is_signal])
    block = DatasetConfig(**BEFORE["dataset"])
    judge = Judged(Selection(samples, Split("test", block, 1, fold)).all(), samples, masses)
    own = out / architecture / f"fold{fold}"
    for name in only or VARIANTS:
        for number in seed:
            folder = own / name / str(number)
            if not (folder / "scores.npz").exists():
                fit(architecture, VARIANTS[name], judge, number, fold, folder)
    report(own, judge, background)


def fit(
    architecture: str,
    variant: dict[str, dict[str, Any]],
    judge: Judged,
    seed: int,
    fold: int,
    folder: Path,
) -> None:
    """Train one variant and score the test events under every mass hypothesis."""
    chosen = {name: {**BEFORE[name], **variant.get(name, {})} for name in BEFORE}
    network = {"name": "variant", "architecture": architecture, **chosen["network"]}
    if architecture != "kinematics":
        network = {"jet_encoder": WITHOUT_SUBJETS, **network}
    spec: Any = TypeAdapter(NetworkSpec).validate_python(network)
    training, block = Training(**chosen["training"]), DatasetConfig(**chosen["dataset"])
    sides = [Selection(judge.samples, Split(s, block, 1, fold)) for s in ("train", "validation")]
    masses = np.array([mass_of(data) for data in judge.samples]) if spec.told_mass else None
    learned, held = sources(sides, block.weight_cap_quantile, training.memory_mb, masses)
    data = Data(learned, held, feature_names(judge.samples[0]).seen_by(spec))
    start = time.process_time(), time.perf_counter()
    train(spec, training, data, seed, folder, keep_state=True)
    spent = time.process_time() - start[0], time.perf_counter() - start[1]
    found = np.full((len(judge.label), len(judge.masses)), np.nan)
    for number, mass in enumerate(judge.masses):
        rows = np.flatnonzero(~judge.label | judge.has_mass(mass))
        events = Events({name: judge.events[name] for name in TENSORS}, rows)
        told = float(mass) if spec.told_mass else None
        found[rows, number] = predict_log_odds(folder, events, mass_gev=told)
    np.savez(folder / "scores.npz", log_odds=found, spent=spent)


def efficiencies(
    score: np.ndarray, weight: np.ndarray, signal: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Return ε_B [points, replicas] at the ε_S of `POINTS`, of events [N] drawn `counts` times."""
    order = np.argsort(-score, kind="stable")
    drawn, of_signal = weight[order, None] * counts[order], signal[order]
    kept = [np.cumsum(np.where(s[:, None], drawn, 0), axis=0) for s in (of_signal, ~of_signal)]
    shares = [sums / sums[-1] for sums in kept]
    places = [np.argmax(shares[0] >= point * (1 - 1e-12), axis=0) for point in POINTS]
    return np.stack([shares[1][place, np.arange(counts.shape[1])] for place in places])


def judged(judge: Judged, log_odds: np.ndarray, own: np.ndarray, counts: np.ndarray) -> Columns:
    """Return what one training is worth: its loss, and ε_B of the background `own` [N].

    `weighted`, `counted` [M, points, 1 + replicas]: the first column is of the events themselves.
    `loss` [1 + replicas].
    """
    label, weight = judge.label, judge.weight
    found: dict[str, list[np.ndarray]] = {"weighted": [], "counted": [], "loss": [], "n_eff": []}
    for number, mass in enumerate(judge.masses):
        signal = judge.has_mass(mass)
        rows = signal | ~label
        value = log_odds[rows, number]
        loss = np.logaddexp(0, np.where(label[rows], -value, value))
        of_loss = training_weights(label[rows].astype(np.uint8), weight[rows], CAP)[:, None]
        drawn = of_loss * counts[rows]
        halves = [
            (drawn * loss[:, None])[side].sum(0) / drawn[side].sum(0)
            for side in (label[rows], ~label[rows])
        ]
        found["loss"].append(sum(halves) / 2)
        rows = signal | own
        value, physical = log_odds[rows, number], np.abs(weight[rows])
        for name, w in (("weighted", physical), ("counted", np.ones_like(physical))):
            w = np.where(label[rows], physical, w)
            found[name].append(efficiencies(value, w, label[rows], counts[rows]))
        found["n_eff"].append(_behind(value, physical, label[rows]))
    return {name: np.array(values) for name, values in found.items()} | {
        "loss": np.mean(found["loss"], axis=0)
    }


def _behind(value: np.ndarray, weight: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """Return the effective background events behind the cuts of `POINTS`."""
    order = np.argsort(-value, kind="stable")
    kept = np.cumsum(np.where(signal, weight, 0)[order])
    found = []
    for point in POINTS:
        inside = order[: np.argmax(kept >= point * kept[-1] * (1 - 1e-12)) + 1]
        w = weight[inside][~signal[inside]]
        found.append(w.sum() ** 2 / max((w**2).sum(), 1e-300))
    return np.array(found)


def report(folder: Path, judge: Judged, background: str) -> None:
    """Print one row per variant of those in a folder, and write it beside the folder."""
    own = judge.is_of(background)
    drawn = poisson_counts(judge.events["key"], REPLICAS, 1)
    counts = np.concatenate([np.ones((len(drawn), 1)), drawn], axis=1)
    variants: dict[str, dict[str, Columns]] = {}
    for path in sorted(folder.glob("*/*/scores.npz")):
        stored = np.load(path)
        measured = judged(judge, stored["log_odds"], own, counts)
        measured["spent"] = stored["spent"]
        measured["epochs"] = best_epoch(path.parent / "history.csv")
        variants.setdefault(path.parts[-3], {})[path.parts[-2]] = measured
    reference = variants.get("before", {})
    columns = ["variant", "seeds", "best epoch", "CPU s", "train", "validation", "loss"]
    columns += ["Δloss · 10³", *(f"{k} {p:g}" for k in ("weighted", "counted") for p in POINTS)]
    rows = []
    for name in sorted(variants, key=list(VARIANTS).index):
        found = variants[name]
        rows.append(dict(zip(columns, row_of(name, found, reference), strict=True)))
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(row.values())} |")
    if reference:
        n_eff = np.mean([one["n_eff"] for one in reference.values()], axis=(0, 1))
        print(f"\neffective {background} events behind the cuts of `before`: {np.round(n_eff, 1)}")
    with folder.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def row_of(name: str, found: dict[str, Columns], reference: dict[str, Columns]) -> list[str]:
    """Return the cells of one variant."""
    history = np.mean([one["epochs"] for one in found.values()], axis=0)
    spent = np.mean([one["spent"][0] for one in found.values()])
    both = [seed for seed in found if seed in reference]
    cells = [name, ",".join(found), f"{history[0]:.1f}", f"{spent:.0f}"]
    cells += [f"{history[1]:.3f}", f"{history[2]:.3f}"]
    cells += [f"{np.mean([one['loss'][0] for one in found.values()]):.4f}"]
    if not both:
        return [*cells, *["–"] * (1 + 2 * len(POINTS))]
    loss = np.array([found[s]["loss"] - reference[s]["loss"] for s in both])
    cells.append(with_errors(1e3 * loss, 1))
    for kind in ("weighted", "counted"):
        with np.errstate(divide="ignore", invalid="ignore"):  # a replica may have no event left
            logs = [np.log(found[s][kind] / reference[s][kind]).mean(axis=0) for s in both]
        for number in range(len(POINTS)):
            cells.append(with_errors(np.array(logs)[:, number], 2, ratio=True))
    return cells


def with_errors(values: np.ndarray, digits: int, ratio: bool = False) -> str:
    """Return mean, bootstrap error, and error from the spread, of values [seeds, 1 + replicas].

    Of `ratio`, values are logarithms.
    """
    mean, replicas = values[:, 0].mean(), values[:, 1:].mean(axis=0)
    error = np.nanstd(replicas[np.isfinite(replicas)])
    spread = values[:, 0].std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    if ratio:
        mean = np.exp(mean)
        error, spread = mean * error, mean * spread
    return f"{mean:.{digits}f} ± {error:.{digits}f} ± {spread:.{digits}f}"


def best_epoch(history: Path) -> np.ndarray:
    """Return number, training and validation loss of the best epoch."""
    rows = np.loadtxt(history, delimiter=",", skiprows=1, ndmin=2)
    best: np.ndarray = rows[np.argmin(rows[:, 2]), :3]
    return best


if __name__ == "__main__":
    typer.run(main)
