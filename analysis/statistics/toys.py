"""Expected CLs limits of a one-bin count by pseudo-experiments, for few background events."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm, poisson

from analysis.statistics.cls import BANDS, ExpectedLimit
from common.errors import NoLimitError

Array = NDArray[np.float64]
NEGLIGIBLE = 1e-3


def q_tilde(s: float, n: Array, a: Array, b: float, tau: float) -> Array:
    """Return q̃ of a signal `s` for counts n and auxiliary counts a (arXiv:1007.1727, eq. 16).

    The model is Pois(n | s + B) · Pois(a | τB/b): the background B is measured beside, to a
    relative precision 1/√τ. All maxima are in closed form.

    Parameters
    ----------
    s : float
        Signal events of the hypothesis.
    n, a : NDArray, [T]
        Observed and auxiliary counts.
    b, tau : float
        Nominal background, and nominal auxiliary count; τ = ∞ for a known background.

    Returns
    -------
    NDArray, [T]

    Examples
    --------
    >>> n = np.array([10.0, 20.0, 30.0])  # at n = b: 2 (s − b ln(1 + s/b)); at n ≥ s + b: 0
    >>> q_tilde(10.0, n, n, 10.0, np.inf).round(3).tolist()
    [6.137, 0.0, 0.0]
    """
    if np.isinf(tau):
        best = np.maximum(n - b, 0.0)
        value = 2 * (_nll(n, s + b) - _nll(n, best + b))
        return np.where(best > s, 0.0, np.maximum(value, 0.0))
    free = a * b / tau
    best = np.maximum(n - free, 0.0)
    at_best = np.where(best > 0, free, _conditional(0.0, n, a, b, tau))
    at_s = _conditional(s, n, a, b, tau)
    value = _nll(n, s + at_s) + _nll(a, at_s * tau / b)
    value -= _nll(n, best + at_best) + _nll(a, at_best * tau / b)
    return np.where(best > s, 0.0, np.maximum(2 * value, 0.0))


def _nll(n: Array, mean: Array | float) -> Array:
    """Return −ln Pois(n | mean) without its constant; 0 ln 0 = 0."""
    mean = np.maximum(mean, 1e-300)
    return mean - n * np.log(mean)


def _conditional(s: float, n: Array, a: Array, b: float, tau: float) -> Array:
    """Return the best B at given s: the positive root of kB² + (ks − n − a)B − as, k = 1 + τ/b."""
    k = 1 + tau / b
    p = k * s - n - a
    return (-p + np.sqrt(p**2 + 4 * k * a * s)) / (2 * k)


def toy_limit(
    b: float,
    sigma_b: float,
    confidence_level: float,
    toys: int,
    seed: int,
    bands: Sequence[int] = BANDS,
) -> ExpectedLimit:
    """Return the expected limits on the number of signal events, with their toy errors.

    The same random numbers serve every hypothesis, so that CLs falls smoothly with the signal.

    Parameters
    ----------
    b, sigma_b : float
        Background and its absolute uncertainty; below 1e-3 of b the background counts as known.
    confidence_level : float
        For example 0.95.
    toys : int
        Pseudo-experiments per hypothesis.
    seed : int
        Seed of the pseudo-experiments.
    bands : sequence of int
        The bands wanted; of the others limit and error are not a number.

    Raises
    ------
    NoLimitError
        If b is not positive, or no signal is excluded.
    """
    if not (b > 0 and np.isfinite(b) and np.isfinite(sigma_b)):
        raise NoLimitError(f"no toy limit for a background of {b} ± {sigma_b}")
    known = sigma_b < NEGLIGIBLE * b
    tau = np.inf if known else (b / sigma_b) ** 2
    rng = np.random.default_rng(seed)
    n_b, n_sb = rng.poisson(b, (2, toys)).astype(np.float64)
    a_b, a_sb = rng.poisson(0.0 if known else tau, (2, toys)).astype(np.float64)
    uniform = rng.random(toys)
    quantiles = norm.cdf(BANDS)

    def tails(s: float) -> tuple[Array, Array]:
        """p_s+b and p_b, [5], at the bands of background-only experiments."""
        q_b = np.sort(q_tilde(s, n_b, a_b, b, tau))
        q_sb = np.sort(q_tilde(s, n_sb + poisson.ppf(uniform, s), a_sb, b, tau))
        seen = np.quantile(q_b, 1 - quantiles, method="nearest")
        return _fraction_above(q_sb, seen), _fraction_above(q_b, seen)

    def cls(s: float, band: int) -> float:
        above, below = tails(s)
        return float(above[band] / below[band])

    alpha = 1 - confidence_level
    values, errors = np.full((2, len(BANDS)), np.nan)
    for band in map(BANDS.index, bands):
        upper = 3.0 + 2 * np.sqrt(b) + sigma_b
        while cls(upper, band) > alpha:
            upper *= 2
            if upper > 1e9 * (1 + b):
                raise NoLimitError("no number of signal events is excluded by the toys")
        limit = float(brentq(lambda s, k=band: cls(s, k) - alpha, 0.0, upper, rtol=1e-4))
        above, below = (p[band] for p in tails(limit))
        spread = np.sqrt(above * (1 - above) / toys) / below
        slope = (cls(0.9 * limit, band) - cls(1.1 * limit, band)) / (0.2 * limit)
        values[band], errors[band] = limit, spread / max(slope, 1e-300)
    return ExpectedLimit(tuple(values.tolist()), tuple(errors.tolist()))


def _fraction_above(ordered: Array, value: Array) -> Array:
    return 1 - np.searchsorted(ordered, value - 1e-9, side="left") / len(ordered)
