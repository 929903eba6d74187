"""What taggers of single jets learn from three files: trained once, kept, and compared.

`benchmarks.networks` is the command. A tagger that is in the folder of trainings is not trained
again, one that was stopped goes on after its last epoch. CPU time is that of the process.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from analysis.datasets.dataset import SPLITS, TENSORS, Dataset
from analysis.evaluation.metrics import area, area_influence, metric_row, roc_curve
from analysis.evaluation.network_ratios import PairedTest, ratio_rows
from common.columns import Columns
from common.errors import InputFileError
from common.files import atomic_path
from common.hashing import uniform
from common.tables import read_csv, write_csv
from common.weighted import WeightedSample
from models.config.specs import Training
from models.networks.batch import Events
from models.networks.inputs import parameter_count
from models.training.data import Data
from models.training.inference import calibrated
from models.training.resume import STATE
from models.training.training import HISTORY, train
from workflow.pipeline.jets import Jets, jets_of_split
from workflow.pipeline.network_inputs import feature_names, sources

POINTS = (0.5, 0.3)
FACTS, SCORES = "facts.json", "scores.npy"
STREAM = 22
"""Stream of the random numbers that thin out training events."""
PHYSICAL = "physical_weight"
"""Column of `benchmarks.jet_sample`: what a jet weighs in nature."""


def jets_for(spec: Any, files: Sequence[Path], split: str) -> Jets:
    """Return the jets of a split; twice the same one for a model that sees two."""
    jets = jets_of_split(files, split)
    if getattr(spec, "jets", 2) == 1:
        return jets

    def twice(data: Dataset, rows: slice, with_tensors: bool) -> Columns:
        columns = jets.part(data, rows, with_tensors)
        copies = {name: 3 if name == "kinematics" else 2 for name in TENSORS}
        return columns | {
            name: columns[name].repeat(copies[name], 1) for name in TENSORS if name in columns
        }

    return replace(jets, part=twice, event_bytes=2 * jets.event_bytes)


def thinned(jets: Jets, share: float) -> Jets:
    """Return the jets of a random share of the events."""
    if share >= 1:
        return jets

    def fewer(data: Dataset, rows: slice, with_tensors: bool) -> Columns:
        kept = uniform(data.rows(rows, ("key",))["key"], 0, STREAM) < share
        columns = jets.part(data, rows, with_tensors)
        return {name: values[kept] for name, values in columns.items()}

    return replace(jets, part=fewer)


def learn(
    spec: Any,
    folder: Path,
    settings: Training,
    seed: int,
    out: Path,
    cap: float = 1.0,
    share: float = 1.0,
) -> None:
    """Train a tagger on the jets of a folder and score the test jets, unless that is done.

    Leaves the model, `scores.npy` (log-odds of the test jets) and `facts.json` in `out`:
    parameters, epochs, training jets, and CPU time of the training (all its epochs, normalisation,
    validation; none if it was stopped in between) and of scoring a thousand jets. Weights of
    background jets count at most as much as their quantile `cap` in the training, which sees a
    `share` of the jets.
    """
    if (out / FACTS).exists():
        return
    out.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{split}.h5" for split in SPLITS]
    features = feature_names(Dataset(files[0]))
    resumed = (out / STATE).exists()
    start = time.process_time()
    splits = [jets_for(spec, files, split) for split in ("train", "validation")]
    splits[0] = thinned(splits[0], share)
    learned_from, stopped_by = sources(splits, cap, settings.memory_mb)
    data = Data(learned_from, stopped_by, features)
    model = train(spec, settings, data, seed, out)
    trained, start = time.process_time() - start, time.process_time()
    test = jets_for(spec, files, "test")
    odds = [
        calibrated(model, Events({name: jets[name] for name in TENSORS}))[0]
        for jets in test.steps(8192)
    ]
    facts = {
        "parameters": parameter_count(model.network),
        "epochs": settings.epochs,
        "train_jets": len(data.train),
        "training": None if resumed else trained,
        "scoring": (time.process_time() - start) / len(test) * 1000,
    }
    with atomic_path(out / SCORES) as path, path.open("wb") as file:
        np.save(file, np.concatenate(odds))
    with atomic_path(out / FACTS) as path:
        path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def tested(folder: Path) -> Columns:
    """Return key, label and weight of the test jets, and their physical weight if there is one."""
    data = Dataset(folder / "test.h5")
    columns = data.rows(slice(None), ("key", "label", "weight"))
    try:
        return columns | data.rows(slice(None), (PHYSICAL,))
    except InputFileError:  # the public files have none
        return columns


def quality_rows(folder: Path, out: Path) -> list[dict[str, Any]]:
    """Return one row for each tagger and seed in `out`, from its scores of the test jets.

    `metric_row` at ε_S = 50% and 30%, the facts of `learn`, the best epoch, how far the
    validation loss fell in the last fifth of the epochs, and the AUC by physical weight.
    """
    jets, rows = tested(folder), []
    for path in sorted(out.glob(f"*/*/{FACTS}")):
        found, signal = np.load(path.parent / SCORES), jets["label"] == 1
        row: dict[str, Any] = {"tagger": path.parts[-3], "seed": int(path.parts[-2])}
        row |= json.loads(path.read_text(encoding="utf-8")) | learning(path.parent)
        row |= metric_row(WeightedSample.of_classes(found, jets["weight"], signal), POINTS)
        if PHYSICAL in jets:
            other = metric_row(WeightedSample.of_classes(found, jets[PHYSICAL], signal), POINTS)
            names = ("auc", "auc_error", "test_background_n_eff")
            row |= {f"{name}_physical": other[name] for name in names}
        rows.append(row)
    return rows


def learning(folder: Path) -> dict[str, float | int]:
    """Return the best epoch, its loss, and the fall of the loss in the last fifth of the epochs."""
    losses = [row["val_loss"] for row in read_csv(folder / HISTORY)]
    before = max(1, len(losses) - max(1, len(losses) // 5))
    return {
        "best_epoch": int(np.argmin(losses)) + 1,
        "validation_loss": min(losses),
        "last_fall": min(losses[:before]) - min(losses),
    }


def comparison_rows(folder: Path, out: Path) -> list[dict[str, Any]]:
    """Return how each pair of taggers compares on the same test jets, over the seeds of both.

    Difference of the AUC, the mean over seeds with the error of the test events (jets of an event
    together) and the range, and `ratio_rows` of the rejections.
    """
    jets, rows = tested(folder), []
    scores: dict[str, dict[str, NDArray[np.float64]]] = {}
    for path in sorted(out.glob(f"*/*/{FACTS}")):
        scores.setdefault(path.parts[-3], {})[path.parts[-2]] = np.load(path.parent / SCORES)
    for first, second in combinations(sorted(scores), 2):
        both = sorted(set(scores[first]) & set(scores[second]))
        tests = [
            PairedTest(
                jets["key"], jets["label"] == 1, jets["weight"], scores[first][s], scores[second][s]
            )
            for s in both
        ]
        rows += [
            {"tagger": first, "other": second, **row, **area_difference(tests)}
            for row in (ratio_rows(tests, POINTS) if tests else ())
        ]
    return rows


def area_difference(tests: Sequence[PairedTest]) -> dict[str, float]:
    """Return the AUC of the first less that of the second, its error, and the range over seeds."""
    differences, influences = [], []
    for test in tests:
        one, other = test.samples
        differences.append(area(roc_curve(one)) - area(roc_curve(other)))
        influences.append(area_influence(one) - area_influence(other))
    event = np.unique(tests[0].key, return_inverse=True)[1]
    per_event = np.bincount(event, np.mean(influences, axis=0))
    return {
        "auc_difference": float(np.mean(differences)),
        "auc_difference_error": float(np.sqrt(np.sum(per_event**2))),
        "auc_difference_min": min(differences),
        "auc_difference_max": max(differences),
    }


def write_tables(folder: Path, out: Path) -> None:
    """Write `taggers.csv` and `comparisons.csv` of all trainings in `out`."""
    write_csv(quality_rows(folder, out), out / "taggers.csv", ("tagger", "seed"))
    keys = ("tagger", "other", "signal_efficiency")
    write_csv(comparison_rows(folder, out), out / "comparisons.csv", keys)


def quality_table(rows: Sequence[Mapping[str, Any]], title: str) -> Table:
    """Return one row for each training."""
    names = ("seed", "epochs", "AUC", "1/ε_B at 50%", "at 30%", "parameters", "training [s]")
    table = Table("tagger", *names, "scoring [s/1000]", box=None, title=title)

    def known(row: Mapping[str, Any], name: str) -> str:
        value, error = row[name], row[f"{name}_error"]
        return "–" if value is None else f"{value:.3g} ± {error:.2g}"

    for row in rows:
        table.add_row(
            row["tagger"],
            f"{row['seed']}",
            f"{row['epochs']}",
            f"{row['auc']:.4f} ± {row['auc_error']:.4f}",
            *(known(row, f"rejection_{100 * point:.0f}") for point in POINTS),
            f"{row['parameters']:,}",
            "–" if row["training"] is None else f"{row['training']:.3g}",
            f"{row['scoring']:.3g}",
        )
    return table
