"""Rule network_ratios: how much better one network is than another, for one signal."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow.parquet as pq
from typer import Argument, Option

from analysis.errors import InputFileError
from analysis.figures.ratios import ratios_plot
from analysis.figures.style import save
from analysis.network_ratios import PairedTest, ratio_rows
from analysis.scores import read_scores
from analysis.tables import write_csv
from workflow.cli import read_block, run
from workflow.network_pairs import Pair

PUBLISHED = {"kinematics": {0.3: 5.0, 0.5: 5.0, 0.8: 5.0}, "theta": {0.8: 4.0}}
PUBLISHED_MASS = 1000.0
"""About what arXiv:2401.00452 and its successor quote; the first for the same acceptance."""


def main(
    scores: Annotated[list[Path], Argument(help="Scores, …/{network}/{signal}/{seed}.parquet.")],
    pairs: Annotated[str, Option(help="List of (question, first, second): JSON or YAML file.")],
    mass: Annotated[float, Option(help="m_H [GeV].")],
    output: Annotated[Path, Option(help="Figure to write, without suffix; and its CSV.")],
) -> None:
    """Compare pairs of networks on the test events that both have scored."""
    files: dict[tuple[str, int], Path] = {
        (path.parent.parent.name, int(path.stem)): path for path in scores
    }
    seeds = sorted({seed for _, seed in files})
    comparisons, table = [], []
    for pair in read_block(list[Pair], pairs):
        tests = [paired_test(files[pair.first, s], files[pair.second, s]) for s in seeds]
        published = PUBLISHED.get(pair.question, {}) if mass == PUBLISHED_MASS else {}
        key = {**pair._asdict(), "mass_gev": mass}
        rows: list[dict[str, Any]] = [
            {**key, **row, "published": published.get(row["signal_efficiency"])}
            for row in ratio_rows(tests)
        ]
        table += rows
        label = f"{pair.first.replace('_', ' ')}\nover {pair.second.replace('_', ' ')}"
        comparisons.append((label, rows))
    keys = ("question", "first", "second", "mass_gev", "signal_efficiency")
    write_csv(table, output.with_name(f"{output.name}.csv"), keys)
    save(ratios_plot(comparisons, mass), output)


def paired_test(first: Path, second: Path) -> PairedTest:
    """Return the test events of two tables of scores, which must be the same."""
    one, other = (read_scores(path)["test"] for path in (first, second))
    keys = [
        pq.read_table(p, columns=["key"], filters=[("split", "=", "test")]) for p in (first, second)
    ]
    values = [np.asarray(table["key"].to_numpy(), dtype=np.uint64) for table in keys]
    if not np.array_equal(values[0], values[1]):
        raise InputFileError(f"{first} and {second} score other test events; make both again")
    return PairedTest(values[0], one.signal, one.weight, one.log_odds, other.log_odds)


if __name__ == "__main__":
    run(main)
