"""Rule subjet_tree: the minimum spanning tree and the dendrogram of one Higgs jet."""

from pathlib import Path
from typing import Annotated

import awkward as ak
import numpy as np
from typer import Argument, Option

from analysis.config.reconstruction import Reconstruction, SubjetScan
from analysis.evaluation.subjet_scan import dendrogram_lines, spanning_tree
from analysis.figures.style import save
from analysis.figures.subjet_tree import subjet_tree_plot
from analysis.reconstruction.subjets import density_labels
from common.angles import delta_phi
from common.tables import write_csv
from workflow.pipeline.cli import read_block, run
from workflow.pipeline.signal_jets import read_higgs_jets

COLUMNS = ("first", "second", "distance")


def main(
    files: Annotated[list[str], Argument(help="Delphes ROOT files, paths or URLs.")],
    config: Annotated[str, Option(help="Reconstruction block: JSON or path of a YAML file.")],
    scan: Annotated[str, Option(help="SubjetScan block: JSON or path of a YAML file.")],
    mass: Annotated[float, Option(help="m_H [GeV].")],
    output: Annotated[Path, Option(help="PNG to write; PDF and CSV go beside it.")],
) -> None:
    """Draw the leading constituents of the first Higgs jet; list the edges of its tree."""
    block = read_block(Reconstruction, config)
    jet = read_higgs_jets(files, block, read_block(SubjetScan, scan).events)[0]

    def about_axis(objects: ak.Array) -> np.ndarray:
        phi = delta_phi(ak.to_numpy(objects["phi"]).astype(np.float64), jet["phi"])
        return np.column_stack([ak.to_numpy(objects["eta"]).astype(np.float64) - jet["eta"], phi])

    constituents = jet["constituent"][: block.max_constituents]
    points, pt = about_axis(constituents), ak.to_numpy(constituents["pt"]).astype(np.float64)
    size = block.subjets.min_cluster_size
    tree = spanning_tree(points, size)
    rows = [dict(zip(COLUMNS, (int(i), int(j), d), strict=True)) for i, j, d in tree]
    write_csv(rows, output.with_suffix(".csv"), COLUMNS)
    figure = subjet_tree_plot(
        points,
        pt,
        density_labels(points, size, block.subjets.cut),
        tree,
        dendrogram_lines(tree, pt),
        about_axis(jet["hadron"]),
        rf"$m_H={mass:g}$ GeV, jet of $p_T={jet['pt']:.0f}$, $m={jet['mass']:.0f}$ GeV",
    )
    save(figure, output)


if __name__ == "__main__":
    run(main)
