"""Rule closure: whether a reweighted sample looks like that of the other generator."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from typer import Argument, Option

from analysis.datasets.dataset import Dataset, tagged_weight
from analysis.evaluation.calibration import Reliability
from analysis.evaluation.closure import (
    Agreement,
    Events,
    agreement,
    bin_edges,
    separation,
    shape_rows,
)
from analysis.evaluation.observables import PAIR, POINTS, observables
from common.columns import Columns
from common.errors import InputFileError
from common.tables import origin_of, write_csv
from workflow.pipeline.cli import run

KEYS = ("reweighting", "classifier", "observable", "jet")


def main(
    weights: Annotated[Path, Argument(help="Table of rule reweight.")],
    nominal: Annotated[Path, Option(help="Dataset of the nominal sample.")],
    alternative: Annotated[Path, Option(help="Dataset of the alternative sample.")],
    output: Annotated[Path, Option(help="CSV to write: one row per observable.")],
    shapes: Annotated[Path, Option(help="CSV to write: one row per observable and bin.")],
    calibration: Annotated[Path, Option(help="CSV to write: one row per bin of the score.")],
) -> None:
    """Compare before and after, in observables that the classifier may not have seen."""
    table, origin = pd.read_parquet(weights), origin_of(weights)
    key = {name: origin[name] for name in ("reweighting", "classifier", "sample")}
    chosen = (table["sample"] == origin["sample"]) & ~table["alternative"]
    rows = [table[chosen], table[table["alternative"]]]
    files = (nominal, alternative)
    values = [of_sample(path, part, weights) for path, part in zip(files, rows, strict=True)]
    both = pd.concat(rows)
    classes = (both[name].to_numpy() for name in ("log_odds", "weight", "factor", "alternative"))
    curve, whole = separation(*classes)
    whole["spread"] = float(np.sqrt(np.average(both["spread"] ** 2, weights=both["weight"])))
    whole |= {name: origin[name] for name in ("yield_ratio", "yield_ratio_error", "mean")}
    closure: list[dict[str, Any]] = []
    bins: list[dict[str, Any]] = []
    for name in values[0]:
        before, after, target = samples(rows, [value[name] for value in values])
        edges = bin_edges([before, after, target])
        found = {
            when: agreement(sample, target, edges)
            for when, sample in (("before", before), ("after", after))
        }
        observable, jet = (name, 0) if name in PAIR else name.rsplit("_", 1)
        of_observable = key | {"observable": observable, "jet": int(jet)}
        points = {"points": POINTS.get(observable, 0), "bins": len(edges) - 1}
        closure.append(of_observable | points | columns(found) | whole)
        shares = {"nominal": before, "reweighted": after, "alternative": target}
        bins += [of_observable | row for row in shape_rows(shares, edges)]
    write_csv(closure, output, KEYS)
    write_csv(bins, shapes, (*KEYS, "bin"))
    write_csv([key | row for row in reliability_rows(curve)], calibration, ("bin",))


def of_sample(path: Path, rows: pd.DataFrame, weights: Path) -> Columns:
    """Return the observables of the events of a dataset that the table has, in its order."""
    data, parts, keys = Dataset(path), [], []
    features = [str(name) for name in data.attributes["constituent_features"]]
    for tensors, events in data.steps():
        chosen = (tagged_weight(events) != 0).any(axis=1)
        parts.append(observables({n: a[chosen] for n, a in tensors.items()}, features))
        keys.append(events["key"][chosen])
    if not np.array_equal(np.concatenate(keys), rows["key"]):
        raise InputFileError(f"{weights} has other events than {path}: run rule reweight again")
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def samples(rows: list[pd.DataFrame], values: list[np.ndarray]) -> tuple[Events, Events, Events]:
    """Return the nominal events before and after reweighting, and the alternative ones."""
    (one, other), (value, target) = rows, values
    weight, fold = one["weight"].to_numpy(), one["fold"].to_numpy()
    return (
        Events(value, weight, fold),
        Events(value, weight * one["factor"].to_numpy(), fold),
        Events(target, other["weight"].to_numpy(), other["fold"].to_numpy()),
    )


def columns(found: dict[str, Agreement]) -> dict[str, float]:
    """Return the columns of the agreement before and after."""
    parts = {"chi2": "chi2", "ndf": "ndf", "p": "p_value"}
    return {
        f"{name}_{when}": getattr(one, attribute)
        for when, one in found.items()
        for name, attribute in parts.items()
    }


def reliability_rows(curve: Reliability) -> list[dict[str, float]]:
    """Return a row per bin of the score."""
    names = list(vars(curve))
    values = zip(*(getattr(curve, name).tolist() for name in names), strict=True)
    return [{"bin": k, **dict(zip(names, row, strict=True))} for k, row in enumerate(values)]


if __name__ == "__main__":
    run(main)
