"""The Asimov discovery significance with an uncertain background, and its inverse."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from common.errors import NoLimitError

_SERIES_TERMS = 17
_LARGEST_SIGNAL = 1e15


def log1p_minus(y: ArrayLike) -> NDArray[np.float64]:
    """Return ln(1 + y) − y for y > −1, to full precision also where the two cancel.

    With t = y / (2 + y), ln(1 + y) = 2 artanh t and y = 2t / (1 − t), so the difference is
    −y t + 2 (t³/3 + t⁵/5 + …), summed for −1/2 ≤ y ≤ 1 (|t| ≤ 1/3) and taken directly beyond.

    Examples
    --------
    >>> f"{log1p_minus(1e-8):.4e}"  # −y²/2; ln(1 + y) alone keeps eight digits of y
    '-5.0000e-17'
    """
    y = np.asarray(y, dtype=np.float64)
    small = np.clip(y, -0.5, 1.0)
    t = small / (2 + small)
    total = np.zeros_like(t)
    for k in range(_SERIES_TERMS, 0, -1):
        total = t**2 * (total + 1 / (2 * k + 1))
    return np.where(y == small, -small * t + 2 * t * total, np.log1p(y) - y)


def asimov_significance(
    s: ArrayLike, b: ArrayLike, sigma_b: ArrayLike = 0.0
) -> NDArray[np.float64]:
    """Return the expected discovery significance of `s` events on a background `b` ± `sigma_b`.

    Written in x = s/b and r = σ²/b as
    Z²/(2b) = (1+x) ln(1 + x/(1 + r + xr)) − ln(1 + rx/(1+r)) / r. Below x = 1, where the two
    logarithms cancel, their linear terms are combined by hand to x² / ((1+r)(1+r+xr)).

    Parameters
    ----------
    s, b, sigma_b : array-like
        Expected signal and background events, and the background's absolute uncertainty.

    Returns
    -------
    NDArray
        Z_A, of the broadcast shape.

    Raises
    ------
    NoLimitError
        If a yield is not finite, s or σ_b negative, or b not positive.

    Notes
    -----
    Li & Ma, Astrophys. J. 272 (1983) 317; Cowan, Cranmer, Gross, Vitells, arXiv:1007.1727; with
    background uncertainty: G. Cowan, "Discovery sensitivity for a counting experiment with
    background uncertainty" (2012), eq. 20.

    Examples
    --------
    >>> round(float(asimov_significance(10.0, 100.0)), 3)  # near s/√b = 1
    0.984
    >>> round(float(asimov_significance(10.0, 100.0, 10.0)), 3)  # near s/√(b + σ²) = 0.707
    0.69
    """
    s, b, sigma_b = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in (s, b, sigma_b)))
    if not (np.isfinite(s) & np.isfinite(b) & np.isfinite(sigma_b)).all():
        raise NoLimitError("the yields of the significance must be finite")
    if (b <= 0).any():
        raise NoLimitError(f"the expected background must be positive, found {b.min():g}")
    if (s < 0).any() or (sigma_b < 0).any():
        raise NoLimitError(
            f"negative yields: signal {s.min():g}, background uncertainty {sigma_b.min():g}"
        )
    x, r = s / b, sigma_b**2 / b
    low = np.minimum(x, 1.0)
    y1, y2 = low / (1 + r + low * r), r * low / (1 + r)
    below = low**2 / ((1 + r) * (1 + r + low * r)) + (1 + low) * log1p_minus(y1)
    below -= _log1p_minus_over(y2, r, low)
    high = np.maximum(x, 1.0)
    ratio = r * high / (1 + r)
    above = (1 + high) * np.log1p(high / (1 + r + high * r))
    above -= (
        high / (1 + r) * np.where(ratio > 0, np.log1p(ratio) / np.where(ratio > 0, ratio, 1), 1)
    )
    return np.sqrt(2 * b * np.maximum(np.where(x < 1, below, above), 0.0))


def _log1p_minus_over(y: NDArray, r: NDArray, x: NDArray) -> NDArray[np.float64]:
    """Return (ln(1+y) − y) / r with y = r x / (1 + r): zero where r vanishes."""
    safe = np.where(y > 0, y, 1.0)
    return np.where(y > 0, log1p_minus(safe) / safe * x / (1 + r), 0.0)


def signal_for_significance(z: float, b: float, sigma_b: float = 0.0) -> float:
    """Return the signal s with Z_A(s, b, σ_b) = `z`, by bracketing.

    Parameters
    ----------
    z : float
        Target significance, positive.
    b, sigma_b : float
        Expected background events and their absolute uncertainty.

    Returns
    -------
    float
        s_up in events, to a relative precision of 1e-13.

    Raises
    ------
    NoLimitError
        If the yields are unusable (see `asimov_significance`) or no signal up to 1e15 events
        reaches `z`.

    Examples
    --------
    >>> round(signal_for_significance(1.645, 20.0), 3)
    7.795
    >>> round(signal_for_significance(1.645, 20.0, sigma_b=2.0), 3)
    8.685
    """
    if not (np.isfinite(z) and z > 0):
        raise NoLimitError(f"the target significance must be positive and finite, found {z}")

    def excess(s: float) -> float:
        return float(asimov_significance(s, b, sigma_b)) - z

    upper = z * np.hypot(np.sqrt(b), sigma_b) + z**2 if b > 0 else 1.0
    while excess(upper) < 0:
        upper *= 2
        if upper > _LARGEST_SIGNAL:
            raise NoLimitError(
                f"no signal up to {_LARGEST_SIGNAL:g} events reaches Z_A = {z:g} on a background "
                f"of {b:g} ± {sigma_b:g}"
            )
    return float(brentq(excess, 0.0, upper, xtol=1e-300, rtol=1e-13, maxiter=500))
