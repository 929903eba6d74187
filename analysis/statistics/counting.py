"""Exact expected CLs limits of a count, beside the asymptotic formula and pseudo-experiments.

The background B of a count has a gamma distribution of mean b and standard deviation σ_b. It is
never negative, whatever σ_b/b; it is the posterior of an auxiliary count of (b/σ_b)² events, the
model of the toys and of pyhf's `shapesys`; and the marginal count is a negative binomial, so that
no integral is left. A Gaussian would have to be cut at zero, which moves its mean.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats
from scipy.optimize import brentq, elementwise

from analysis.config.statistics import Limits
from analysis.statistics.cls import BANDS, ExpectedLimit, root_q
from analysis.statistics.limits import Normalisation, Row
from analysis.statistics.toys import NEGLIGIBLE, q_tilde, toy_limit
from common.errors import NoLimitError

Array = NDArray[np.float64]

AGREEMENT = 0.05
OTHERS = ("asymptotic", "toys")
BAND_NAMES = ("minus2", "minus1", "median", "plus1", "plus2")
COLUMNS = (
    *(f"cls_exact_{band}_fb" for band in BAND_NAMES),
    "cls_asymptotic_fb", "cls_toys_fb", "cls_toys_error_fb", "cls_disagree", "cls_exact_reason",
)  # fmt: skip

_LARGEST = 1e8  # background events, for which the sum has 2·10⁵ terms
_RAREST = 1e-10  # chance of a count below which the sums below have no digits left
_SPREAD, _MARGIN = 9.0, 40  # of a Poisson distribution: what lies outside weighs less than 1e-17


def background_count(b: float, sigma_b: float) -> stats.distributions.rv_frozen:
    """Return the distribution of the count under the background alone.

    Parameters
    ----------
    b, sigma_b : float
        Background and its absolute uncertainty [events]; below 1e-3 of b it counts as known.

    Returns
    -------
    rv_frozen
        Negative binomial of mean b and variance b + σ_b²; Poisson for a known background.

    Raises
    ------
    NoLimitError
        If b or σ_b is negative, not finite or above 1e8, or σ_b positive for b = 0.

    Examples
    --------
    >>> count = background_count(20.0, 2.0)
    >>> round(float(count.mean()), 6), round(float(count.var()), 6)  # b and b + σ_b²
    (20.0, 24.0)
    """
    if not (0 <= b <= _LARGEST and 0 <= sigma_b <= _LARGEST):
        raise NoLimitError(
            f"b = {b:g} and sigma_b = {sigma_b:g} give no exact limit: take numbers of events from "
            f"0 to {_LARGEST:g}"
        )
    if b == 0 and sigma_b > 0:
        raise NoLimitError(
            f"sigma_b = {sigma_b:g} at b = 0 gives no exact limit: take sigma_b = 0 or b > 0"
        )
    if sigma_b <= NEGLIGIBLE * b:  # also at b = 0, and at a b so small that its 1e-3 is zero
        return stats.poisson(b)
    return stats.nbinom((b / sigma_b) ** 2, 1 / (1 + sigma_b**2 / b))


def exact_cls(n: ArrayLike, s: ArrayLike, b: float, sigma_b: float = 0.0) -> Array:
    """Return CLs = P(N ≤ n | s + B) / P(N ≤ n | B) of observed counts, marginal in B.

    P(N ≤ n | s + B) = Σ_j Pois(j | s) P(N ≤ n − j | B) has one term per signal count j.

    Parameters
    ----------
    n, s : array-like
        Observed counts and signal events, which are broadcast.
    b, sigma_b : float
        Background and its absolute uncertainty [events].

    Returns
    -------
    NDArray
        Of the broadcast shape.

    Raises
    ------
    NoLimitError
        If a yield is unusable (see `background_count`), n or s negative, or a count so low that
        the background allows it with less than 1e-10.

    Notes
    -----
    Read, J. Phys. G 28 (2002) 2693; the marginal background: Cousins, Highland, NIM A 320 (1992)
    331.

    Examples
    --------
    >>> round(float(exact_cls(0, 3.0, 2.0, 1.0)), 4)  # exp(−3), whatever the background
    0.0498
    """
    count = background_count(b, sigma_b)
    n, s = np.broadcast_arrays(np.asarray(n, np.float64), np.asarray(s, np.float64))
    if not ((n >= 0) & (s >= 0) & np.isfinite(n) & np.isfinite(s)).all():
        raise NoLimitError("n and s must be finite and not negative: check counts and signal")
    below = count.cdf(n)
    if (below < _RAREST).any():
        raise NoLimitError(
            f"n = {n[below < _RAREST].min():g} is too low for b = {b:g} ± {sigma_b:g} events: "
            "check b, or widen sigma_b"
        )
    return np.minimum(_at_most(n, s, count) / below, 1.0)


def _at_most(n: Array, s: Array, count: stats.distributions.rv_frozen) -> Array:
    """Return P(N ≤ n | s + B), [...]: the sum over signal counts j within ±9σ of s."""
    if count.dist is stats.poisson:
        return special.pdtr(n, s + count.mean())
    reach = np.ceil(_SPREAD * np.sqrt(s.max(initial=0.0))) + _MARGIN
    j = np.floor(s)[..., None] + np.arange(-reach, reach + 1)
    return np.sum(stats.poisson.pmf(j, s[..., None]) * count.cdf(n[..., None] - j), axis=-1)


def exact_upper_limit(
    n: ArrayLike, b: float, sigma_b: float = 0.0, confidence_level: float = 0.95
) -> Array:
    """Return the exact CLs upper limits on the number of signal events for observed counts.

    Since CLs = P(S + B ≤ n | B ≤ n) ≤ P(S ≤ n), no limit is above that without background, which
    brackets the root.

    Parameters
    ----------
    n : array-like
        Observed counts.
    b, sigma_b : float
        Background and its absolute uncertainty [events].
    confidence_level : float
        For example 0.95.

    Returns
    -------
    NDArray
        Signal events, of the shape of n.

    Raises
    ------
    NoLimitError
        As `exact_cls`.

    Examples
    --------
    >>> round(float(exact_upper_limit(0, 0.0)), 3)  # −ln 0.05
    2.996
    """
    n = np.asarray(n, np.float64)
    exact_cls(n, 0.0, b, sigma_b)  # refuses what it cannot use
    alpha = 1 - confidence_level
    upper = 1.001 * special.gammaincinv(n + 1, confidence_level)
    root = elementwise.find_root(
        lambda s, n: exact_cls(n, s, b, sigma_b) - alpha, (np.zeros_like(upper), upper), args=(n,)
    )
    return np.asarray(root.x)


def exact_limit(b: float, sigma_b: float, confidence_level: float) -> ExpectedLimit:
    """Return the exact limits on the number of signal events expected without signal.

    The limit rises with the count, so the bands are the limits at the quantiles of the count under
    the background alone: the smallest n with P(N ≤ n | B) ≥ Φ(band). Counts are whole numbers, so
    that the bands move in steps, and fall together where b is small.

    Parameters
    ----------
    b, sigma_b : float
        Background and its absolute uncertainty [events].
    confidence_level : float
        For example 0.95.

    Raises
    ------
    NoLimitError
        As `background_count`.

    Examples
    --------
    >>> round(exact_limit(0.01, 0.0, 0.95).median, 3)  # no event: −ln 0.05
    2.996
    """
    counts = background_count(b, sigma_b).ppf(stats.norm.cdf(BANDS))
    limits = exact_upper_limit(np.maximum(counts, 0), b, sigma_b, confidence_level)
    return ExpectedLimit(tuple(limits.tolist()))


def asymptotic_limit(b: float, sigma_b: float, confidence_level: float) -> ExpectedLimit:
    """Return the asymptotic expected limits on the signal events, by the q̃ of the toys.

    √q̃ of the Asimov data n = b at the limit is that of `root_q` (arXiv:1007.1727, eq. 89).

    Parameters
    ----------
    b, sigma_b : float
        Background and its absolute uncertainty [events]; below 1e-3 of b it counts as known.
    confidence_level : float
        For example 0.95.

    Raises
    ------
    NoLimitError
        If b is not positive, or as `background_count`.

    Examples
    --------
    >>> round(asymptotic_limit(1e6, 0.0, 0.95).median / 1e3, 2)  # in units of √b: Φ⁻¹(0.975)
    1.96
    """
    background_count(b, sigma_b)
    if b == 0:
        raise NoLimitError("b = 0 gives no asymptotic limit: take b > 0")
    tau = np.inf if sigma_b < NEGLIGIBLE * b else (b / sigma_b) ** 2
    n, a = np.array([b]), np.array([tau])

    def excess(s: float, target: float) -> float:
        return float(np.sqrt(q_tilde(s, n, a, b, tau)[0])) - target

    values = []
    for band in BANDS:
        target, upper = root_q(band, confidence_level), 1.0 + b
        while excess(upper, target) < 0:
            upper *= 2
        values.append(float(brentq(excess, 0.0, upper, args=(target,))))
    return ExpectedLimit(tuple(values))


def disagreeing(exact: float, others: Mapping[str, float]) -> str:
    """Return the names of the limits more than 5% from the exact one, joined by `+`.

    Examples
    --------
    >>> disagreeing(3.0, {"asymptotic": 2.4, "toys": 3.1})
    'asymptotic'
    """
    return "+".join(name for name, x in others.items() if abs(x - exact) > AGREEMENT * exact)


def counting_row(row: Row, norm: Normalisation, config: Limits) -> Row:
    """Return the median CLs limits [fb] of the count of a Z_A limit, and which disagree.

    Parameters
    ----------
    row : Row
        Of `limit_row`: efficiency, b and σ_b are those of the Z_A limit.
    norm : Normalisation
        Luminosity and branching ratio.
    config : Limits
        Confidence level, and number and seed of the toys.

    Returns
    -------
    Row
        `COLUMNS`, the exact limit with its bands; where there is none, `cls_exact_reason` says why.
    """
    nothing: Row = dict.fromkeys(COLUMNS)
    if row["status"] != "ok":
        return nothing | {"cls_exact_reason": row["reason"]}
    efficiency, b, sigma_b = (
        float(row[name] or 0.0) for name in ("signal_efficiency", "b_expected", "sigma_b")
    )
    try:
        unit = norm.cross_section(1.0, efficiency)
        limits = _limits(b, sigma_b, config)
    except NoLimitError as error:
        return nothing | {"cls_exact_reason": str(error)}
    exact, *medians = (limit.scaled(unit) for limit in limits)
    others = {name: limit.median for name, limit in zip(OTHERS, medians, strict=True)}
    flag = disagreeing(exact.median, others)
    spread = medians[-1].errors[2]
    values: tuple[float | str, ...] = (*exact.values, *others.values(), spread, flag, "")
    return dict(zip(COLUMNS, values, strict=True))


def _limits(b: float, sigma_b: float, config: Limits) -> tuple[ExpectedLimit, ...]:
    """Return the exact limits and the others in the order of `OTHERS`; of the toys the median."""
    level = config.confidence_level
    return (
        exact_limit(b, sigma_b, level),
        asymptotic_limit(b, sigma_b, level),
        toy_limit(b, sigma_b, level, config.toys, config.seed, (0,)),
    )
