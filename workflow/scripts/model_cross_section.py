"""Rule model_cross_section: σ(gg → H) · BR(H → hh) at leading order, to draw over the limits."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from analysis.simulation.model import ALIGNMENT, leading_order_benchmark
from common.tables import write_json
from workflow.pipeline.cli import run


def main(
    masses: Annotated[list[float], Argument(help="m_H [GeV].")],
    output: Annotated[Path, Option(help="JSON file to write: a list of one `benchmarks` block.")],
    setting: Annotated[list[str], Option(help="Pythia setting of a coupling; repeat.")] = [  # noqa: B006
        *ALIGNMENT
    ],
    events: Annotated[int, Option(min=100, help="Phase-space points per mass.")] = 2000,
    seed: Annotated[int, Option(min=1, help="Seed.")] = 1,
) -> None:
    """Integrate the cross section at each mass."""
    benchmark = leading_order_benchmark(masses, setting, events=events, seed=seed)
    write_json([benchmark.model_dump(mode="json")], output)


if __name__ == "__main__":
    run(main)
