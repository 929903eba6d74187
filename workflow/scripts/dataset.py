"""Turn the event tables of one sample into the padded tensors and weights of its dataset."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import awkward as ak
import numpy as np
import typer

from analysis.config.samples import Sample
from analysis.config.statistics import BTagging
from analysis.datasets.dataset import event_key, write_dataset
from analysis.datasets.event_weights import column_names, physical_weight, tag_columns
from analysis.datasets.features import tensors
from analysis.datasets.normalisation import Normalisation
from analysis.datasets.tag_map import NOMINAL, read_maps, table_tag_weights
from analysis.reconstruction.event_table import event_tables
from common.features import (
    CONSTITUENT_FEATURES,
    DISPLACEMENT_FEATURES,
    KINEMATIC_FEATURES,
    OBJECT_FEATURES,
    SUBJET_FEATURES,
)
from common.files import atomic_path
from workflow.pipeline.cli import read_block, run


def main(
    sample: Annotated[str, typer.Option(help="Sample block: JSON or path of a YAML file.")],
    btagging: Annotated[str, typer.Option(help="BTagging block: JSON or path of a YAML file.")],
    chunks: Annotated[str, typer.Option(help="JSON list of the chunks' names.")],
    events: Annotated[Path, typer.Option(help="Folder of the event tables.")],
    normalisation: Annotated[Path, typer.Option(help="JSON file of rule normalise.")],
    output: Annotated[Path, typer.Option(help="HDF5 file to write.")],
    tag_map: Annotated[
        Path | None, typer.Option(help="JSON file of rule tag_map; truth or cuts if absent.")
    ] = None,
    max_constituents: Annotated[int, typer.Option(help="Constituent tokens per fat jet.")] = 50,
    max_subjets: Annotated[int, typer.Option(help="Subjet tokens per fat jet.")] = 6,
    impact_parameters: Annotated[
        bool, typer.Option("--impact-parameters", help="Whether the tables have those of tracks.")
    ] = False,
    max_objects: Annotated[int, typer.Option(help="Tokens of the whole event; 0: none.")] = 0,
) -> None:
    """Write the dataset of one sample."""
    block = read_block(Sample, sample)
    tagging = read_block(BTagging, btagging)
    scale = Normalisation.read(normalisation).scale
    maps = read_maps(tag_map) if tag_map else {}
    displacement = DISPLACEMENT_FEATURES if impact_parameters else ()

    def parts() -> Iterator[dict[str, np.ndarray]]:
        for name in json.loads(chunks):
            for table in event_tables(events / f"{name}.parquet"):
                key = event_key(block.name, name, ak.to_numpy(table["entry"]))
                yield {
                    **tensors(table, max_constituents, max_subjets, max_objects),
                    "key": key,
                    "weight": physical_weight(ak.to_numpy(table["generator_weight"]), scale),
                    "tag_weight": tag_columns(
                        table_tag_weights(table, tagging, key, maps.get(NOMINAL)),
                        {
                            name: table_tag_weights(table, varied, key, maps.get(name))
                            for name, varied in tagging.variations.items()
                        },
                        tagging,
                    ),
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
                "weights": column_names(tagging),
                "constituent_features": CONSTITUENT_FEATURES + displacement,
                "subjet_features": SUBJET_FEATURES,
                "kinematic_features": KINEMATIC_FEATURES,
                **({"object_features": OBJECT_FEATURES + displacement} if max_objects else {}),
            },
        )


if __name__ == "__main__":
    run(main)
