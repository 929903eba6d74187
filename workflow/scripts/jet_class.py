"""Rule jet_class: public JetClass files of one split as tensors of single jets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from analysis.config.reconstruction import Subjets
from analysis.datasets.dataset import event_key
from analysis.datasets.jet_class import CLASSES, Jets, read_jets
from analysis.datasets.single_jets import jet_tensors, write_jets
from common.errors import EmptySampleError
from workflow.pipeline.cli import read_block, run


def main(
    files: Annotated[list[Path], typer.Argument(help="Files in the JetClass layout.")],
    subjets: Annotated[str, typer.Option(help="Subjets block: JSON or path of a YAML file.")],
    max_constituents: Annotated[int, typer.Option(help="Leading constituents of a jet.")],
    split: Annotated[str, typer.Option(help="Split: train, validation or test.")],
    output: Annotated[Path, typer.Option(help="HDF5 file to write.")],
    max_jets: Annotated[int | None, typer.Option(help="Jets of a file; all if absent.")] = None,
) -> None:
    """Write the tensors and labels of all files, a part of each in turn."""
    block, seen = read_block(Subjets, subjets), np.zeros(len(CLASSES), np.int64)

    def in_turn() -> Iterator[tuple[Path, int, Jets]]:
        open_files = {path: (read_jets(path, most=max_jets), 0) for path in files}
        while open_files:
            for path, (jets, start) in list(open_files.items()):
                part = next(jets, None)
                if part is None:
                    del open_files[path]
                    continue
                open_files[path] = jets, start + len(part)
                yield path, start, part

    def parts() -> Iterator[dict[str, np.ndarray]]:
        for path, start, jets in in_turn():
            seen[:] += np.bincount(jets.label, minlength=len(CLASSES))
            count = np.arange(len(jets))
            chunk = f"{split}/{files.index(path)}_{path.name}"  # folders may hold equal names
            yield {
                **jet_tensors(jets.constituents, block, max_constituents, jets.charge, jets.kind),
                "key": event_key("jet_class", chunk, start + count),
                "label": jets.label,
            }
        missing = [name for name, number in zip(CLASSES, seen, strict=True) if not number]
        if missing:
            raise EmptySampleError(
                f"jets.jet_class.{split}: no jet of the class {', '.join(missing)} in "
                f"{len(files)} files; give files of all ten classes"
            )

    write_jets(output, parts(), split, "jet_class", CLASSES)


if __name__ == "__main__":
    run(main)
