"""Rule top_tagging: one public top-tagging file as tensors of single jets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from analysis.config.reconstruction import Subjets
from analysis.datasets.dataset import event_key
from analysis.datasets.single_jets import jet_tensors, write_jets
from analysis.datasets.top_tagging import read_jets
from common.errors import InputFileError
from workflow.pipeline.cli import read_block, run

STEP = 10_000
"""Jets in memory at a time."""


def main(
    file: Annotated[Path, typer.Argument(help="A file in the reference layout.")],
    subjets: Annotated[str, typer.Option(help="Subjets block: JSON or path of a YAML file.")],
    max_constituents: Annotated[int, typer.Option(help="Leading constituents of a jet.")],
    split: Annotated[str, typer.Option(help="Split: train, validation or test.")],
    output: Annotated[Path, typer.Option(help="HDF5 file to write.")],
    max_jets: Annotated[int | None, typer.Option(help="Jets to read; all if absent.")] = None,
) -> None:
    """Write the tensors and labels of one file."""
    block = read_block(Subjets, subjets)

    def parts() -> Iterator[dict[str, np.ndarray]]:
        start, last = 0, max_jets or np.iinfo(np.int64).max
        while start < last:
            constituents, label = read_jets(file, start, min(start + STEP, int(last)))
            if not len(label):
                break
            yield {
                **jet_tensors(constituents, block, max_constituents),
                "key": event_key("top_tagging", split, start + np.arange(len(label))),
                "label": label,
            }
            start += STEP
        if not start:
            raise InputFileError(f"{file} holds no jet; take another file")

    write_jets(output, parts(), split, "top_tagging", ("background", "signal"))


if __name__ == "__main__":
    run(main)
