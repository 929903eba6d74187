"""Straight lines through log-odds: the class of events by weighted logistic regression.

One number or two turn a network's log-odds into calibrated ones (Platt, 1999; Guo et al.,
arXiv:1706.04599), and the same fit tells how far they were from calibrated (Cox, Biometrika 45
(1958) 562).

scikit-learn's regression gives no errors, and none of it knows a prior of slope 1. Newton's method
for two numbers is short, and gives the errors of weighted events beside them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.weighted import WeightedSample

PRIOR = 1.0
"""Width of the normal prior of the offset about 0 and of the slope about 1, which bounds both
where the log-odds separate the classes; without effect where there are events to measure them."""


@dataclass(frozen=True)
class Line:
    """ln(p / (1 − p)) = offset + slope · log-odds.

    Attributes
    ----------
    offset, slope : float
    covariance : NDArray, [2, 2]
        Of (offset, slope), from the spread of the weighted events themselves (sandwich form).
    """

    offset: float
    slope: float
    covariance: NDArray[np.float64]

    @property
    def errors(self) -> tuple[float, float]:
        """Standard errors of offset and slope."""
        first, second = np.sqrt(np.diag(self.covariance))
        return float(first), float(second)

    @property
    def chi2(self) -> float:
        """Squared distance from offset 0 and slope 1 in units of the errors."""
        away = np.array([self.offset, self.slope - 1.0])
        return float(away @ np.linalg.pinv(self.covariance, hermitian=True) @ away)


def fit_line(
    sample: WeightedSample, offset: bool = True, prior: float = PRIOR, steps: int = 100
) -> Line:
    """Return the line that makes log-odds those of the class.

    Parameters
    ----------
    sample : WeightedSample
        Log-odds with weights that are not negative; their scale does not matter. Both classes must
        occur.
    offset : bool
        Whether the offset is fitted, or zero.
    prior : float
        See `PRIOR`; the weights are scaled to their effective number of events beside it.
    steps : int
        Largest number of Newton steps.

    Returns
    -------
    Line
        The slope is positive: the order of the log-odds stays.
    """
    log_odds, signal, weight = sample.value, sample.is_signal, sample.weight
    x = np.stack([np.ones_like(log_odds), log_odds]) if offset else log_odds[np.newaxis]
    centre = np.array([0.0, 1.0]) if offset else np.array([1.0])
    total, squares = weight.sum(), np.sum(sample.error**2)
    scaled = weight * total / squares
    parameters = centre.copy()
    value = _loss(parameters, x, signal, scaled, centre, prior)
    for _ in range(steps):
        probability = _sigmoid(parameters @ x)
        away = probability - signal
        residual = scaled * away
        slope = x @ residual + (parameters - centre) / prior**2
        curvature = (x * (scaled * probability * (1 - probability))) @ x.T
        curvature += np.eye(len(parameters)) / prior**2
        step = np.linalg.solve(curvature, slope)
        while (new := _loss(parameters - step, x, signal, scaled, centre, prior)) > value:
            step = step / 2
            if np.abs(step).max() < 1e-12:
                break
        parameters, moved, value = parameters - step, np.abs(step).max(), min(value, new)
        if moved < 1e-10:
            break
    residual = sample.error * total / squares * away
    spread = (x * residual) @ (x * residual).T
    inverse = np.linalg.inv(curvature)
    covariance = inverse @ (spread + np.eye(len(parameters)) / prior**2) @ inverse
    if not offset:
        covariance = np.array([[0.0, 0.0], [0.0, covariance.item()]])
        parameters = np.array([0.0, parameters.item()])
    return Line(float(parameters[0]), max(float(parameters[1]), 1e-3), covariance)


def _loss(
    line: NDArray[np.float64],
    x: NDArray[np.float64],
    signal: NDArray[np.bool_],
    weight: NDArray[np.float64],
    centre: NDArray[np.float64],
    prior: float,
) -> float:
    """Weighted cross entropy with the prior's penalty."""
    entropy = np.logaddexp(0.0, np.where(signal, -1.0, 1.0) * (line @ x))
    return float(weight @ entropy + np.sum((line - centre) ** 2) / (2 * prior**2))


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.exp(-np.logaddexp(0.0, -x))
    return result
