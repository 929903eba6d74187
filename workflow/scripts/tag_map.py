"""Rule tag_map: the tag map of one process from its event tables, with its closure test."""

from pathlib import Path
from typing import Annotated

import awkward as ak
from pydantic import BaseModel
from typer import Option

from analysis.config.statistics import BTagging
from analysis.normalisation import Normalisation
from analysis.tables import write_json
from analysis.tag_closure import TaggedJets, map_with_closure
from workflow.cli import read_block, run


class SampleEvents(BaseModel):
    """The reconstructed chunks of one sample of the process, and its normalisation."""

    folder: Path
    chunks: list[str]
    normalisation: Path


def main(
    samples: Annotated[str, Option(help="JSON list: folder, chunks, normalisation.")],
    output: Annotated[Path, Option(help="JSON file to write.")],
    process: Annotated[str, Option(help="Name of the process.")],
    btagging: Annotated[str, Option(help="Block `btagging`.")] = "{}",
) -> None:
    """Measure the map and compare it with the truth weights."""
    config = read_block(BTagging, btagging)
    parts = []
    for sample in read_block(list[SampleEvents], samples):
        scale = Normalisation.read(sample.normalisation).scale
        for name in sample.chunks:
            columns = ["fatjet", "subjet", "generator_weight"]
            table = ak.from_parquet(sample.folder / f"{name}.parquet", columns=columns)
            parts.append(TaggedJets.from_table(table, scale, config))
    found, report = map_with_closure(TaggedJets.concatenate(parts), config)
    write_json({"process": process, "closure": report, "map": found.to_json()}, output)


if __name__ == "__main__":
    run(main)
