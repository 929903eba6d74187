"""The background's tail in log-odds: a weighted generalised Pareto fit with bootstrap errors."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analysis.config.statistics import TailFit
from common.errors import NoLimitError
from common.weighted import WeightedSample
from common.weights import effective_number_of_sums

_GRID = 240
_STEP = 1 << 14  # events whose replicas are in memory at a time
_NEWTON_STEPS = 8
_SMALLEST_SHAPE = -0.9


@dataclass(frozen=True)
class Tail:
    """Fitted tails, the nominal one first and the bootstrap replicas after it.

    Attributes
    ----------
    start : float
        Log-odds u at which the tail starts.
    total : NDArray, [1 + B]
        Yield above u.
    shape, scale : NDArray, [1 + B]
        Pareto parameters ξ and β of the excess x − u.
    n_eff : float
        Effective events in the tail.
    shares : NDArray, [P]
        Share of each process in the tail's yield.
    shared, assumed : float
        Relative errors that its events share (`WeightedSample.shared_error`, `assumed_error`).
    """

    start: float
    total: NDArray[np.float64]
    shape: NDArray[np.float64]
    scale: NDArray[np.float64]
    n_eff: float
    shares: NDArray[np.float64]
    shared: float = 0.0
    assumed: float = 0.0

    def threshold(self, events: float) -> tuple[float, float]:
        """Return the cut that leaves `events`, and its bootstrap error.

        Raises
        ------
        NoLimitError
            If the tail holds fewer events than that.

        Examples
        --------
        >>> one = np.ones(3)  # ξ → 0: 100 e^−x events above x
        >>> tail = Tail(0.0, 100 * one, 1e-9 * one, one, 50.0, np.array([1.0]))
        >>> round(tail.threshold(10.0)[0], 3), round(tail.events(2.303)[0], 2)  # ln 10 and back
        (2.303, 10.0)
        """
        if self.total[0] < events:
            raise NoLimitError(
                f"the background's tail holds {self.total[0]:.4g} events, fewer than the "
                f"{events:.4g} to be left: simulate more background"
            )
        depth = np.log(np.maximum(self.total, 1e-300) / events)
        thresholds = self.start + self.scale * _expm1_over(depth, self.shape)
        return float(thresholds[0]), half_width(thresholds[1:])

    def events(self, threshold: float) -> tuple[float, float]:
        """Return the yield above `threshold`, and its bootstrap error.

        Raises
        ------
        NoLimitError
            If `threshold` lies before the tail's start, or beyond its end.
        """
        if threshold < self.start:
            raise NoLimitError(
                f"the cut at log-odds {threshold:.3f} lies before the tail's start at "
                f"{self.start:.3f}, and too few effective events lie above it to count them: "
                "simulate more background"
            )
        argument = np.maximum(1 + self.shape * (threshold - self.start) / self.scale, 1e-300)
        left = self.total * np.exp(-np.log(argument) / self.shape)
        if not left[0] > 0:
            raise NoLimitError(
                f"the fitted tail ends before the cut at log-odds {threshold:.3f}: no estimate "
                "of what passes; simulate more background"
            )
        return float(left[0]), half_width(left[1:])


def half_width(replicas: NDArray[np.float64]) -> float:
    """Return half the central 68.3% interval of the bootstrap replicas.

    Examples
    --------
    >>> round(half_width(np.linspace(-1, 1, 2001)), 3)  # of a uniform distribution
    0.683
    """
    low, high = np.quantile(replicas, [0.158655, 0.841345])
    return float(high - low) / 2


def _expm1_over(depth: NDArray, shape: NDArray) -> NDArray[np.float64]:
    """Return (exp(ξ d) − 1) / ξ; |ξ| is never zero on the fit's grid."""
    return np.expm1(shape * depth) / shape


def tail_size(ordered: WeightedSample, config: TailFit) -> int:
    """Return how many of the rows, sorted by falling score, make up the tail.

    The tail is the smallest one with `config.n_eff` effective events, within
    `config.max_fraction` of the yield.

    Raises
    ------
    NoLimitError
        If even the largest tail, or the whole background, has fewer than `config.min_n_eff`
        effective events: if one event dominates, an equally heavy one could lie beyond any cut.
    """
    total = np.cumsum(ordered.weight)
    n_eff = effective_number_of_sums(np.maximum(total, 0), np.cumsum(ordered.error**2))
    _require(n_eff[-1], config, "the whole background")
    allowed = total <= config.max_fraction * total[-1]
    largest = int(np.flatnonzero(allowed)[-1]) + 1 if allowed.any() else 0
    resolved = np.flatnonzero(n_eff[:largest] >= config.n_eff)
    count = int(resolved[0]) + 1 if len(resolved) else largest
    _require(n_eff[count - 1] if count else 0.0, config, "the background's tail")
    return count


def _require(n_eff: float, config: TailFit, what: str) -> None:
    if n_eff < config.min_n_eff:
        raise NoLimitError(
            f"{what} has {n_eff:.2g} effective events and a fit to its tail needs "
            f"{config.min_n_eff:g}: simulate more background, or weight it by a tag map"
        )


def fit_tail(background: WeightedSample, config: TailFit, seed: int) -> Tail:
    """Fit a generalised Pareto distribution to the upper tail of weighted log-odds.

    The likelihood is profiled on a grid of θ = ξ/β, where the best ξ at given θ is the weighted
    mean of ln(1 + θy) (Grimshaw, Technometrics 35 (1993) 185), shrunk by a Gaussian prior about the
    exponential tail ξ = 0. On the grid, one matrix product fits all bootstrap replicas. A row that
    stands for several events is drawn as its scaled Poisson number (Bohm, Zech, NIM A 748 (2014)
    1), which has the mean and variance of theirs. Each replica draws the prior's centre from the
    prior, so that the spread of the replicas holds what the prior does not know as well as what the
    events do not. The bias of the estimate, which pulls the threshold down by a third of its error
    for 100 effective events, is taken off.

    Parameters
    ----------
    background : WeightedSample
        Log-odds and yields of the background alone.
    config : TailFit
        Where the tail starts, the prior, the number of replicas.
    seed : int
        Seed of the Poisson bootstrap.

    Raises
    ------
    NoLimitError
        If the tail holds too few effective events.
    """
    ordered = background.falling()
    x, count = ordered.value, tail_size(ordered, config)
    start = x[count - 1] if count == len(x) else (x[count - 1] + x[count]) / 2
    tail = ordered.select(slice(count))
    y, w = tail.value - start, tail.weight
    if y.max() <= 0:
        raise NoLimitError("the background's tail holds a single score: nothing to fit")
    columns = (column.tobytes() for column in (y, w, tail.error))
    total, shape, scale = _fit(*columns, config.bootstrap, config.shape_prior, seed)
    shape, scale = _unbiased(shape, scale, tail.n_eff, config.shape_prior)
    shares = np.bincount(tail.kind, w, minlength=len(tail.processes)) / w.sum()
    relative = tail.shared_error / float(w.sum()), tail.assumed_error / float(w.sum())
    return Tail(float(start), total, shape, scale, tail.n_eff, shares, *relative)


@lru_cache(maxsize=8)
def _fit(
    y: bytes, w: bytes, error: bytes, bootstrap: int, prior: float, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the yields, ξ and β of a tail and of its replicas, [1 + B] each.

    One row of limits asks for the same tail several times: columns are bytes, to be looked up.
    """
    values, weights, errors = (np.frombuffer(column) for column in (y, w, error))
    rng = np.random.default_rng(seed)
    theta = _grid(values, weights)
    total, squares, m = _sums_of_replicas(values, weights, errors, theta, bootstrap, rng)
    centre = np.append(0.0, rng.normal(0, prior, len(total) - 1))
    shape, scale, found = _fit_replicas(theta, m, total**2 / squares, prior, centre)
    return total[found], shape[found], scale[found]


def _grid(y: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values of θ = ξ/β [G] on which the likelihood is profiled."""
    mean = w @ y / w.sum()
    grid = np.sinh(np.linspace(0.02, 5, _GRID // 2)) / np.sinh(5)
    return np.concatenate([-grid[::-1] / y.max() * (1 - 1e-6), 5 * grid / mean])


def _sums_of_replicas(
    y: NDArray[np.float64],
    w: NDArray[np.float64],
    error: NDArray[np.float64],
    theta: NDArray[np.float64],
    bootstrap: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return Σw, Σw² and the mean of ln(1 + θy) of the events and of their replicas.

    [1 + B], [1 + B] and [1 + B, G]; replicas without weight are left out. A row counts as its n
    effective events, of which k are drawn; k(1 + (k − 1)/n) is then the mean of the sum of squares
    of how often each of them is.
    """
    n = np.where(error > 0, (w / np.where(error > 0, error, 1)) ** 2, 1.0)
    total, squares, logs = (np.zeros((bootstrap + 1, *shape)) for shape in ((), (), theta.shape))
    for first in range(0, len(y), _STEP):
        part = slice(first, first + _STEP)
        each, alike = w[part] / n[part], 1 / n[part]
        drawn = rng.poisson(n[part], (bootstrap, len(each)))
        replicas = np.concatenate([w[None, part], drawn * each])
        total += replicas.sum(axis=1)
        square = replicas**2 * alike
        square[1:] += drawn * (each**2 * (1 - alike))
        squares += square.sum(axis=1)
        logs += replicas @ np.log1p(np.outer(y[part], theta))
    kept = np.append(True, total[1:] > 0)
    return total[kept], squares[kept], logs[kept] / total[kept, None]


def _fit_replicas(
    theta: NDArray[np.float64],
    m: NDArray[np.float64],
    n_eff: NDArray[np.float64],
    prior: float,
    centre: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return ξ, β and whether there is such a fit, [R] each, from means of ln(1 + θy) [R, G]."""
    n = n_eff[:, None]
    shape = _shrunk(m, n * prior**2, centre[:, None])
    # with negative weights the mean of ln(1 + θy) may have the sign that θ has not
    possible = np.asarray((shape > _SMALLEST_SHAPE) & (theta / shape > 0))
    found = np.asarray(possible.any(axis=1))
    if not found[0]:
        raise NoLimitError("the background's tail has too many negative weights to be fitted")
    log_likelihood = n * (np.log(np.where(possible, theta / shape, 1.0)) - (1 + 1 / shape) * m)
    log_likelihood -= (shape - centre[:, None]) ** 2 / (2 * prior**2)
    log_likelihood = np.where(possible, log_likelihood, -np.inf)
    best = np.argmax(log_likelihood, axis=1)
    rows = np.arange(len(m))
    return shape[rows, best], shape[rows, best] / theta[best], found


def _unbiased(
    shape: NDArray[np.float64], scale: NDArray[np.float64], n_eff: float, prior: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ξ and β without the bias of maximum likelihood to order 1/n, as it is at ξ = 0.

    ξ comes out too small by 3/n and β too large by 3β/n (Giles, Feng, Godwin, Commun. Stat. 45
    (2016) 2465, with Cox and Snell's expansion); of ξ, the prior takes its share.
    """
    moved = 3 / n_eff * n_eff / (n_eff + prior**-2)
    shape = shape + moved
    shape = np.where(np.abs(shape) < 1e-9, 1e-9, shape)
    return shape, scale * max(1 - moved, 0.0)


def _shrunk(
    m: NDArray[np.float64], k: NDArray[np.float64], centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the root of ξ²(ξ − ξ₀) = k (m − ξ), the best ξ at given θ, by Newton's method.

    The difference rises with ξ for ξ₀² < 3k, so that the root is unique and has the sign of m.
    """
    centre = np.clip(centre, -1.7 * np.sqrt(k), 1.7 * np.sqrt(k))
    shape = np.copysign(np.minimum(np.abs(m), np.cbrt(k * np.abs(m)) + np.abs(centre)), m)
    for _ in range(_NEWTON_STEPS):
        value = shape**2 * (shape - centre) - k * (m - shape)
        shape = shape - value / (3 * shape**2 - 2 * centre * shape + k)
    return np.copysign(np.maximum(np.abs(shape), 1e-9), m)
