"""Four-vector arithmetic on plain arrays in (pT, η, φ, E)."""

import numpy as np
import vector
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def add_jets(pt: Floats, eta: Floats, phi: Floats, energy: Floats) -> dict[str, Floats]:
    """Return the four-vector sum over the second axis.

    Parameters
    ----------
    pt, eta, phi, energy : [N, M]
        Momenta and energies [GeV], angles [rad].

    Returns
    -------
    dict
        `mass`, `eta`, `phi`, `pt`, `energy` of the sum, each [N].
    """
    jets = vector.array({"pt": pt, "eta": eta, "phi": phi, "energy": energy})
    total = jets.sum(axis=1)
    return {
        name: np.asarray(getattr(total, name)) for name in ("mass", "eta", "phi", "pt", "energy")
    }


def invariant_mass(pt: Floats, eta: Floats, phi: Floats, energy: Floats) -> Floats:
    """Return the invariant mass [GeV] of the sum over the second axis, [N].

    Examples
    --------
    >>> pt, phi = np.full((1, 2), 500.0), np.array([[0.0, np.pi]])
    >>> invariant_mass(pt, np.zeros((1, 2)), phi, pt).round(6).tolist()  # back to back, massless
    [1000.0]
    """
    return add_jets(pt, eta, phi, energy)["mass"]
