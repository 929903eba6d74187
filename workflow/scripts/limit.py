"""Rule limit: the upper limit of one network, signal and seed, from its scores."""

from pathlib import Path
from typing import Annotated

from typer import Option

from analysis.config.statistics import Limits, WorkingPoint
from analysis.limits import Normalisation, limit_row, scan_background_events
from analysis.scores import read_scores
from analysis.tables import write_json
from workflow.cli import read_block, run


def main(
    scores: Annotated[Path, Option(help="Parquet table of scores.")],
    output: Annotated[Path, Option(help="JSON file to write: the row and the scan.")],
    network: Annotated[str, Option(help="Name of the network.")],
    mass: Annotated[float, Option(help="m_H [GeV].")],
    seed: Annotated[int, Option(help="Seed of the training.")],
    luminosity: Annotated[float, Option(help="Integrated luminosity [fb⁻¹].")] = 3000.0,
    branching_ratio: Annotated[float, Option(help="BR(h → bb̄).")] = 0.582,
    working_point: Annotated[str, Option(help="Block `working_point`.")] = "{}",
    limits: Annotated[str, Option(help="Block `limits`.")] = "{}",
) -> None:
    """Find the working point on validation events, count test events, set the limit."""
    point, config = read_block(WorkingPoint, working_point), read_block(Limits, limits)
    norm = Normalisation(luminosity, branching_ratio)
    split = read_scores(scores)
    key = {"network": network, "mass_gev": mass, "seed": seed}
    scan = [key | row for row in scan_background_events(split, norm, point, config)]
    write_json({"limit": key | limit_row(split, norm, point, config), "scan": scan}, output)


if __name__ == "__main__":
    run(main)
