"""The limit against luminosity and against the size of the simulated samples."""

from collections.abc import Mapping
from dataclasses import replace

from analysis.config.statistics import Limits, WorkingPoint
from analysis.statistics.limits import Normalisation, Row, asimov_limit, limit_row
from analysis.statistics.working_point import cut_and_count
from common.errors import NoLimitError
from common.weighted import WeightedSample

WORTHWHILE = 1.05
_COLUMNS = ("limit_za_fb", "limit_za_error_fb", "b_expected", "sigma_b", "signal_efficiency")


def luminosity_rows(
    scores: WeightedSample,
    norm: Normalisation,
    point: WorkingPoint,
    config: Limits,
    non_closure: Mapping[str, float] | None = None,
) -> list[Row]:
    """Return the limit at each of `config.projection_luminosities`.

    All yields scale with the luminosity and the working point is found anew, so that the cut
    hardens as the luminosity grows. The simulated samples stay as they are.
    """
    rows: list[Row] = []
    for luminosity in config.projection_luminosities:
        factor = luminosity / norm.luminosity
        scaled_norm = Normalisation(luminosity, norm.branching_ratio)
        limit = limit_row(
            scores.scaled(factor), scaled_norm, point, config, non_closure=non_closure
        )
        rows.append({"kind": "luminosity", "value": luminosity, **_short(limit)})
    return rows


def sample_size_rows(
    scores: WeightedSample,
    norm: Normalisation,
    point: WorkingPoint,
    config: Limits,
    non_closure: Mapping[str, float] | None = None,
) -> list[Row]:
    """Return the limit with simulated samples of `config.projection_samples` times the size.

    The cut and all yields stay as they are, and the errors from simulated statistics, those of the
    tail fit and of the scale of mixed and borrowed tails among them, shrink with the square root of
    the size. What is assumed of such tails stays, though so many events might do without them.
    """
    rows: list[Row] = []
    for size in config.projection_samples:
        head: Row = {"kind": "sample_size", "value": size}
        try:
            cut, passing, _ = cut_and_count(scores, point)
            better = replace(
                passing,
                statistical_error=passing.statistical_error / size**0.5,
                tail_error=passing.tail_error / size**0.5,
                shared_error=passing.shared_error / size**0.5,
            )
            known = replace(scores, error=scores.error / size**0.5)
            limit = asimov_limit(known, cut, better, norm, config, non_closure)
            rows.append(head | _short({"status": "ok", "reason": "", **limit}))
        except NoLimitError as error:
            rows.append(head | _short({"status": "no limit", "reason": str(error)}))
    return rows


def worthwhile_size(rows: list[Row]) -> float | None:
    """Return the smallest size whose limit is within 5% of that of the largest; None if unknown."""
    sizes = [
        (row["value"], row["limit_za_fb"])
        for row in rows
        if row["kind"] == "sample_size" and row["limit_za_fb"] is not None
    ]
    if not sizes:
        return None
    ordered = sorted((float(v), float(x)) for v, x in sizes)  # type: ignore[arg-type]
    goal = WORTHWHILE * ordered[-1][1]
    return next(value for value, limit in ordered if limit <= goal)


def _short(row: Row) -> Row:
    names = ("status", "threshold_method", *_COLUMNS, "reason")
    return {name: row.get(name) for name in names}
