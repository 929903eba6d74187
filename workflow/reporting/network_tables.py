"""Tables of the page on networks: what each is and does, and how much better than another."""

from collections.abc import Sequence

from workflow.reporting.tables import Cell, Row, Table, count, number, spread, text

POINTS = (30, 50, 80)


def networks_table(rows: Sequence[Row]) -> Table:
    """Return one row per network and mass: size, rejections, calibration; range over the seeds."""
    cells = tuple(
        (
            text(row["network"]),
            number(row["mass_gev"], 4),
            text(row["architecture"]),
            count(row["parameters"]),
            spread(row, "best_epoch"),
            spread(row, "auc"),
            *(spread(row, f"rejection_{point}") for point in POINTS),
            spread(row, "calibration_error"),
            number(row["calibration_noise_median"], 2),
            spread(row, "calibration_slope"),
        )
        for row in rows
    )
    columns = (
        "network",
        "m_H [GeV]",
        "architecture",
        "parameters",
        "best epoch",
        "AUC",
        *(f"1/ε_B at ε_S = {point}%" for point in POINTS),
        "calibration error",
        "of a calibrated score",
        "calibration slope",
    )
    caption = "The networks: median over the trainings and their range"
    return Table(caption, columns, cells, "networks.csv")


def ratios_table(rows: Sequence[Row]) -> Table:
    """Return one row per pair of networks, mass and ε_S: the ratio of rejections, and its worth."""
    columns = (
        *("networks", "m_H [GeV]", "ε_S", "ratio of 1/ε_B", "statistics (68%)"),
        *("statistics (95%)", "range over trainings", "background n_eff", "what it supports"),
        "published",
    )
    cells = tuple(
        (
            *_ratio(f"{row['first']} over {row['second']}", row, "signal_efficiency"),
            number(row.get("published")),
        )
        for row in rows
    )
    caption = "How much better: ratios of background rejections on the same events"
    return Table(caption, columns, cells, "network_ratios.csv")


def limit_ratios_table(rows: Sequence[Row]) -> Table:
    """Return one row per pair of networks and mass: the ratio of limits, and its worth."""
    columns = (
        *("networks", "m_H [GeV]", "background events", "ratio of limits", "statistics (68%)"),
        *("statistics (95%)", "range over trainings", "background n_eff", "what it supports"),
    )
    cells = tuple(
        _ratio(f"{row['second']} over {row['first']}", row, "background_events") for row in rows
    )
    caption = "How much weaker: ratios of limits behind as much background, on the same events"
    return Table(caption, columns, cells, "limit_ratios.csv")


def _ratio(networks: str, row: Row, where: str) -> tuple[Cell, ...]:
    """Return the cells of one ratio: of which networks, where, its intervals, what it supports."""
    return (
        text(networks.replace("_", " ")),
        number(row["mass_gev"], 4),
        number(row[where]),
        number(row.get("ratio")),
        _between(row, "low", "high"),
        _between(row, "low95", "high95"),
        _between(row, "min", "max"),
        number(row["n_eff"], 2),
        text(row["verdict"]),
    )


def _between(row: Row, low: str, high: str) -> Cell:
    """Return an interval; "–" for an end that is not bounded."""
    ends = [number(row.get(name)) for name in (low, high)]
    if row.get(low) is None and row.get(high) is None:
        return ends[0]
    return Cell(" to ".join(end.text for end in ends), ends[0].key)
