"""Rule jet_images: mean images of the leading fat jet, before and after orientation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from typer import Argument, Option

from analysis.datasets.dataset import Dataset, tagged_weight
from analysis.evaluation.jet_images import EDGES, FRAMES, summed_image
from analysis.figures.jet_images import jet_images_plot
from analysis.figures.style import PROCESS_LABELS, save
from common.tables import write_frame
from workflow.pipeline.cli import run
from workflow.pipeline.groups import groups


def mean_image(datasets: Sequence[Dataset], frame: str) -> np.ndarray:
    """Return the mean image of leading fat jets, with the weights after b tags."""
    total, sum_of_weights = np.zeros((len(EDGES) - 1, len(EDGES) - 1)), 0.0
    for data in datasets:
        for tensors, columns in data.steps():
            constituents, mask = (
                tensors[name][:, 0] for name in ("constituents", "constituent_mask")
            )
            weight = tagged_weight(columns)[:, 0]
            total += summed_image(constituents, mask, weight, frame)
            sum_of_weights += float(weight.sum())
    return total / sum_of_weights if sum_of_weights else total


def main(
    datasets: Annotated[list[Path], Argument(help="Datasets of all samples.")],
    output: Annotated[Path, Option(help="PNG to write; PDF and CSV go beside it.")],
) -> None:
    """Draw the mean images of each signal and process in both frames."""
    curves = groups([Dataset(path) for path in datasets])
    images = {
        frame: np.array([mean_image(members, frame) for members in curves.values()])
        for frame in FRAMES
    }
    names = [PROCESS_LABELS.get(name, name) for name in curves]
    eta, phi = (grid.ravel() for grid in np.meshgrid(EDGES[:-1], EDGES[:-1], indexing="ij"))
    rows = pd.concat(
        pd.DataFrame(
            {"frame": frame, "curve": name, "eta_low": eta, "phi_low": phi, "fraction": image.flat}
        )
        for frame, stack in images.items()
        for name, image in zip(names, stack, strict=True)
    )
    write_frame(rows, output.with_suffix(".csv"), 4)
    save(jet_images_plot(images["detector"], images["oriented"], EDGES, names), output)


if __name__ == "__main__":
    run(main)
