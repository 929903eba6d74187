"""Rule limit_ratios: how much weaker one network's limits are than another's, for all signals."""

import logging
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from analysis.config.statistics import WorkingPoint
from analysis.statistics.limit_ratios import SignalBehindCut, ratio_row, signal_behind_cut
from common.tables import origin_of, write_csv
from workflow.pipeline.cli import lenders, read_block, run
from workflow.pipeline.network_pairs import LIMIT_RATIO_KEYS, Pair

log = logging.getLogger(__name__)


def main(
    scores: Annotated[list[Path], Argument(help="Parquet tables of scores.")],
    pairs: Annotated[str, Option(help="List of (question, first, second): JSON or YAML file.")],
    output: Annotated[Path, Option(help="CSV: one row per pair × mass.")],
    mixed: Annotated[
        list[Path] | None, Option(help="Parquet table of rule mix, for each of the scores; repeat.")
    ] = None,
    working_point: Annotated[str, Option(help="Block `working_point`.")] = "{}",
    tail_from: Annotated[
        list[str] | None, Option(help="SAMPLE=OTHER, which lends the shape of its tail; repeat.")
    ] = None,
) -> None:
    """Compare the signal behind cuts that leave as much background, on the same events."""
    point, lending = read_block(WorkingPoint, working_point), lenders(tail_from)
    compared = read_block(list[Pair], pairs)
    if point.counting == "raw":
        log.warning(
            "working_point.counting is raw: networks leave other yields, no ratio of limits"
        )
        compared = []
    tables, mixtures = (
        {_training(path): path for path in files} for files in (scores, mixed or ())
    )

    @cache
    def behind_cut(*training: Any) -> SignalBehindCut:
        return signal_behind_cut(tables[training], mixtures.get(training), lending, point)

    rows: list[dict[str, Any]] = []
    for pair in compared:
        both = [[rest for name, *rest in sorted(tables) if name == network] for network in pair[1:]]
        own = [rest for rest in both[0] if rest in both[1]]
        for mass in dict.fromkeys(mass for mass, _ in own):
            sides = (
                [behind_cut(name, *rest) for rest in own if rest[0] == mass]
                for name in (pair.first, pair.second)
            )
            key = {"mass_gev": mass, "background_events": point.background_events}
            rows.append({**pair._asdict(), **key, **ratio_row(*sides)})
    write_csv(rows, output, LIMIT_RATIO_KEYS)


def _training(path: Path) -> tuple[str, float, int]:
    origin = origin_of(path)
    return origin["network"], origin["mass_gev"], origin["seed"]


if __name__ == "__main__":
    run(main)
