"""Tables of the page: rows of cells that know how to be read and how to be sorted."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.tables import over_seeds

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One cell: its text, and the number or text that it is sorted by."""

    text: str
    key: float | str

    @property
    def is_number(self) -> bool:
        return isinstance(self.key, float)


@dataclass(frozen=True)
class Table:
    """A table: caption, column titles, rows, and the link to the file with all digits."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    csv: str = ""

    def is_number(self, column: int) -> bool:
        """Whether a column holds numbers."""
        return bool(self.rows) and self.rows[0][column].is_number


def text(value: Any) -> Cell:
    """Return a cell of words."""
    return Cell(str(value), str(value))


def number(value: float | None, digits: int = 3) -> Cell:
    """Return a number with some significant digits; "–" where there is none.

    Examples
    --------
    >>> number(0.012345).text, number(1234.4).text, number(12345678.0).text, number(None).text
    ('0.0123', '1234', '1.23 × 10⁷', '–')
    """
    if value is None or not math.isfinite(value):
        return Cell("–", -math.inf)
    return Cell(_digits(float(value), digits), float(value))


def count(value: float) -> Cell:
    """Return a whole number with all its digits, in groups of three."""
    return Cell(f"{round(value):,}".replace(",", "\N{NARROW NO-BREAK SPACE}"), float(value))


def measured(value: float | None, error: float | None) -> Cell:
    """Return value ± error, both to the second significant digit of the error.

    Examples
    --------
    >>> measured(12.3456, 0.234).text, measured(5.0, None).text, measured(3.2e8, 2.2e7).text
    ('12.35 ± 0.23', '5', '(3.20 ± 0.22) × 10⁸')
    >>> measured(0.0, 0.0).text
    '0'
    """
    if value is None or not error or not math.isfinite(error):
        return number(value)
    scale = _power(max(abs(value), error))
    factor = 10.0**scale
    places = max(0, 1 - _exponent(error / factor))
    body = f"{value / factor:.{places}f} ± {error / factor:.{places}f}"
    return Cell(f"({body}){_times(scale)}" if scale else body, float(value))


def spread(row: Row, column: str) -> Cell:
    """Return the median over seeds with its range, as `summarise_seeds` names them.

    All three have a fourth digit where three do not tell the ends apart.

    Examples
    --------
    >>> row = {"auc_median": 0.99534, "auc_min": 0.99522, "auc_max": 0.99543}
    >>> spread(row, "auc").text, spread(row | {"auc_max": 0.999}, "auc").text
    ('0.9953 (0.9952 to 0.9954)', '0.995 (0.995 to 0.999)')
    """
    median, low, high = (row.get(f"{column}_{name}") for name in ("median", "min", "max"))
    if median is None or low is None or high is None or low == high:
        return number(median)
    digits = 3 if number(low).text != number(high).text else 4
    middle, *ends = (number(value, digits).text for value in (median, low, high))
    return Cell(f"{middle} ({' to '.join(ends)})", float(median))


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value else 0


def _power(value: float) -> int:
    """Return the power of ten that is written out: zero for what reads well without."""
    exponent = _exponent(value)
    return exponent if exponent >= 6 or exponent < -4 else 0


def _times(power: int) -> str:
    return f" × 10{str(power).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _digits(value: float, digits: int) -> str:
    power = _power(value)
    if power:
        return f"{value / 10.0**power:.{digits - 1}f}{_times(power)}"
    text = f"{value:.{max(0, digits - 1 - _exponent(value))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def limits_table(summary: Sequence[Row], rows: Sequence[Row], level: float = 0.95) -> Table:
    """Return one row per network and mass: limits with their errors, range over the seeds."""
    table_rows = []
    for row in summary:
        at_mass = [
            r for r in rows if (r["network"], r["mass_gev"]) == (row["network"], row["mass_gev"])
        ]
        error = float(over_seeds([r["limit_za_error_fb"] for r in at_mass]).median)
        cells = [
            text(row["network"]),
            number(row["mass_gev"], 4),
            measured(row["limit_za_fb_median"], error),
            _range(row, "limit_za_fb"),
            number(row.get("cls_count_median_fb_median")),
            number(row.get("cls_shape_median_fb_median")),
            spread(row, "signal_efficiency"),
            spread(row, "b_expected"),
            spread(row, "n_eff"),
            text(f"{row['valid']} of {row['seeds']}"),
            text(_method(row["methods"] or "")),
        ]
        table_rows.append(tuple(cells))
    columns = (
        "network",
        "m_H [GeV]",
        "limit Z_A [fb]",
        "range over seeds [fb]",
        "CLs, count [fb]",
        "CLs, shape [fb]",
        "signal efficiency",
        "background events",
        "their n_eff",
        "trainings with a limit",
        "threshold",
    )
    caption = (
        f"Upper limits on σ(gg → H → hh) at {100 * level:g}% confidence level: median over the "
        "trainings with its statistical error"
    )
    return Table(caption, columns, tuple(table_rows), "limits_summary.csv")


def _range(row: Row, column: str) -> Cell:
    low, high = row[f"{column}_min"], row[f"{column}_max"]
    if low is None or high is None:
        return number(None)
    return Cell(f"{number(low).text} to {number(high).text}", float(high) - float(low))


def _method(methods: str) -> str:
    words = {
        "empirical": "counted",
        "mixed": "counted (mixed)",
        "tail_fit": "extrapolated",
        "resolved": "looser cut",
    }
    return ", ".join(words.get(name, name.replace("_", " ")) for name in methods.split("+"))


def cutflow_table(rows: Sequence[Row], luminosity: float) -> Table:
    """Return the cut flow of every sample: raw, effective and expected events."""
    cells = tuple(
        (
            text(row["sample"]),
            text(row["step"]),
            count(row["raw"]),
            number(row["n_eff"]),
            number(row["efficiency"]),
            measured(row["events"], row["error"]),
        )
        for row in rows
    )
    columns = ("sample", "step", "simulated", "n_eff", "efficiency", "expected events")
    caption = (
        f"Events after each step, expected at {luminosity:g} fb⁻¹; signals for "
        "σ(gg → H → hh) = 1 fb"
    )
    return Table(caption, columns, cells, "cutflow.csv")


def yields_table(rows: Sequence[Row]) -> Table:
    """Return what each tag category keeps of each sample, which networks and limits work with."""
    tagged = [row for row in rows if str(row["step"]).startswith("tags: ")]
    cells = tuple(
        (
            text(row["sample"]),
            text(row["process"]),
            number(row["cross_section_pb"]),
            text(row["step"]),
            measured(row["events"], row["error"]),
            count(row["raw"]),
            number(row["n_eff"]),
        )
        for row in tagged
    )
    columns = (
        "sample",
        "process",
        "cross section [pb]",
        "step",
        "expected events",
        "simulated",
        "n_eff",
    )
    return Table("Yields after the whole selection and the b tags", columns, cells, "cutflow.csv")


def metrics_table(rows: Sequence[Row]) -> Table:
    """Return AUC and rejections of every training with their errors."""
    points = (30, 50, 80)
    cells = tuple(
        (
            text(row["network"]),
            number(row["mass_gev"], 4),
            number(row["seed"], 6),
            measured(row["auc"], row["auc_error"]),
            *(measured(row[f"rejection_{p}"], row[f"rejection_{p}_error"]) for p in points),
            number(row["test_background_n_eff"]),
        )
        for row in rows
    )
    rejections = tuple(f"1/ε_B at ε_S = {p}%" for p in points)
    columns = ("network", "m_H [GeV]", "seed", "AUC", *rejections, "background n_eff")
    return Table("How well the networks separate test events", columns, cells, "metrics.csv")


def jets_table(rows: Sequence[Row], jobs: Mapping[tuple[str, str, int], Row]) -> Table:
    """Return AUC and rejections of every tagger of single jets, with size and time of training.

    Parameters
    ----------
    rows : sequence of rows
        Of the table of rule jets_table.
    jobs : mapping of (task, tagger, seed) to row
        Benchmarks of rule train_jets, where there are some.
    """
    points = (50, 30)
    cells = tuple(
        (
            *(text(row[name].replace("_", " ")) for name in ("task", "tagger")),
            number(row["seed"], 6),
            count(row["parameters"]),
            measured(row["auc"], row["auc_error"]),
            *(measured(row[f"rejection_{p}"], row[f"rejection_{p}_error"]) for p in points),
            number(row["accuracy"]),
            count(row["train_jets"]),
            number(row["test_background_n_eff"]),
            number(jobs.get((row["task"], row["tagger"], row["seed"]), {}).get("cpu_time")),
        )
        for row in rows
    )
    rejections = tuple(f"1/ε_B at ε_S = {p}%" for p in points)
    columns = (
        "task", "tagger", "seed", "parameters", "AUC", *rejections, "accuracy", "training jets",
        "background n_eff", "CPU time of training [s]",
    )  # fmt: skip
    return Table("Taggers that see one fat jet at a time, on test jets", columns, cells, "jets.csv")


def timings_table(timings: Mapping[str, Sequence[Row]]) -> Table:
    """Return time and memory of each rule, from its benchmark files."""
    table_rows = []
    for rule, jobs in sorted(timings.items()):
        seconds = [float(job["s"]) for job in jobs]
        memory = [float(job["max_rss"]) for job in jobs if isinstance(job["max_rss"], int | float)]
        cpu = [float(job["cpu_time"]) for job in jobs if isinstance(job["cpu_time"], int | float)]
        cells = (count(len(jobs)), number(sum(seconds)), number(max(seconds)), number(sum(cpu)))
        table_rows.append((text(rule), *cells, number(max(memory, default=None))))
    columns = ("rule", "jobs", "total time [s]", "longest job [s]", "CPU time [s]", "memory [MB]")
    return Table("Time and peak memory of the jobs of each rule", columns, tuple(table_rows))
