"""The cut on the score that leaves a wanted number of background events, and what passes it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.config.statistics import WorkingPoint
from analysis.scores import Scores
from analysis.significance import NoLimitError
from analysis.tail_fit import Tail, effective_number, fit_tail


class TooFewWantedError(NoLimitError):
    """The whole background is less than what the working point is to leave."""


@dataclass(frozen=True)
class Cut:
    """A cut on the log-odds, found on validation events.

    Attributes
    ----------
    threshold, error : float
        The cut in log-odds, and its statistical error.
    method : str
        "empirical", "tail_fit" or "resolved" (the hardest cut that the sample resolves).
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
    counted = background.counted() if counting else background
    target = target * raw_scale if counting else target
    if counted.weight.sum() <= target:
        raise TooFewWantedError(
            f"the whole validation background is {counted.weight.sum():.4g} events and the working "
            f"point asks for {target:.4g}: lower working_point.background_events or simulate more"
        )
    threshold = empirical_threshold(counted.log_odds, counted.weight, target)
    passing = counted.behind(threshold)
    if effective_number(passing.weight, passing.error) >= config.min_n_eff:
        return Cut(threshold, _empirical_error(counted, target), "empirical")
    tail = _tail(background, config)
    return Cut(*tail.threshold(target), "tail_fit")


def resolved_cut(validation: Scores, config: WorkingPoint) -> Cut:
    """Return the hardest cut with `config.min_n_eff` effective background events behind it.

    A limit from a looser cut than the wanted one is weaker, and as valid.

    Raises
    ------
    NoLimitError
        If the whole background has fewer effective events than that.
    """
    background = validation.background
    ordered = background.select(np.argsort(-background.log_odds, kind="stable"))
    total, squares = np.cumsum(ordered.weight), np.cumsum(ordered.error**2)
    enough = np.flatnonzero(np.maximum(total, 0) ** 2 >= config.min_n_eff * squares)
    if not len(enough):
        raise NoLimitError(
            "the whole validation background has "
            f"{effective_number(ordered.weight, ordered.error):.3g} effective events "
            f"and a cut needs {config.min_n_eff:g} behind it: simulate more background"
        )
    last = int(enough[0])
    error = _empirical_error(ordered, float(total[last]))
    return Cut(float(ordered.log_odds[last]), error, "resolved")


def cut_and_count(
    split: Mapping[str, Scores], config: WorkingPoint, events: float | None = None
) -> tuple[Cut, Passing, str]:
    """Find the cut on validation events and count the test background behind it.

    Where the cut that leaves the configured number of events, or the background behind it, cannot
    be had, or no signal passes it, `config.fallback` says what happens. A number given as `events`
    is asked for as it is, without fallback.

    Returns
    -------
    cut : Cut
    passing : Passing
    reason : str
        Why the cut is not the wanted one; empty where it is.

    Raises
    ------
    NoLimitError
        If there is no cut to count behind.
    """
    validation, test = split["validation"], split["test"]
    scale = validation.background.events.sum() / test.background.events.sum()
    try:
        cut = find_cut(validation, config, events, scale)
        return cut, _with_signal(test, cut, config), ""
    except NoLimitError as error:
        wanted = config.fallback == "resolved" and events is None
        if not wanted or isinstance(error, TooFewWantedError):
            raise
        cut = resolved_cut(validation, config)
        return cut, _with_signal(test, cut, config), str(error)


def _with_signal(test: Scores, cut: Cut, config: WorkingPoint) -> Passing:
    if signal_yield(test, cut.threshold)[0] <= 0:
        raise NoLimitError(
            f"no signal left after the cut at log-odds {cut.threshold:.3f}: no cross section can "
            "be excluded"
        )
    return count_background(test, cut, config)


def empirical_threshold(
    log_odds: NDArray[np.float64], weight: NDArray[np.float64], target: float
) -> float:
    """Return the score behind which `target` events lie, interpolated between scores."""
    values, index = np.unique(-log_odds, return_inverse=True)
    behind = np.maximum.accumulate(np.cumsum(np.bincount(index, weight)))
    return float(-np.interp(target, behind, values))


def _empirical_error(events: Scores, target: float) -> float:
    """Return half the distance of the cuts one standard deviation above and below the target."""
    sample = (events.log_odds, events.weight)
    passing = events.behind(empirical_threshold(*sample, target))
    sigma = float(np.sqrt(np.sum(passing.error**2)))
    low, high = (empirical_threshold(*sample, target + k * sigma) for k in (-1, 1))
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
    passing = background.behind(cut.threshold)
    raw, counted = int(passing.events.sum()), float(passing.weight.sum())
    n_eff = effective_number(passing.weight, passing.error)
    if cut.method == "tail_fit" and n_eff < config.min_n_eff:
        tail = _tail(background, config)
        expected, error = tail.events(cut.threshold)
        return Passing(expected, counted, raw, n_eff, 0.0, error, expected * tail.shares)
    if counted <= 0:
        raise NoLimitError(
            f"no background left after the cut at log-odds {cut.threshold:.3f}: of "
            f"{background.events.sum()} test events {raw} pass, with a yield of "
            f"{counted:.3g}; simulate more background"
        )
    per_process = np.bincount(passing.process, passing.weight, len(test.processes))
    error = float(np.sqrt(np.sum(passing.error**2)))
    return Passing(counted, counted, raw, n_eff, error, 0.0, per_process.astype(np.float64))


def signal_yield(test: Scores, threshold: float) -> tuple[float, float, int]:
    """Return the signal's yield behind the cut, its Monte Carlo error and raw count."""
    passing = test.select(test.signal & (test.log_odds >= threshold))
    error = float(np.sqrt(np.sum(passing.error**2)))
    return float(passing.weight.sum()), error, int(passing.events.sum())


def _tail(background: Scores, config: WorkingPoint) -> Tail:
    return fit_tail(
        background.log_odds,
        background.weight,
        config.tail,
        config.seed,
        background.process,
        len(background.processes),
        background.error,
    )
