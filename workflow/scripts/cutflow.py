"""Collect the cut flows and N−1 counts of all samples, raw and weighted to the luminosity."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from analysis.datasets.dataset import Dataset, tagged_weight
from analysis.datasets.normalisation import Normalisation
from analysis.figures.n_minus_one import n_minus_one_plot
from analysis.figures.style import save
from analysis.reconstruction.cutflow import B_HADRONS, Step, require_distinct
from common.tables import write_frame
from workflow.pipeline.cli import run


def tag_steps(dataset: Dataset, scale: float) -> list[Step]:
    """Return what each tag category keeps, in generator weights."""
    sums = np.zeros((3, len(dataset.categories)))
    for columns in dataset.column_steps():
        weight = tagged_weight(columns)[:, : len(dataset.categories)] / scale
        sums += [(weight != 0).sum(axis=0), weight.sum(axis=0), (weight**2).sum(axis=0)]
    return [
        Step(f"tags: {name}", int(raw), sum_w, sum_w2)
        for name, (raw, sum_w, sum_w2) in zip(dataset.categories, sums.T.tolist(), strict=True)
    ]


def rows(dataset: Dataset, normalisation: Normalisation, luminosity: float) -> list[dict[str, Any]]:
    """Return the lines of one sample: the reconstruction's steps, then each tag category."""
    scale = luminosity * normalisation.scale
    steps = [*normalisation.steps, *tag_steps(dataset, normalisation.scale)]
    return [
        {
            "sample": normalisation.sample,
            "process": dataset.attributes["process"],
            "step": step.name,
            "raw": step.raw,
            "n_eff": step.n_eff,
            "efficiency": step.sum_w / steps[0].sum_w,
            "events": step.sum_w * scale,
            "error": step.sum_w2**0.5 * scale,
            "cross_section_pb": normalisation.cross_section_pb,
            "skipped_files": len(normalisation.skipped),
        }
        for step in steps
    ]


def n_minus_one_rows(
    normalisation: Normalisation, process: str, luminosity: float
) -> list[dict[str, Any]]:
    """Return what each cut of the reconstruction removes of the events that pass all others.

    The error of the efficiency is the binomial one of the effective events.
    """
    scale, passing, table = luminosity * normalisation.scale, normalisation.steps[-1], []
    for others in normalisation.n_minus_one:
        efficiency = passing.sum_w / others.sum_w if others.sum_w else float("nan")
        variance = max(efficiency * (1 - efficiency), 0.0)
        table.append(
            {
                "sample": normalisation.sample,
                "process": process,
                "cut": others.name,
                "raw": others.raw,
                "n_eff": others.n_eff,
                "events": others.sum_w * scale,
                "events_error": others.sum_w2**0.5 * scale,
                "raw_passing": passing.raw,
                "efficiency": efficiency,
                "efficiency_error": (variance / others.n_eff) ** 0.5 if others.n_eff else None,
            }
        )
    return table


def main(
    samples: Annotated[list[str], typer.Argument(help="Names of the samples.")],
    normalisations: Annotated[Path, typer.Option(help="Folder of the normalisations.")],
    datasets: Annotated[Path, typer.Option(help="Folder of the datasets.")],
    luminosity: Annotated[float, typer.Option(help="Integrated luminosity [fb⁻¹].")],
    output: Annotated[Path, typer.Option(help="CSV file to write.")],
    n_minus_one: Annotated[Path, typer.Option(help="CSV of what each cut alone removes.")],
    figure: Annotated[Path, typer.Option(help="PNG of it to write; PDF goes beside it.")],
) -> None:
    """Write the cut flow and the N−1 table of all samples, and draw the latter."""
    of_sample = [Normalisation.read(normalisations / f"{name}.json") for name in samples]
    # Samples that keep numbers of b hadrons may share files; the configuration was checked for it.
    whole = [one for one in of_sample if B_HADRONS not in [step.name for step in one.steps]]
    require_distinct((one.sample, one.first_events) for one in whole)
    table, removed = [], []
    for one in of_sample:
        dataset = Dataset(datasets / f"{one.sample}.h5")
        table += rows(dataset, one, luminosity)
        removed += n_minus_one_rows(one, str(dataset.attributes["process"]), luminosity)
    write_frame(pd.DataFrame(table), output)
    write_frame(pd.DataFrame(removed), n_minus_one)
    efficiencies: dict[str, list[tuple[float, float]]] = {}
    for row in removed:
        pair = (row["efficiency"], row["efficiency_error"] or 0.0)
        efficiencies.setdefault(row["cut"], []).append(pair)
    save(n_minus_one_plot(efficiencies, samples), figure)


if __name__ == "__main__":
    run(main)
