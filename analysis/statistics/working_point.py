"""The cut on the score that leaves a wanted number of background events, and what passes it.

The cut is found on the events that it is counted on, so that none is lost. Both read the yield
above a cut from the same line through the events' cumulative yields, so that the cut leaves what
was asked for. Running down the scores, estimated minus true yield is a martingale, and the cut a
stopping time: what is estimated above it is on average what is there, up to the step of the last
event, which is well below the Monte Carlo error (σ_b holds that error).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.config.statistics import WorkingPoint
from analysis.statistics.tail_fit import fit_tail
from common.errors import NoLimitError
from common.weighted import WeightedSample
from common.weights import effective_number_of_sums

COUNTED = ("empirical", "mixed")
"""Methods of cuts that leave the wanted yield, counted on events."""
CONTRADICTION = 3.0
"""Standard deviations of a count by which a fit to the tail is refused."""
MIN_SIGNAL = 10
"""Simulated signal events above a fitted cut below which its efficiency is taken as unknown."""


class TooFewWantedError(NoLimitError):
    """The whole background is less than what the working point is to leave."""


@dataclass(frozen=True)
class Cut:
    """A cut on the log-odds.

    Attributes
    ----------
    threshold, error : float
        The cut in log-odds, and its statistical error.
    method : str
        "empirical", "mixed" (counted on mixed events), "tail_fit" or "resolved" (the hardest cut
        that the sample resolves).
    """

    threshold: float
    error: float
    method: str


@dataclass(frozen=True)
class BackgroundYield:
    """The background above a cut.

    Attributes
    ----------
    expected : float
        Yield; from the tail fit where the cut is.
    counted, raw, n_eff : float, int, float
        Yield, raw and effective number of the events above the cut.
    statistical_error, tail_error : float
        Monte Carlo error of a counted yield, or error of a fitted one; the other is zero.
    shared_error, assumed_error : float
        Errors of mixed and borrowed tails: of their scale, and of what is assumed of their shape.
    per_process : NDArray, [P]
        Yields that sum to `expected`.
    """

    expected: float
    counted: float
    raw: int
    n_eff: float
    statistical_error: float
    tail_error: float
    shared_error: float
    assumed_error: float
    per_process: NDArray[np.float64]

    @property
    def simulation_error(self) -> float:
        """All that finite samples contribute, in quadrature: not what is assumed."""
        parts = self.statistical_error, self.tail_error, self.shared_error
        return float(np.sqrt(np.sum(np.square(parts))))


def find_cut(scores: WeightedSample, config: WorkingPoint, events: float | None = None) -> Cut:
    """Find the cut that leaves `events` background events.

    Parameters
    ----------
    scores : WeightedSample
        Signal is ignored.
    config : WorkingPoint
        How events are counted, and when and how to fit the tail.
    events : float, optional
        In place of `config.background_events`.

    Raises
    ------
    NoLimitError
        If the background is too small for the target, or its tail cannot be fitted.

    Examples
    --------
    >>> scores = WeightedSample.of_classes(np.arange(100.0), np.ones(100), np.zeros(100))
    >>> cut = find_cut(scores, WorkingPoint(background_events=20))
    >>> cut.threshold, cut.method
    (80.0, 'empirical')
    """
    background = scores.background
    target = config.background_events if events is None else events
    counted = background.counted() if config.counting == "raw" else background
    if counted.total <= target:
        raise TooFewWantedError(
            f"the whole background is {counted.total:.4g} events and the working point asks "
            f"for {target:.4g}: lower working_point.background_events or simulate more"
        )
    threshold = empirical_threshold(counted, target)
    if up_to(counted, threshold).n_eff >= config.min_n_eff:
        method = "mixed" if threshold >= background.mixed_above else "empirical"
        return Cut(threshold, _empirical_error(counted, target), method)
    fitted = Cut(*fit_tail(background, config.tail, config.seed).threshold(target), "tail_fit")
    passing = up_to(background, fitted.threshold)
    far_off = abs(passing.total - target) > CONTRADICTION * passing.total_error
    if passing.n_eff >= config.min_n_eff and far_off:
        raise NoLimitError(
            f"the fit to the tail leaves {target:.4g} events where {passing.total:.4g} ± "
            f"{passing.total_error:.2g} are counted: simulate more background"
        )
    return fitted


def resolved_cut(scores: WeightedSample, config: WorkingPoint) -> Cut:
    """Return the hardest cut that is no harder than the wanted one and is resolved.

    `config.min_n_eff` effective background events are above it, and at least as many background
    events as wanted. A limit from a looser cut than the wanted one is weaker, and as valid.

    Raises
    ------
    NoLimitError
        If the whole background has fewer effective events than that.
    """
    ordered = scores.background.falling()
    counted = ordered.counted() if config.counting == "raw" else ordered
    total = np.cumsum(ordered.weight)
    n_eff = effective_number_of_sums(np.maximum(total, 0), np.cumsum(ordered.error**2))
    wanted = np.cumsum(counted.weight) >= config.background_events
    resolved = np.flatnonzero((n_eff >= config.min_n_eff) & wanted)
    if not len(resolved):
        raise NoLimitError(
            f"the whole background has {ordered.n_eff:.3g} effective events and a cut needs "
            f"{config.min_n_eff:g} above it: simulate more background"
        )
    last = int(resolved[0])
    error = _empirical_error(ordered, float(total[last]))
    return Cut(float(ordered.value[last]), error, "resolved")


def cut_and_count(
    scores: WeightedSample, config: WorkingPoint, events: float | None = None
) -> tuple[Cut, BackgroundYield, str]:
    """Find the cut and count the background above it.

    Where the cut that leaves the configured number of events, or the background above it, cannot
    be had, no signal passes it, or a fitted cut has fewer than `MIN_SIGNAL` simulated signal events
    above it, `config.fallback` says what happens. A tail of mixed events is not fitted where a
    looser cut may be taken: little looser, they are enough to count. A number given as `events`
    is asked for as it is, without fallback.

    Returns
    -------
    cut : Cut
    passing : BackgroundYield
    reason : str
        Why the cut is not the wanted one; empty where it is.

    Raises
    ------
    NoLimitError
        If there is no cut to count above.
    """
    may_fall_back = config.fallback == "resolved" and events is None
    try:
        cut = find_cut(scores, config, events)
        if cut.method == "tail_fit":
            _require_signal(scores, cut)
            if may_fall_back and np.isfinite(scores.mixed_above):
                raise NoLimitError(
                    f"behind the wanted cut mixed events are as good as fewer than "
                    f"{config.min_n_eff:g} simulated ones: simulate more background"
                )
        return cut, _with_signal(scores, cut, config), ""
    except NoLimitError as error:
        if not may_fall_back or isinstance(error, TooFewWantedError):
            raise
        cut = resolved_cut(scores, config)
        return cut, _with_signal(scores, cut, config), str(error)


def _require_signal(scores: WeightedSample, cut: Cut) -> None:
    raw = signal_yield(scores, cut.threshold)[2]
    if raw < MIN_SIGNAL:
        raise NoLimitError(
            f"{raw} simulated signal events are above the fitted cut at log-odds "
            f"{cut.threshold:.3f}, fewer than {MIN_SIGNAL}: its efficiency is not known"
        )


def _with_signal(scores: WeightedSample, cut: Cut, config: WorkingPoint) -> BackgroundYield:
    if signal_yield(scores, cut.threshold)[0] <= 0:
        raise NoLimitError(
            f"no signal left after the cut at log-odds {cut.threshold:.3f}: no cross section can "
            "be excluded"
        )
    return count_background(scores, cut, config)


def empirical_threshold(events: WeightedSample, target: float) -> float:
    """Return the score above which `target` events lie, interpolated between scores.

    Examples
    --------
    >>> ones = np.ones(4)
    >>> events = WeightedSample.of_classes(np.array([4.0, 3.0, 2.0, 1.0]), 10 * ones, 0 * ones)
    >>> empirical_threshold(events, 20.0), empirical_threshold(events, 25.0)
    (3.0, 2.5)
    """
    values, index = np.unique(-events.value, return_inverse=True)
    passing = np.maximum.accumulate(np.cumsum(np.bincount(index, events.weight)))
    return float(-np.interp(target, passing, values))


def up_to(events: WeightedSample, threshold: float) -> WeightedSample:
    """Return the events above a cut, with the share of the next one that the line gives them.

    Between two scores the yield above a cut rises as a straight line, for which the event at the
    lower one counts with the part of the way that the cut has gone: `empirical_threshold` undone.

    Examples
    --------
    >>> ones = np.ones(4)
    >>> events = WeightedSample.of_classes(np.array([4.0, 3.0, 2.0, 1.0]), 10 * ones, 0 * ones)
    >>> up_to(events, 2.5).total  # two events of weight 10, and half of the third
    25.0
    """
    above = events.value >= threshold
    if above.all() or not above.any():
        return events.select(above)
    last, following = events.value[above].min(), events.value[~above].max()
    share = (last - threshold) / (last - following)
    at_next = events.value == following
    shared = np.where(at_next, share, 1.0)
    scaled = events.scaled(shared)
    return scaled.select(above | at_next) if share > 0 else events.select(above)


def _empirical_error(events: WeightedSample, target: float) -> float:
    """Return half the distance of the cuts one standard deviation above and below the target."""
    sigma = up_to(events, empirical_threshold(events, target)).total_error
    low, high = (empirical_threshold(events, target + k * sigma) for k in (-1, 1))
    return (low - high) / 2


def count_background(scores: WeightedSample, cut: Cut, config: WorkingPoint) -> BackgroundYield:
    """Count the background above a cut; where the cut was fitted, by the fit to the tail.

    Raises
    ------
    NoLimitError
        If no background passes a counted cut, or the tail cannot be fitted well enough.
    """
    background = scores.background
    passing = up_to(background, cut.threshold)
    raw, counted, n_eff = background.above(cut.threshold).raw, passing.total, passing.n_eff
    if cut.method == "tail_fit" and n_eff < config.min_n_eff:
        tail = fit_tail(background, config.tail, config.seed)
        expected, error = tail.events(cut.threshold)
        if error > config.tail.max_relative_error * expected:
            raise NoLimitError(
                f"the fit to the tail gives {expected:.3g} ± {error:.2g} events above the cut, "
                f"more than {config.tail.max_relative_error:.0%} of error: simulate more background"
            )
        errors = 0.0, error, expected * tail.shared, expected * tail.assumed
        return BackgroundYield(expected, counted, raw, n_eff, *errors, expected * tail.shares)
    if counted <= 0:
        raise NoLimitError(
            f"no background left after the cut at log-odds {cut.threshold:.3f}: of "
            f"{background.raw} events {raw} pass, with a yield of {counted:.3g}; simulate "
            "more background"
        )
    per_process = np.bincount(passing.kind, passing.weight, len(scores.processes)).astype(float)
    errors = passing.total_error, 0.0, passing.shared_error, passing.assumed_error
    return BackgroundYield(counted, counted, raw, n_eff, *errors, per_process)


def signal_yield(scores: WeightedSample, threshold: float) -> tuple[float, float, int]:
    """Return the signal's yield above the cut, its Monte Carlo error and raw count.

    Examples
    --------
    >>> scores = WeightedSample.of_classes(np.array([2.0, 1.0]), np.array([3.0, 4.0]), np.ones(2))
    >>> signal_yield(scores, 0.0), signal_yield(scores, 1.5)
    ((7.0, 5.0, 2), (3.0, 3.0, 1))
    """
    passing = scores.signal.above(threshold)
    return passing.total, passing.total_error, passing.raw
