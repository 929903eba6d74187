"""Rule network_ratios: how much better one network is than another, for one signal."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from analysis.evaluation.network_ratios import PairedTables, ratio_rows
from analysis.statistics.published import published_ratio
from common.tables import origin_of, write_csv
from workflow.pipeline.cli import read_block, run
from workflow.pipeline.network_pairs import RATIO_KEYS, Pair


def main(
    scores: Annotated[list[Path], Argument(help="Parquet tables of scores, of one signal.")],
    pairs: Annotated[str, Option(help="List of (question, first, second): JSON or YAML file.")],
    output: Annotated[Path, Option(help="CSV: one row per pair × signal efficiency.")],
) -> None:
    """Compare pairs of networks on the test events that both have scored."""
    origins = {path: origin_of(path) for path in scores}
    files = {(origin["network"], origin["seed"]): path for path, origin in origins.items()}
    mass = origins[scores[0]]["mass_gev"]
    table: list[dict[str, Any]] = []
    for pair in read_block(list[Pair], pairs):
        first, second = ({s for name, s in files if name == network} for network in pair[1:])
        seeds = sorted(first & second)
        tests = [PairedTables(files[pair.first, s], files[pair.second, s]) for s in seeds]
        key = {**pair._asdict(), "mass_gev": mass}
        for row in ratio_rows(tests):
            published = published_ratio(pair.question, mass, row["signal_efficiency"])
            table.append({**key, **row, "published": published})
    write_csv(table, output, RATIO_KEYS)


if __name__ == "__main__":
    run(main)
