"""Collect the cut flows of all samples into one table, raw and weighted to the luminosity."""

import json
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from analysis.config.samples import Sample
from analysis.cutflow import Cutflow, Step, event_scale, merge, read_cutflow
from analysis.dataset import Dataset
from analysis.files import atomic_path
from workflow.cli import read_block, run


def rows(sample: Sample, cutflow: Cutflow, dataset: Dataset, scale: float) -> list[dict]:
    """Return the lines of one sample: the reconstruction's steps, then each tag category."""
    steps = list(cutflow.steps)
    weights = dataset.columns["weight"][:, None] * dataset.columns["tag_weight"] / scale
    for name, weight in zip(dataset.attributes["categories"], weights.T, strict=True):
        tagged = weight[weight != 0]
        steps.append(Step(f"tags: {name}", len(tagged), tagged.sum(), (tagged**2).sum()))
    return [
        {
            "sample": sample.name,
            "process": sample.process,
            "step": step.name,
            "raw": step.raw,
            "n_eff": step.n_eff,
            "efficiency": step.sum_w / cutflow.generated.sum_w,
            "events": step.sum_w * scale,
            "error": step.sum_w2**0.5 * scale,
            "skipped_files": len(cutflow.skipped),
        }
        for step in steps
    ]


def main(
    samples: Annotated[str, typer.Option(help="JSON list of Sample blocks.")],
    chunks: Annotated[str, typer.Option(help="JSON: the chunks' names of each sample.")],
    cross_sections: Annotated[str, typer.Option(help="JSON: σ [pb] of each sample.")],
    events: Annotated[Path, typer.Option(help="Folder of the event tables and cut flows.")],
    datasets: Annotated[Path, typer.Option(help="Folder of the datasets.")],
    output: Annotated[Path, typer.Option(help="CSV file to write.")],
    luminosity: Annotated[float, typer.Option(help="Luminosity [fb⁻¹].")] = 3000.0,
) -> None:
    """Write the cut flow table of all samples."""
    names, sigmas = json.loads(chunks), json.loads(cross_sections)
    table = []
    for sample in read_block(tuple[Sample, ...], samples):
        folder = events / sample.name
        parts = [read_cutflow(folder / f"{name}.cutflow.json") for name in names[sample.name]]
        cutflow = merge(sample.name, parts)
        scale = event_scale(
            luminosity, sigmas[sample.name], sample.k_factor, cutflow.generated.sum_w
        )
        table += rows(sample, cutflow, Dataset(datasets / f"{sample.name}.h5"), scale)
    with atomic_path(output) as temporary:
        pd.DataFrame(table).to_csv(temporary, index=False, float_format="%.6g")


if __name__ == "__main__":
    run(main)
