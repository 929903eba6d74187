"""Rule network_ratios: how much better one network is than another, for one signal."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from analysis.evaluation.network_ratios import PairedTables, ratio_rows
from analysis.figures.ratios import ratios_plot
from analysis.figures.style import save
from analysis.statistics.published import published_ratio
from common.tables import write_csv
from workflow.pipeline.cli import read_block, run
from workflow.pipeline.network_pairs import Pair

POINT = "signal_efficiency"


def main(
    scores: Annotated[list[Path], Argument(help="Scores, …/{network}/{signal}/{seed}.parquet.")],
    pairs: Annotated[str, Option(help="List of (question, first, second): JSON or YAML file.")],
    mass: Annotated[float, Option(help="m_H [GeV].")],
    output: Annotated[Path, Option(help="PNG to write; PDF and CSV go beside it.")],
) -> None:
    """Compare pairs of networks on the test events that both have scored."""
    files: dict[tuple[str, int], Path] = {
        (path.parent.parent.name, int(path.stem)): path for path in scores
    }
    seeds = sorted({seed for _, seed in files})
    comparisons, table = [], []
    for pair in read_block(list[Pair], pairs):
        tests = [PairedTables(files[pair.first, s], files[pair.second, s]) for s in seeds]
        key = {**pair._asdict(), "mass_gev": mass}
        rows: list[dict[str, Any]] = [
            {**key, **row, "published": published_ratio(pair.question, mass, row[POINT])}
            for row in ratio_rows(tests)
        ]
        table += rows
        label = f"{pair.first.replace('_', ' ')}\nover {pair.second.replace('_', ' ')}"
        comparisons.append((label, rows))
    keys = ("question", "first", "second", "mass_gev", POINT)
    write_csv(table, output.with_suffix(".csv"), keys)
    save(ratios_plot(comparisons, mass), output)


if __name__ == "__main__":
    run(main)
