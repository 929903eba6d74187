"""Rule subjet_scan: subjets of several algorithms and radii in the Higgs jets of one signal."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from analysis.config.reconstruction import Reconstruction, SubjetScan
from analysis.evaluation.subjet_scan import COLUMNS, scan
from analysis.figures.style import save
from analysis.figures.subjet_scan import subjet_scan_plot
from common.tables import write_csv
from workflow.pipeline.cli import read_block, run
from workflow.pipeline.signal_jets import read_higgs_jets


def main(
    files: Annotated[list[str], Argument(help="Delphes ROOT files, paths or URLs.")],
    config: Annotated[str, Option(help="Reconstruction block: JSON or path of a YAML file.")],
    scan_block: Annotated[
        str, Option("--scan", help="SubjetScan block: JSON or path of a YAML file.")
    ],
    mass: Annotated[float, Option(help="m_H [GeV].")],
    output: Annotated[Path, Option(help="PNG to write; PDF and CSV go beside it.")],
) -> None:
    """Scan algorithms and radii, as a table and a figure."""
    block, wanted = read_block(Reconstruction, config), read_block(SubjetScan, scan_block)
    rows = scan(read_higgs_jets(files, block, wanted.events), block.subjets, wanted)
    table = [{"mass_gev": mass, **row} for row in rows]
    write_csv(table, output.with_suffix(".csv"), ("mass_gev", *COLUMNS[:2]))
    save(subjet_scan_plot(rows, mass), output)


if __name__ == "__main__":
    run(main)
