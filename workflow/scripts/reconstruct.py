"""Reconstruct one Delphes file: ROOT in, Parquet table of selected events and cut flow out."""

import json
from pathlib import Path
from typing import Annotated

import typer

from analysis.config.reconstruction import BHadrons, Reconstruction
from analysis.delphes.reader import first_event
from analysis.reconstruction.event_table import write_empty
from analysis.reconstruction.reconstruct import no_counts, reconstruct_file
from common.errors import InputFileError, NormalisationError
from common.files import atomic_path
from workflow.pipeline.cli import limit_memory, read_block, run

MEMORY_BYTES = 8 * 2**30  # a length in a damaged file shall not take the machine's memory


def main(
    file: Annotated[str, typer.Argument(help="Delphes ROOT file, a path or a URL.")],
    events: Annotated[Path, typer.Option(help="Parquet file to write.")],
    cutflow: Annotated[Path, typer.Option(help="JSON file to write.")],
    sample: Annotated[str, typer.Option(help="Name of the sample.")],
    chunk: Annotated[str, typer.Option(help="Number of the file in its sample.")] = "0",
    config: Annotated[
        str, typer.Option(help="Reconstruction block, inline JSON or a YAML file.")
    ] = "{}",
    b_hadrons: Annotated[
        str | None, typer.Option(help="Range of b hadrons kept: JSON or a YAML file; all if none.")
    ] = None,
) -> None:
    """Reconstruct one Delphes file."""
    block = read_block(Reconstruction, config)
    b_hadron_range = read_block(BHadrons, b_hadrons) if b_hadrons else None
    status, reason, first = "read", "", ""
    with atomic_path(events) as table, atomic_path(cutflow) as record:
        try:
            flow = reconstruct_file(file, table, block, b_hadron_range)
            first = first_event(file, block.branches)
        except (InputFileError, NormalisationError) as error:
            if block.on_bad_file == "fail":
                raise
            status, reason = "skipped", str(error)
            flow = no_counts(b_hadron_range)
            write_empty(table, block)
        content = {
            "sample": sample,
            "chunk": chunk,
            "file": file,
            "status": status,
            "reason": reason,
            "first_event": first,
            "weights": flow.weights if flow.weights[1] else None,
            **flow.to_json(),
        }
        record.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    limit_memory(MEMORY_BYTES)
    run(main)
