"""Rule networks_table: what each network is and does, one row per network and mass."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from typer import Option

from common.tables import over_seeds, read_csv, read_json, seed_columns, write_csv
from workflow.pipeline.cli import run

MEASURED = ("auc", "rejection_30", "rejection_50", "rejection_80")

CALIBRATION = (
    "calibration_error",
    "calibration_noise",
    "calibration_offset",
    "calibration_slope",
)


def main(
    metrics: Annotated[Path, Option(help="Table of rule metrics_table.")],
    model: Annotated[list[Path], Option(help="model.json of all trainings.")],
    calibration: Annotated[list[Path], Option(help="Tables of rule calibration, all trainings.")],
    output: Annotated[Path, Option(help="CSV: one row per network × mass.")],
) -> None:
    """Join size, best epochs, metrics and calibration; median and range over the seeds."""
    calibrated = [read_csv(path)[0] for path in calibration]
    models: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for training in map(read_json, model):
        for mass in training["masses_gev"]:
            models.setdefault((training["network"]["name"], mass), []).append(training)
    measured, table = read_csv(metrics), []
    for (network, mass), trainings in models.items():
        key = {"network": network, "mass_gev": mass}
        rows, bins = (
            [row for row in rows if key.items() <= row.items()] for rows in (measured, calibrated)
        )
        epochs = [training["best_epoch"] for training in trainings]
        table.append(
            {
                **key,
                "architecture": trainings[0]["network"]["architecture"],
                "parameters": trainings[0]["parameters"],
                "seeds": len({training["seed"] for training in trainings}),
                **seed_columns("best_epoch", epochs),
                **{k: v for name in MEASURED for k, v in _column(name, rows).items()},
                **{k: v for name in CALIBRATION for k, v in _column(name, bins).items()},
            }
        )
    write_csv(table, output, ("network", "mass_gev"))


def _column(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    summary: dict[str, Any] = seed_columns(name, [row[name] for row in rows])
    error = float(over_seeds([row.get(f"{name}_error") for row in rows]).median)
    return summary if np.isnan(error) else summary | {f"{name}_error": error}


if __name__ == "__main__":
    run(main)
