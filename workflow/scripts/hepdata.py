"""Rule hepdata: a validated HEPData submission of limits, efficiencies and cut flows."""

from pathlib import Path
from typing import Annotated

from typer import Option

from common.errors import EmptySampleError
from common.tables import read_csv, read_json
from workflow.pipeline.cli import run
from workflow.reporting.hepdata import (
    cutflow_table,
    efficiency_table,
    limits_table,
    write_submission,
)


def main(
    limits: Annotated[Path, Option(help="CSV of rule limits_table.")],
    cutflow: Annotated[Path, Option(help="CSV of rule cutflow.")],
    output: Annotated[Path, Option(help="Folder to write.")],
    workspace: Annotated[list[Path] | None, Option(help="Workspaces to attach; repeat.")] = None,
    luminosity: Annotated[float, Option(help="Integrated luminosity [fb⁻¹].")] = 3000.0,
) -> None:
    """Write the submission; networks and workspaces without a limit are left out."""
    rows = [row for row in read_csv(limits) if row["limit_za_fb"] is not None]
    tables = []
    for network in dict.fromkeys(row["network"] for row in rows):
        own = [row for row in rows if row["network"] == network]
        tables += [limits_table(own, network, luminosity), efficiency_table(own, network)]
    steps = read_csv(cutflow)
    for sample in dict.fromkeys(row["sample"] for row in steps):
        tables.append(cutflow_table([r for r in steps if r["sample"] == sample], sample))
    if not tables:
        raise EmptySampleError(f"{limits} and {cutflow} hold no rows to submit")
    valid = [path for path in workspace or [] if "channels" in read_json(path)]
    write_submission(tables, valid, output)


if __name__ == "__main__":
    run(main)
