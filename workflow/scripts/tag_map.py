"""Rule tag_map: the tag map of one process from its event tables, with its closure test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel
from typer import Option

from analysis.config.statistics import BTagging
from analysis.datasets.normalisation import Normalisation
from analysis.datasets.tag_closure import TaggedJets, map_with_closure, whole_map
from analysis.reconstruction.event_table import event_tables
from common.tables import write_json
from workflow.pipeline.cli import read_block, run

COLUMNS = ("fatjet", "subjet", "generator_weight")


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
    members = [
        (sample, Normalisation.read(sample.normalisation).scale)
        for sample in read_block(list[SampleEvents], samples)
    ]

    def jets(config: BTagging = config) -> Iterator[TaggedJets]:
        for sample, scale in members:
            for name in sample.chunks:
                for table in event_tables(sample.folder / f"{name}.parquet", COLUMNS):
                    yield TaggedJets.from_table(table, scale, config)

    tag_map, report = map_with_closure(jets, config)
    varied = config.variations.items()
    variations = {name: whole_map(jets(block), block).to_json() for name, block in varied}
    content = {"process": process, "closure": report, "map": tag_map.to_json()}
    write_json(content | {"variations": variations}, output)


if __name__ == "__main__":
    run(main)
