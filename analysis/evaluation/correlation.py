"""How much one quantity tells about another, angles included: canonical correlations."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from common.weights import effective_number_of_sums

_CONSTANT = 1e-10  # variance over mean square below which a direction is constant


def on_circle(angle: NDArray[np.float64], period: float) -> NDArray[np.float64]:
    """Return an angle [N] as the point [N, 2] on the unit circle that stands for it.

    θ, the direction of an axis, has the period π; an azimuth has 2π.
    """
    turn = 2 * np.pi * angle / period
    return np.stack([np.cos(turn), np.sin(turn)], axis=-1)


class Moments:
    """Weighted means and covariances of several quantities, summed up in steps.

    Parameters
    ----------
    sizes : mapping of str to int
        Name of each quantity and its number of components: 1, or 2 for an angle on the circle.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        ends = np.cumsum(list(sizes.values()))
        self.columns = {
            name: slice(int(end) - size, int(end))
            for (name, size), end in zip(sizes.items(), ends, strict=True)
        }
        total = int(ends[-1])
        self.weight = 0.0
        self.weight2 = 0.0
        self._sum = np.zeros(total)
        self._products = np.zeros((total, total))

    def add(self, values: Sequence[NDArray[np.float64]], weight: NDArray[np.float64]) -> None:
        """Add N events: values [N] or [N, components] in the order of the names, weight [N]."""
        x = np.concatenate([v.reshape(len(weight), -1) for v in values], axis=1, dtype=np.float64)
        self.weight += float(weight.sum())
        self.weight2 += float((weight**2).sum())
        self._sum += weight @ x
        self._products += (x * weight[:, None]).T @ x

    @property
    def n_eff(self) -> float:
        """Effective number of events, (Σw)²/Σw²."""
        return float(effective_number_of_sums(self.weight, self.weight2))

    def correlation(self, first: str, second: str) -> float:
        """Return the largest canonical correlation of two quantities, from 0 to 1.

        For two numbers it is |Pearson's r|; for an angle and a number the circular-linear
        correlation of Mardia, Biometrika 63 (1976) 403. NaN where either is constant.
        """
        if self.weight <= 0:
            return float("nan")
        square = self._products / self.weight
        mean = self._sum / self.weight
        covariance = square - np.outer(mean, mean)
        one, two = self.columns[first], self.columns[second]
        left, right = (_inverse_root(covariance[k, k], square[k, k].trace()) for k in (one, two))
        if not (left.any() and right.any()):
            return float("nan")
        canonical = np.linalg.svd(left @ covariance[one, two] @ right, compute_uv=False)[0]
        return float(min(canonical, 1.0))

    def by_chance(self, first: str, second: str) -> float:
        """Return √(pq/n_eff): what independent quantities of p and q components reach at most.

        It is the root mean square of all their canonical correlations together, in the limit of
        many events.
        """
        sizes = [self.columns[name].stop - self.columns[name].start for name in (first, second)]
        return float(np.sqrt(sizes[0] * sizes[1] / self.n_eff)) if self.n_eff else float("nan")


def _inverse_root(covariance: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Return the inverse square root of a covariance, zero along what is constant."""
    values, vectors = np.linalg.eigh(covariance)
    varies = values > _CONSTANT * scale
    inverse = np.where(varies, 1 / np.sqrt(np.where(varies, values, 1.0)), 0.0)
    root: NDArray[np.float64] = (vectors * inverse) @ vectors.T
    return root
