"""Rule metrics: AUC and background rejections of one network, signal and seed."""

from pathlib import Path
from typing import Annotated

from typer import Option

from analysis.evaluation.metrics import known_curve, metric_row
from analysis.evaluation.scores import read_scores
from common.tables import write_json
from workflow.pipeline.cli import run


def main(
    scores: Annotated[Path, Option(help="Parquet table of scores.")],
    output: Annotated[Path, Option(help="JSON file to write.")],
    network: Annotated[str, Option(help="Name of the network.")],
    mass: Annotated[float, Option(help="m_H [GeV].")],
    seed: Annotated[int, Option(help="Seed of the training.")],
) -> None:
    """Evaluate all events with their physical weights."""
    sample = read_scores(scores)
    key = {"network": network, "mass_gev": mass, "seed": seed}
    row = key | metric_row(sample)
    write_json({"metrics": row, "rejection": known_curve(sample)}, output)


if __name__ == "__main__":
    run(main)
