"""Are the networks' scores probabilities, and does a line fitted on unseen events make them so?

    python -m benchmarks.calibration RUN

RUN is the folder of a finished run of two folds; what its calibration did is undone first. For each
fold, on one half of its events: the line of the true against the network's log-odds, and the change
of the cross entropy (weights of the loss) by a slope (temperature) or offset and slope (Platt) from
the other half. Below: mean changes with bootstrap errors, an event drawn once for all trainings,
and the smallest probability that a calibrated score lies as far off, before and after. After, the
error of the fit on the other half counts too.
"""

import itertools
import json
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
import typer
from scipy.stats import chi2

from analysis.datasets.training_weights import training_weights
from common.logistic import Line, fit_line
from common.weighted import WeightedSample

METHODS = ("as is", "temperature", "platt")


class Part(NamedTuple):
    """Events of a training's fold: log-odds of the network alone, class, loss's weight."""

    log_odds: np.ndarray
    signal: np.ndarray
    weight: np.ndarray
    key: np.ndarray

    def behind(self, line: Line) -> WeightedSample:
        """Return the events with their log-odds behind a line."""
        log_odds = line.offset + line.slope * self.log_odds
        return WeightedSample.of_classes(log_odds, self.weight, self.signal)

    def losses(self, line: Line) -> np.ndarray:
        """Cross entropy of each event behind a line."""
        sign = np.where(self.signal, -1.0, 1.0)
        return np.asarray(np.logaddexp(0, sign * (line.offset + line.slope * self.log_odds)))


def read(run: Path, scores: Path, fold: int) -> dict[str, Part]:
    """Return the events of one fold, none of which its network has seen, in two halves.

    The line is fitted on one half and tried on the other.
    """
    table = pd.read_parquet(scores)
    network, signal, seed = scores.relative_to(run / "results/scores").with_suffix("").parts
    own, joint = (run / "results/models" / network / name / seed for name in (signal, "all"))
    folder = (own if own.exists() else joint) / f"fold{fold}"
    model = json.loads((folder / "model.json").read_text("utf-8"))
    done = model.get("calibration", {"offset": 0.0, "slope": 1.0})
    table = table[table.fold == fold]
    found = {}
    for name, part in table.groupby(np.where(table.key % 2, "known", "test")):
        label = part.label.to_numpy(np.uint8)
        cap = model["dataset"]["weight_cap_quantile"]
        weight = training_weights(label, part.weight.to_numpy(), cap).astype(float)
        raw = (part.log_odds.to_numpy() - done["offset"]) / done["slope"]
        found[str(name)] = Part(raw, label == 1, weight, part.key.to_numpy())
    return found


def probability(test: Part, line: Line) -> float:
    """Return how likely a calibrated score is as far off as this one is behind a line."""
    moved = fit_line(test.behind(line))
    jacobian = np.array([[-1.0, line.offset / line.slope], [0.0, -1 / line.slope]]) * moved.slope
    covariance = moved.covariance + jacobian @ line.covariance @ jacobian.T
    away = np.array([moved.offset, moved.slope - 1])
    return float(chi2.sf(away @ np.linalg.solve(covariance, away), 2))


def main(run: Annotated[Path, typer.Argument(help="Folder of a finished run.")]) -> None:
    """Print one row per training, and the sums."""
    identity = Line(0.0, 1.0, np.zeros((2, 2)))
    print("| training | slope | offset | cross entropy | − temperature | − platt |")
    print("|---|---|---|---|---|---|")
    tests, losses, likely = [], [], []
    paths = sorted((run / "results/scores").rglob("*.parquet"))
    for path, fold in itertools.product(paths, (0, 1)):
        parts = read(run, path, fold)
        test, known = parts["test"], parts["known"].behind(identity)
        lines = (identity, fit_line(known, offset=False), fit_line(known))
        truth = fit_line(test.behind(identity))
        tests.append(test)
        losses.append([test.losses(line) for line in lines])
        likely.append([probability(test, line) for line in lines])
        mean = [float(np.average(values, weights=test.weight)) for values in losses[-1]]
        errors = truth.errors
        print(
            f"| {path.relative_to(run / 'results/scores').with_suffix('')}, fold {fold} "
            f"| {truth.slope:.2f} ± {errors[1]:.2f} | {truth.offset:+.2f} ± {errors[0]:.2f} "
            f"| {mean[0]:.4f} | {mean[0] - mean[1]:+.4f} | {mean[0] - mean[2]:+.4f} |"
        )
    keys = np.unique(np.concatenate([test.key for test in tests]))
    places = [np.searchsorted(keys, test.key) for test in tests]
    rng = np.random.default_rng(1)

    def means(counts: np.ndarray) -> np.ndarray:
        found = [
            [np.average(values, weights=test.weight * counts[place]) for values in of_training]
            for test, place, of_training in zip(tests, places, losses, strict=True)
        ]
        return np.asarray(found).mean(0)

    value = means(np.ones(len(keys)))
    drawn = np.array([means(rng.poisson(1, len(keys))) for _ in range(500)])
    print(f"\nmean cross entropy {value[0]:.4f}")
    for k, j in ((0, 1), (0, 2), (1, 2)):
        error = (drawn[:, k] - drawn[:, j]).std()
        print(f"{METHODS[k]} − {METHODS[j]}: {value[k] - value[j]:.4f} ± {error:.4f}")
    for name, values in zip(METHODS, np.min(likely, axis=0), strict=True):
        print(f"least likely of {len(tests)}, {name}: p = {values:.2g}")


if __name__ == "__main__":
    typer.run(main)
