"""The cut on the score that leaves a wanted number of background events, and what passes it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.config.statistics import WorkingPoint
from analysis.scores import Scores
from analysis.significance import NoLimitError
from analysis.tail_fit import Tail, effective_number, fit_tail


@dataclass(frozen=True)
class Cut:
    """A cut on the log-odds, found on validation events.

    Attributes
    ----------
    threshold, error : float
        The cut in log-odds, and its statistical error.
    method : str
        "empirical" or "tail_fit".
    """

    threshold: float
    error: float
    method: str


@dataclass(frozen=True)
class Passing:
    """The background behind a cut, counted on test events.

    Attributes
    ----------
    expected : float
        Yield; from the tail fit where the cut is.
    counted, raw, n_eff : float, int, float
        Yield, raw and effective number of the test events behind the cut.
    statistical_error, tail_error : float
        Monte Carlo error of a counted yield, or error of a fitted one; the other is zero.
    per_process : NDArray, [P]
        Yields that sum to `expected`.
    """

    expected: float
    counted: float
    raw: int
    n_eff: float
    statistical_error: float
    tail_error: float
    per_process: NDArray[np.float64]


def find_cut(
    validation: Scores, config: WorkingPoint, events: float | None = None, raw_scale: float = 1.0
) -> Cut:
    """Find the cut that leaves `events` background events.

    Parameters
    ----------
    validation : Scores
        Events on which to find the cut; signal is ignored.
    config : WorkingPoint
        Reading, and when and how to fit the tail.
    events : float, optional
        In place of `config.background_events`.
    raw_scale : float
        Validation events per test event, with which reading `mc` scales its target.

    Raises
    ------
    NoLimitError
        If the background is too small for the target, or its tail cannot be fitted.
    """
    background = validation.background
    target = config.background_events if events is None else events
    counting = config.reading == "mc"
    weight = np.ones_like(background.weight) if counting else background.weight
    target = target * raw_scale if counting else target
    if weight.sum() <= target:
        raise NoLimitError(
            f"the whole validation background is {weight.sum():.4g} events and the working point "
            f"asks for {target:.4g}: lower working_point.background_events or simulate more"
        )
    threshold = empirical_threshold(background.log_odds, weight, target)
    n_eff = effective_number(weight[background.log_odds >= threshold])
    if n_eff >= config.min_n_eff:
        return Cut(threshold, _empirical_error(background.log_odds, weight, target), "empirical")
    tail = _tail(background, config)
    return Cut(*tail.threshold(target), "tail_fit")


def empirical_threshold(
    log_odds: NDArray[np.float64], weight: NDArray[np.float64], target: float
) -> float:
    """Return the score behind which `target` events lie, interpolated between scores."""
    values, index = np.unique(-log_odds, return_inverse=True)
    behind = np.maximum.accumulate(np.cumsum(np.bincount(index, weight)))
    return float(-np.interp(target, behind, values))


def _empirical_error(
    log_odds: NDArray[np.float64], weight: NDArray[np.float64], target: float
) -> float:
    """Return half the distance of the cuts one standard deviation above and below the target."""
    cut = empirical_threshold(log_odds, weight, target)
    sigma = float(np.sqrt(np.sum(weight[log_odds >= cut] ** 2)))
    low, high = (empirical_threshold(log_odds, weight, target + k * sigma) for k in (-1, 1))
    return (low - high) / 2


def count_background(test: Scores, cut: Cut, config: WorkingPoint) -> Passing:
    """Count the test background behind a cut; where the cut was fitted, fit the tail again.

    The test events' own tail fit makes the estimate independent of the events that set the cut.

    Raises
    ------
    NoLimitError
        If no test background passes an empirical cut, or the test tail cannot be fitted.
    """
    background = test.background
    passing = background.log_odds >= cut.threshold
    weight, process = background.weight[passing], background.process[passing]
    n_eff, counted = effective_number(weight), float(weight.sum())
    if cut.method == "tail_fit" and n_eff < config.min_n_eff:
        tail = _tail(background, config)
        expected, error = tail.events(cut.threshold)
        return Passing(expected, counted, len(weight), n_eff, 0.0, error, expected * tail.shares)
    if counted <= 0:
        raise NoLimitError(
            f"no background left after the cut at log-odds {cut.threshold:.3f}: of "
            f"{len(background.weight)} test events {len(weight)} pass, with a yield of "
            f"{counted:.3g}; simulate more background"
        )
    per_process = np.bincount(process, weight, len(test.processes)).astype(np.float64)
    error = float(np.sqrt(np.sum(weight**2)))
    return Passing(counted, counted, len(weight), n_eff, error, 0.0, per_process)


def signal_yield(test: Scores, threshold: float) -> tuple[float, float, int]:
    """Return the signal's yield behind the cut, its Monte Carlo error and raw count."""
    weight = test.weight[test.signal & (test.log_odds >= threshold)]
    return float(weight.sum()), float(np.sqrt(np.sum(weight**2))), len(weight)


def _tail(background: Scores, config: WorkingPoint) -> Tail:
    return fit_tail(
        background.log_odds,
        background.weight,
        config.tail,
        config.seed,
        background.process,
        len(background.processes),
    )
