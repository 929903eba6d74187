"""Collect the cut flows of all samples into one table, raw and weighted to the luminosity."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from analysis.datasets.dataset import Dataset, tagged_weight
from analysis.datasets.normalisation import Normalisation
from analysis.reconstruction.cutflow import STRATUM, Step, require_distinct
from common.tables import write_frame
from workflow.pipeline.cli import run


def tag_steps(dataset: Dataset, scale: float) -> list[Step]:
    """Return what each tag category keeps, in generator weights."""
    sums = np.zeros((3, len(dataset.categories)))
    for columns in dataset.column_steps():
        weight = tagged_weight(columns) / scale
        sums += [(weight != 0).sum(axis=0), weight.sum(axis=0), (weight**2).sum(axis=0)]
    return [
        Step(f"tags: {name}", int(raw), sum_w, sum_w2)
        for name, (raw, sum_w, sum_w2) in zip(dataset.categories, sums.T.tolist(), strict=True)
    ]


def rows(dataset: Dataset, found: Normalisation, luminosity: float) -> list[dict[str, Any]]:
    """Return the lines of one sample: the reconstruction's steps, then each tag category."""
    scale = luminosity * found.scale
    steps = [*found.steps, *tag_steps(dataset, found.scale)]
    return [
        {
            "sample": found.sample,
            "process": dataset.attributes["process"],
            "step": step.name,
            "raw": step.raw,
            "n_eff": step.n_eff,
            "efficiency": step.sum_w / steps[0].sum_w,
            "events": step.sum_w * scale,
            "error": step.sum_w2**0.5 * scale,
            "cross_section_pb": found.cross_section_pb,
            "skipped_files": len(found.skipped),
        }
        for step in steps
    ]


def main(
    samples: Annotated[list[str], typer.Argument(help="Names of the samples.")],
    normalisations: Annotated[Path, typer.Option(help="Folder of the normalisations.")],
    datasets: Annotated[Path, typer.Option(help="Folder of the datasets.")],
    luminosity: Annotated[float, typer.Option(help="Integrated luminosity [fb⁻¹].")],
    output: Annotated[Path, typer.Option(help="CSV file to write.")],
) -> None:
    """Write the cut flow table of all samples."""
    found = [Normalisation.read(normalisations / f"{name}.json") for name in samples]
    # Samples that keep numbers of b hadrons may share files; the configuration was checked for it.
    whole = [one for one in found if STRATUM not in [step.name for step in one.steps]]
    require_distinct((one.sample, one.first_events) for one in whole)
    table = []
    for one in found:
        table += rows(Dataset(datasets / f"{one.sample}.h5"), one, luminosity)
    write_frame(pd.DataFrame(table), output)


if __name__ == "__main__":
    run(main)
