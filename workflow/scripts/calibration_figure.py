"""Rule calibration_figure: whether the scores of all networks of one signal are probabilities."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from typer import Argument, Option

from analysis.calibration import Reliability, reliability
from analysis.figures.calibration import Calibration, calibration_plot
from analysis.figures.style import colours, save
from analysis.scores import read_scores
from analysis.tables import write_csv
from analysis.training_weights import training_weights
from common.logistic import Line, fit_line
from workflow.cli import run

COLUMNS = ("score", "fraction", "low", "high", "spread", "weight", "n_eff")


def main(
    scores: Annotated[list[Path], Argument(help="Scores, …/{network}/{signal}/{seed}.parquet.")],
    mass: Annotated[float, Option(help="m_H [GeV].")],
    cap_quantile: Annotated[float, Option(help="Quantile that caps background weights.")],
    output: Annotated[Path, Option(help="Figure to write, without suffix; and its CSV.")],
) -> None:
    """Compare score and share of signal of the test events, weighted as in the training."""
    networks: dict[str, list[Reliability]] = {}
    rows: list[dict[str, Any]] = []
    for path in scores:
        name, seed = path.parent.parent.name, int(path.stem)
        found, line = of_test_events(path, cap_quantile)
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
    write_csv(rows, output.with_name(f"{output.name}.csv"), ("network", "mass_gev", "seed", "bin"))
    colour = colours(networks)
    curves = [Calibration(n.replace("_", " "), colour[n], found) for n, found in networks.items()]
    save(calibration_plot(curves, mass), output)


def of_test_events(path: Path, cap_quantile: float) -> tuple[Reliability, Line]:
    """Return reliability and calibration line of one training, with the loss's weights."""
    test = read_scores(path)["test"]
    weight = training_weights(test.signal.astype(np.uint8), test.weight, cap_quantile)
    sample = (test.signal, weight.astype(np.float64))
    score = np.exp(-np.logaddexp(0, -test.log_odds))
    return reliability(score, *sample), fit_line(test.log_odds, *sample)


if __name__ == "__main__":
    run(main)
