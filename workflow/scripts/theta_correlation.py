"""Rule theta_correlation: the correlation of the orientation angle θ with other variables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from typer import Argument, Option

from analysis.datasets.dataset import Dataset, tagged_weight
from analysis.evaluation.correlation import Moments, on_circle
from analysis.figures.correlation import correlation_plot
from analysis.figures.style import PROCESS_LABELS, save
from common.features import KINEMATIC_FEATURES
from common.tables import write_csv
from workflow.pipeline.cli import run
from workflow.pipeline.groups import groups

JETS = ("1", "2")
SYMBOLS = {
    "theta": r"\theta", "mass": "m", "pt": "p_T", "eta": r"\eta", "phi": r"\phi",
    "constituents": r"n_\mathrm{const}", "subjets": r"n_\mathrm{sub}",
}  # fmt: skip
LABELS = {
    f"{name}_{jet}": rf"${symbol}$({jet})" for name, symbol in SYMBOLS.items() for jet in JETS
} | {"mass_H": "$m$(H)", "pt_H": "$p_T$(H)"}
ANGLES = {"theta": np.pi, "phi": 2 * np.pi}
SIZES = {name: 2 if name.split("_")[0] in ANGLES else 1 for name in LABELS}


def quantity(name: str, tensors: dict[str, np.ndarray]) -> np.ndarray:
    """Return a quantity [N] of the events, an angle as points on the circle [N, 2]."""
    kind, _, token = name.partition("_")
    index = (*JETS, "H").index(token)
    if kind in ("constituents", "subjets"):
        return np.asarray(tensors[f"{kind[:-1]}_mask"][:, index].sum(axis=1), dtype=float)
    value = tensors["kinematics"][:, index, KINEMATIC_FEATURES.index(kind)].astype(float)
    return on_circle(value, ANGLES[kind]) if kind in ANGLES else value


def moments(datasets: Sequence[Dataset]) -> Moments:
    """Return the covariances of all quantities, with the weights after b tags."""
    sums = Moments(SIZES)
    for data in datasets:
        for tensors, columns in data.steps():
            weight = tagged_weight(columns)[:, 0]
            sums.add([quantity(name, tensors) for name in LABELS], weight)
    return sums


def main(
    datasets: Annotated[list[Path], Argument(help="Datasets of all samples.")],
    output: Annotated[Path, Option(help="PNG to write; PDF and CSV go beside it.")],
) -> None:
    """Draw the canonical correlation of both orientation angles with every other quantity."""
    curves = {
        name: moments(members) for name, members in groups([Dataset(d) for d in datasets]).items()
    }
    thetas = [f"theta_{jet}" for jet in JETS]
    rows = [
        {
            "angle": theta,
            "curve": PROCESS_LABELS.get(curve, curve),
            "with": name,
            "correlation": float("nan") if name == theta else sums.correlation(theta, name),
            "by_chance": sums.by_chance(theta, name),
            "n_eff": sums.n_eff,
        }
        for theta in thetas
        for curve, sums in curves.items()
        for name in LABELS
    ]
    write_csv(rows, output.with_suffix(".csv"), ("angle", "curve", "with"))
    shape = (len(thetas), len(curves), len(LABELS))
    values, chance = (
        np.array([row[column] for row in rows]).reshape(shape)
        for column in ("correlation", "by_chance")
    )
    names = [PROCESS_LABELS.get(curve, curve) for curve in curves]
    titles = [LABELS[theta] for theta in thetas]
    save(correlation_plot(values, chance, names, list(LABELS.values()), titles), output)


if __name__ == "__main__":
    run(main)
