"""Angles about the beam; of numbers, arrays of NumPy or awkward, and tensors alike."""

from typing import Any

import numpy as np


def wrap(angle: Any) -> Any:
    """Return azimuths [rad] mapped to [−π, π).

    Examples
    --------
    >>> round(wrap(3.5), 4)  # 3.5 − 2π
    -2.7832
    """
    return (angle + np.pi) % (2 * np.pi) - np.pi


def delta_phi(phi: Any, other: Any) -> Any:
    """Return Δφ = φ − φ' [rad] in [−π, π).

    Examples
    --------
    >>> round(delta_phi(3.0, -3.0), 4)
    -0.2832
    """
    return wrap(phi - other)


def delta_r(eta: Any, phi: Any, other_eta: Any, other_phi: Any) -> Any:
    """Return ΔR = √(Δη² + Δφ²).

    Examples
    --------
    >>> round(float(delta_r(0.3, 3.1, 0.0, -3.1)), 4)  # Δφ = 6.2 − 2π = −0.0832
    0.3113
    """
    return np.hypot(eta - other_eta, delta_phi(phi, other_phi))
