"""Rule calibration_figure: whether the scores of all networks of one signal are probabilities."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from typer import Argument, Option

from analysis.datasets.training_weights import TrainingWeights, Weighted
from analysis.evaluation.calibration import Reliability, reliability
from analysis.evaluation.score_table import ScoreTable
from analysis.figures.calibration import Calibration, calibration_plot
from analysis.figures.style import colours, save
from common.condensed import Condenser
from common.logistic import Line, fit_line
from common.tables import write_csv
from workflow.pipeline.cli import run

COLUMNS = ("score", "fraction", "low", "high", "spread", "weight", "n_eff")


def main(
    scores: Annotated[list[Path], Argument(help="Scores, …/{network}/{signal}/{seed}.parquet.")],
    mass: Annotated[float, Option(help="m_H [GeV].")],
    cap_quantile: Annotated[float, Option(help="Quantile that caps background weights.")],
    output: Annotated[Path, Option(help="PNG to write; PDF and CSV go beside it.")],
) -> None:
    """Compare score and share of signal, weighted as in the training."""
    networks: dict[str, list[Reliability]] = {}
    rows: list[dict[str, Any]] = []
    for path in scores:
        name, seed = path.parent.parent.name, int(path.stem)
        found, line = of_training(path, cap_quantile)
        networks.setdefault(name, []).append(found)
        key = {"network": name, "mass_gev": mass, "seed": seed}
        whole = {
            "calibration_error": found.error,
            "calibration_noise": found.noise,
            "calibration_offset": line.offset,
            "calibration_offset_error": line.errors[0],
            "calibration_slope": line.slope,
            "calibration_slope_error": line.errors[1],
        }
        bins = zip(*(getattr(found, column) for column in COLUMNS), strict=True)
        rows += [
            {**key, "bin": k, **dict(zip(COLUMNS, map(float, values), strict=True)), **whole}
            for k, values in enumerate(bins)
        ]
    write_csv(rows, output.with_suffix(".csv"), ("network", "mass_gev", "seed", "bin"))
    colour = colours(networks)
    curves = [Calibration(n.replace("_", " "), colour[n], found) for n, found in networks.items()]
    save(calibration_plot(curves, mass), output)


def of_training(path: Path, cap_quantile: float) -> tuple[Reliability, Line]:
    """Return reliability and calibration line of one training, with the loss's weights."""
    table, condenser = ScoreTable(path), Condenser()

    def all_events() -> Iterator[Weighted]:
        for events in table.steps():
            yield events["label"], events["weight"]

    weights = TrainingWeights.fit(all_events, cap_quantile)
    for events in table.steps():
        weight = weights(events["label"], events["weight"]).astype(np.float64)
        condenser.add(events["log_odds"], events["label"], weight)
    test = condenser.result()
    sample = (test.kind == 1, test.weight)
    score = np.exp(-np.logaddexp(0, -test.value))
    bins = reliability(score, *sample, error=test.error)
    return bins, fit_line(test.value, *sample, error=test.error)


if __name__ == "__main__":
    run(main)
