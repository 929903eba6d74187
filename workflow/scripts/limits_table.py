"""Rule limits_table: the limits of all networks, masses and seeds in one table."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from common.tables import KEYS, read_json, summarise_seeds, write_csv
from workflow.pipeline.cli import run

SUMMARISED = (
    "limit_za_fb",
    "signal_efficiency",
    "n_eff",
    "b_expected",
    "cls_count_median_fb",
    "cls_shape_median_fb",
)


def main(
    rows: Annotated[list[Path], Argument(help="JSON files of rule limit.")],
    output: Annotated[Path, Option(help="CSV: one row per network × mass × seed.")],
    summary: Annotated[Path, Option(help="CSV: median, min, max over seeds.")],
    scan: Annotated[Path, Option(help="CSV: limits against the background events kept.")],
    projection: Annotated[
        Path | None, Option(help="CSV: limits against luminosity and sample size.")
    ] = None,
) -> None:
    """Collect the rows and summarise them over seeds."""
    contents = [read_json(path) for path in rows]
    limits = [item["limit"] for item in contents]
    write_csv(limits, output)
    write_csv(summarise_seeds(limits, SUMMARISED), summary, ("network", "mass_gev"))
    scanned = [row for item in contents for row in item["scan"]]
    write_csv(scanned, scan, (*KEYS, "counting", "background_events"))
    if projection is not None:
        projected = [row for item in contents for row in item["projection"]]
        write_csv(projected, projection, (*KEYS, "kind", "value"))


if __name__ == "__main__":
    run(main)
