"""Rule calibration: whether the scores of one training are probabilities."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
from typer import Argument, Option

from analysis.datasets.training_weights import TrainingWeights, Weighted
from analysis.evaluation.calibration import Reliability, reliability
from analysis.evaluation.score_table import ScoreTable
from common.logistic import Line, fit_line
from common.tables import KEYS, origin_of, write_csv
from common.weighted import Condenser, WeightedSample
from workflow.pipeline.cli import run

COLUMNS = ("score", "fraction", "low", "high", "spread", "weight", "n_eff")


def main(
    scores: Annotated[Path, Argument(help="Parquet table of scores.")],
    cap_quantile: Annotated[float, Option(help="Quantile that caps background weights.")],
    output: Annotated[Path, Option(help="CSV to write: one row per bin of the score.")],
) -> None:
    """Compare score and share of signal, weighted as in the training."""
    curve, line = of_training(scores, cap_quantile)
    whole = {
        "calibration_error": curve.error,
        "calibration_noise": curve.noise,
        "calibration_offset": line.offset,
        "calibration_offset_error": line.errors[0],
        "calibration_slope": line.slope,
        "calibration_slope_error": line.errors[1],
    }
    bins = zip(*(getattr(curve, column) for column in COLUMNS), strict=True)
    rows = [
        origin_of(scores)
        | {"bin": k, **dict(zip(COLUMNS, map(float, values), strict=True)), **whole}
        for k, values in enumerate(bins)
    ]
    write_csv(rows, output, (*KEYS, "bin"))


def of_training(path: Path, cap_quantile: float) -> tuple[Reliability, Line]:
    """Return reliability and calibration line of one training, with the loss's weights."""
    table, condenser = ScoreTable(path), Condenser()

    def all_events() -> Iterator[Weighted]:
        for events in table.steps():
            yield events["label"], events["weight"]

    weights = TrainingWeights.fit(all_events, cap_quantile)
    for events in table.steps():
        weight = weights(events["label"], events["weight"]).astype(np.float64)
        condenser.add(WeightedSample.of_classes(events["log_odds"], weight, events["label"]))
    test = condenser.result()
    probability = replace(test, value=np.exp(-np.logaddexp(0, -test.value)))
    return reliability(probability), fit_line(test)


if __name__ == "__main__":
    run(main)
