"""Turn the event tables of one sample into the padded tensors and weights of its dataset."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import typer

from analysis.btagging import tag_weights
from analysis.config.samples import Sample
from analysis.config.statistics import BTagging
from analysis.cutflow import event_scale, merge, read_cutflow
from analysis.dataset import event_key, write_dataset
from analysis.features import (
    CONSTITUENT_FEATURES,
    KINEMATIC_FEATURES,
    SUBJET_FEATURES,
    leading_subjet_flavour,
    tensors,
)
from analysis.files import atomic_path
from workflow.cli import read_block, run


def event_tables(path: Path) -> Iterator[ak.Array]:
    """Yield the row groups of a Parquet file of events; at least one, however empty."""
    with pq.ParquetFile(path) as file:
        for index in range(file.num_row_groups):
            yield ak.from_arrow(file.read_row_group(index))
        if not file.num_row_groups:
            yield ak.from_arrow(file.schema_arrow.empty_table())


def main(
    sample: Annotated[str, typer.Option(help="Sample block: JSON or path of a YAML file.")],
    btagging: Annotated[str, typer.Option(help="BTagging block: JSON or path of a YAML file.")],
    chunks: Annotated[str, typer.Option(help="JSON list of the chunks' names.")],
    events: Annotated[Path, typer.Option(help="Folder of the event tables and cut flows.")],
    output: Annotated[Path, typer.Option(help="HDF5 file to write.")],
    luminosity: Annotated[float, typer.Option(help="Luminosity [fb⁻¹].")] = 3000.0,
    cross_section: Annotated[float, typer.Option(help="σ [pb] of what was generated.")] = 1.0,
    max_constituents: Annotated[int, typer.Option(help="Constituent tokens per fat jet.")] = 50,
    max_subjets: Annotated[int, typer.Option(help="Subjet tokens per fat jet.")] = 6,
) -> None:
    """Write the dataset of one sample."""
    block = read_block(Sample, sample)
    tagging = read_block(BTagging, btagging)
    names = json.loads(chunks)
    cutflow = merge(block.name, [read_cutflow(events / f"{name}.cutflow.json") for name in names])
    scale = event_scale(luminosity, cross_section, block.k_factor, cutflow.generated.sum_w)

    def parts() -> Iterator[dict[str, np.ndarray]]:
        for name in names:
            for table in event_tables(events / f"{name}.parquet"):
                key = event_key(block.name, name, ak.to_numpy(table["entry"]))
                tag_weight = tag_weights(leading_subjet_flavour(table), tagging, key)
                yield {
                    **tensors(table, max_constituents, max_subjets),
                    "key": key,
                    "weight": ak.to_numpy(table["generator_weight"]) * scale,
                    "tag_weight": tag_weight,
                }

    with atomic_path(output) as temporary:
        write_dataset(
            temporary,
            parts(),
            {
                "sample": block.name,
                "process": block.process,
                "label": block.label,
                "mass_gev": block.mass_gev or 0.0,
                "categories": list(tagging.categories),
                "constituent_features": CONSTITUENT_FEATURES,
                "subjet_features": SUBJET_FEATURES,
                "kinematic_features": KINEMATIC_FEATURES,
            },
        )


if __name__ == "__main__":
    run(main)
