"""From the yields above a cut to an upper limit on σ(gg → H → hh)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.config.statistics import Limits, WorkingPoint
from analysis.statistics.significance import asimov_significance, signal_for_significance
from analysis.statistics.working_point import BackgroundYield, Cut, cut_and_count, signal_yield
from common.errors import NoLimitError
from common.weighted import WeightedSample

REFERENCE_FB = 1.0
COUNTINGS = ("weighted", "raw")
Row = dict[str, float | int | str | None]

COLUMNS = (
    "status", "signal_efficiency", "signal_efficiency_error", "signal_raw",
    "threshold_method", "threshold_log_odds", "threshold_error",
    "b_expected", "b_counted", "b_raw", "n_eff", "b_simulated", "b_simulated_error",
    "b_simulated_raw",
    "b_total", "n_eff_total",
    "sigma_b", "sigma_b_statistical", "sigma_b_tail", "sigma_b_shared", "sigma_b_assumed",
    "sigma_b_process",
    "s_up", "limit_za_fb", "limit_za_error_fb", "significance_1fb", "discovery_5sigma_fb",
    "reason",
)  # fmt: skip


@dataclass(frozen=True)
class Normalisation:
    """What turns events into a cross section.

    Attributes
    ----------
    luminosity : float
        Integrated luminosity [fb⁻¹].
    branching_ratio : float
        BR(h → bb̄).

    Examples
    --------
    >>> norm = Normalisation(luminosity=3000.0, branching_ratio=0.582)
    >>> round(norm.produced, 1)  # hh → 4b at σ = 1 fb: 3000 · 0.582²
    1016.2
    >>> round(norm.cross_section(8.685, 0.05), 3)  # s_up = 8.685 events, A×ε = 5%
    0.171
    """

    luminosity: float
    branching_ratio: float

    @property
    def produced(self) -> float:
        """Signal events hh → 4b produced at σ(gg → H → hh) = 1 fb."""
        return self.luminosity * REFERENCE_FB * self.branching_ratio**2

    def cross_section(self, events: float, efficiency: float) -> float:
        """Return σ [fb] = s / (L · A×ε · BR²)."""
        if efficiency <= 0:
            raise NoLimitError("no signal left after the cut: no cross section can be excluded")
        return events / (self.luminosity * efficiency * self.branching_ratio**2)


def background_error(passing: BackgroundYield, relative: float, map_error: float = 0.0) -> float:
    """Return σ_b: f·b, the Monte Carlo, tails', assumptions' and processes' errors in quadrature.

    Examples
    --------
    >>> passing = BackgroundYield(20.0, 20.0, 15, 11.0, 6.0, 0.0, 0.0, 0.0, np.array([20.0]))
    >>> round(background_error(passing, 0.1, 1.5), 1)  # √(2² + 6² + 1.5²)
    6.5
    """
    of_events, of_tails = passing.simulation_error, passing.assumed_error
    parts = (relative * passing.expected, of_events, of_tails, map_error)
    return float(np.sqrt(np.sum(np.square(parts))))


def asimov_limit(
    scores: WeightedSample,
    cut: Cut,
    passing: BackgroundYield,
    norm: Normalisation,
    config: Limits,
    non_closure: Mapping[str, float] | None = None,
) -> Row:
    """Return the Z_A limit above a cut as columns of the table of limits.

    Parameters
    ----------
    scores : WeightedSample
    cut : Cut
    passing : BackgroundYield
        The background above it.
    norm : Normalisation
        Luminosity and branching ratio.
    config : Limits
        Target significance and background uncertainty.
    non_closure : mapping, optional
        Relative uncertainty of each process beside f: of its tag map and its K-factor.

    Raises
    ------
    NoLimitError
        If no signal passes or the yields allow no limit.
    """
    signal, signal_error, signal_raw = signal_yield(scores, cut.threshold)
    efficiency = signal / norm.produced
    relative_map = np.array([(non_closure or {}).get(name, 0.0) for name in scores.processes])
    map_error = float(np.sqrt(np.sum((relative_map * passing.per_process) ** 2)))
    b = passing.expected
    sigma = background_error(passing, config.background_uncertainty, map_error)
    s_up = signal_for_significance(config.z_target, b, sigma)
    limit = norm.cross_section(s_up, efficiency)
    moved = _background_share(passing, sigma, config.z_target)
    relative = float(np.hypot(signal_error / signal, moved / s_up))
    return {
        "signal_efficiency": efficiency,
        "signal_efficiency_error": signal_error / norm.produced,
        "signal_raw": signal_raw,
        "threshold_method": cut.method,
        "threshold_log_odds": cut.threshold,
        "threshold_error": cut.error,
        "b_expected": b,
        "b_counted": passing.counted,
        "b_raw": passing.raw,
        "n_eff": passing.n_eff,
        "sigma_b": sigma,
        "sigma_b_statistical": passing.statistical_error,
        "sigma_b_tail": passing.tail_error,
        "sigma_b_shared": passing.shared_error,
        "sigma_b_assumed": passing.assumed_error,
        "sigma_b_process": map_error,
        "s_up": s_up,
        "limit_za_fb": limit,
        "limit_za_error_fb": limit * relative,
        "significance_1fb": float(asimov_significance(signal, b, sigma)),
        "discovery_5sigma_fb": norm.cross_section(
            signal_for_significance(5.0, b, sigma), efficiency
        ),
    }


def _background_share(passing: BackgroundYield, sigma: float, z: float) -> float:
    """Return how far s_up moves when the background moves by its own statistical error.

    To first order, at a fixed relative uncertainty on the background.
    """
    b, step = passing.expected, 1e-3
    low, high = (signal_for_significance(z, b * x, sigma * x) for x in (1 - step, 1 + step))
    relative = passing.simulation_error / b
    return (high - low) / (2 * step) * relative


def limit_row(
    scores: WeightedSample,
    norm: Normalisation,
    working_point: WorkingPoint,
    config: Limits,
    events: float | None = None,
    non_closure: Mapping[str, float] | None = None,
) -> Row:
    """Return the row of one network, mass and seed: the limit, or why there is none.

    Parameters
    ----------
    scores : WeightedSample
    norm : Normalisation
        Luminosity and branching ratio.
    working_point, config
        Configuration blocks.
    events : float, optional
        Background events to leave, in place of the working point's.
    non_closure : mapping, optional
        Relative uncertainty of each process beside f: of its tag map and its K-factor.

    Returns
    -------
    Row
        `COLUMNS`; with `status` "no limit", `reason` says why and what is unknown is None; with
        `threshold_method` "resolved" it says why the cut is not the wanted one.
    """
    background = scores.background
    row: Row = dict.fromkeys(COLUMNS) | {
        "status": "ok",
        "threshold_method": "none",
        "b_total": background.total,
        "n_eff_total": background.n_eff,
        "reason": "",
    }
    try:
        cut, passing, reason = cut_and_count(scores, working_point, events)
        limit = asimov_limit(scores, cut, passing, norm, config, non_closure)
        return row | limit | {"reason": reason}
    except NoLimitError as error:
        return row | {"status": "no limit", "reason": str(error)}


def simulated_above(scores: WeightedSample, row: Row) -> Row:
    """Return yield, its error and number of the simulated events above the cut of a row.

    Of these themselves, without mixed and borrowed tails, which should agree with them.

    Examples
    --------
    >>> scores = WeightedSample.of_classes(np.arange(4.0), np.ones(4), np.zeros(4))
    >>> simulated_above(scores, {"threshold_log_odds": 0.5})
    {'b_simulated': 3.0, 'b_simulated_error': 1.7320508075688772, 'b_simulated_raw': 3}
    """
    if row["threshold_log_odds"] is None:
        return dict.fromkeys(("b_simulated", "b_simulated_error", "b_simulated_raw"))
    above = scores.background.above(float(row["threshold_log_odds"]))
    return {
        "b_simulated": above.total,
        "b_simulated_error": above.total_error,
        "b_simulated_raw": above.raw,
    }


def scan_background_events(
    scores: WeightedSample,
    norm: Normalisation,
    working_point: WorkingPoint,
    config: Limits,
    non_closure: Mapping[str, float] | None = None,
    simulated: WeightedSample | None = None,
) -> list[Row]:
    """Return a row per way of counting and number of background events in `working_point.scan`.

    What counts `raw` are the `simulated` events, where `scores` have mixed or borrowed tails.
    """
    rows: list[Row] = []
    for counting in COUNTINGS:
        point = working_point.model_copy(update={"counting": counting})
        for n in point.scan:
            counted = scores if simulated is None or counting == "weighted" else simulated
            row = limit_row(counted, norm, point, config, n, non_closure)
            rows.append({"counting": counting, "background_events": n, **row})
    return rows
