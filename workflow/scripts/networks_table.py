"""Rule networks_table: what each network is and does, one row per network and mass."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from typer import Option

from common.tables import read_csv, read_json, write_csv
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
                **_over_seeds("best_epoch", epochs),
                **{k: v for name in MEASURED for k, v in _column(name, rows).items()},
                **{k: v for name in CALIBRATION for k, v in _column(name, bins).items()},
            }
        )
    write_csv(table, output, ("network", "mass_gev"))


def _column(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    found = _over_seeds(name, [row[name] for row in rows])
    errors = [row[f"{name}_error"] for row in rows if row.get(f"{name}_error") is not None]
    return found | ({f"{name}_error": float(np.median(errors))} if errors else {})


def _over_seeds(name: str, values: list[Any]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    if not known:
        return dict.fromkeys((f"{name}_median", f"{name}_min", f"{name}_max"))
    return {
        f"{name}_median": float(np.median(known)),
        f"{name}_min": float(min(known)),
        f"{name}_max": float(max(known)),
    }


if __name__ == "__main__":
    run(main)
