"""Energy-flow polynomials: correlations of two, three and four constituents of a jet.

EFP = Σ z_i z_j … Π θ_kl, with z = pT / Σ pT and θ = ΔR^β, over all tuples of constituents and the
edges kl of a graph (Komiske, Metodiev, Thaler, arXiv:1712.07124). All graphs here are sums of
products of matrices, N³ operations a jet; the package energyflow does them one jet at a time.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NAMES = ("line", "wedge", "triangle", "star", "chain", "square", "diamond", "c2", "d2", "n2")
"""Two points: line. Three: wedge, triangle, C2, D2, N2. Four: star, chain, square, diamond."""

_STEP = 256  # jets whose matrices are in memory at a time


def energy_flow(
    pt: Floats, eta: Floats, phi: Floats, mask: NDArray[np.bool_], beta: float = 1.0
) -> dict[str, Floats]:
    """Return the polynomials `NAMES` of each jet.

    Parameters
    ----------
    pt : [J, N]
        Of the constituents [GeV].
    eta, phi : [J, N]
        Positions, from the jet axis or not [rad]; φ must not wrap within a jet.
    mask : [J, N] bool
        Constituents that exist.
    beta : float
        Power of the distances.

    Returns
    -------
    dict of [J]
        With the square being the cycle of four, the diamond the square and one diagonal. C2 and
        D2 are e₃/e₂² (arXiv:1305.0007) and e₃/e₂³ (arXiv:1409.6298), with e₂ = line / 2 and
        e₃ = triangle / 6. N2 is ₂e₃/e₂² (arXiv:1609.07483), with the two smaller of three distances
        in ₂e₃. All three are 0 for a jet of one constituent.

    Examples
    --------
    >>> found = energy_flow(  # equal pT on the corners of a triangle with sides of 1
    ...     np.ones((1, 3)),
    ...     np.array([[0.0, 1.0, 0.5]]),
    ...     np.array([[0.0, 0.0, np.sqrt(0.75)]]),
    ...     np.ones((1, 3), bool),
    ... )
    >>> {name: round(float(found[name][0]), 4) for name in ("line", "triangle", "c2", "d2")}
    {'line': 0.6667, 'triangle': 0.2222, 'c2': 0.3333, 'd2': 1.0}
    """
    steps = [slice(start, start + _STEP) for start in range(0, max(len(pt), 1), _STEP)]
    parts = [_of_jets(pt[rows], eta[rows], phi[rows], mask[rows], beta) for rows in steps]
    return {name: np.concatenate([part[name] for part in parts]) for name in NAMES}


def _of_jets(
    pt: Floats, eta: Floats, phi: Floats, mask: NDArray[np.bool_], beta: float
) -> dict[str, Floats]:
    z, eta, phi = (np.where(mask, array, 0.0).astype(np.float64) for array in (pt, eta, phi))
    z /= np.maximum(z.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    distance = np.hypot(eta[:, :, None] - eta[:, None], phi[:, :, None] - phi[:, None])
    theta = distance**beta
    pair = z[:, :, None] * z[:, None]
    near = np.einsum("jab,jb->ja", theta, z)  # Σ_b z_b θ_ab
    two_steps = (theta * z[:, None]) @ theta  # Σ_b θ_ab z_b θ_bc
    line = (z * near).sum(axis=1)
    triangle = (pair * theta * two_steps).sum(axis=(1, 2))
    found = {
        "line": line,
        "wedge": (z * near**2).sum(axis=1),
        "triangle": triangle,
        "star": (z * near**3).sum(axis=1),
        "chain": (pair * theta * near[:, :, None] * near[:, None]).sum(axis=(1, 2)),
        "square": (pair * two_steps**2).sum(axis=(1, 2)),
        "diamond": (pair * theta * two_steps**2).sum(axis=(1, 2)),
    }
    e2, e3 = line / 2, triangle / 6
    ratios = (("c2", e3, 2), ("d2", e3, 3), ("n2", _two_angles(z, theta), 2))
    for name, top, power in ratios:
        found[name] = np.divide(top, e2**power, out=np.zeros_like(e2), where=e2 > 0)
    return found


def _two_angles(z: Floats, theta: Floats) -> Floats:
    """Return ₂e₃ = Σ_{a<b<c} z_a z_b z_c (the product of the two smaller θ) of each jet [J]."""
    total = np.zeros(len(z))
    for place in range(z.shape[1]):
        one, other = theta[:, place, :, None], theta[:, place, None]
        smaller = np.minimum(np.minimum(theta * one, theta * other), one * other)
        total += z[:, place] * np.einsum("ja,jab,jb->j", z, smaller, z, optimize=True)
    return total / 6
