"""Rule ratios_figure: the ratios between networks of one signal, a row for each pair."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from analysis.figures.ratios import ratios_plot
from analysis.figures.style import save
from common.tables import read_csv, write_csv
from workflow.pipeline.cli import read_block, run
from workflow.pipeline.network_pairs import RATIO_KEYS, Pair


def main(
    table: Annotated[Path, Argument(help="Table of rule network_ratios.")],
    pairs: Annotated[str, Option(help="The pairs in the order to draw: JSON or YAML file.")],
    output: Annotated[Path, Option(help="PNG to write; PDF and CSV go beside it.")],
) -> None:
    """Draw the ratios of all pairs."""
    rows = read_csv(table)
    comparisons = [(_label(pair), _rows_of(pair, rows)) for pair in read_block(list[Pair], pairs)]
    write_csv(rows, output.with_suffix(".csv"), RATIO_KEYS)
    save(ratios_plot(comparisons, rows[0]["mass_gev"]), output)


def _label(pair: Pair) -> str:
    return f"{pair.first.replace('_', ' ')}\nover {pair.second.replace('_', ' ')}"


def _rows_of(pair: Pair, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if pair._asdict().items() <= row.items()]


if __name__ == "__main__":
    run(main)
