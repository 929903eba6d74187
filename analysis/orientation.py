"""The orientation of a fat jet: its principal axis turned onto the φ direction, and its flips."""

import awkward as ak
import numpy as np

_ISOTROPIC = 1e-6  # smallest relative anisotropy, and spread [rad], that has a direction
_ON_AXIS = 1e-9  # coordinates [rad] below this are on an axis and belong to no half


def unwrap(angle: ak.Array) -> ak.Array:
    """Return differences of azimuths, mapped to [−π, π)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def orient(eta: ak.Array, phi: ak.Array, pt: ak.Array) -> ak.Array:
    """Rotate and flip the constituents of each jet into its own frame.

    The constituents are centred at their pT-weighted centroid and rotated by θ, from the η towards
    the φ axis, so that the principal axis of their pT-weighted 2×2 covariance lies along φ:

        θ = ½ atan2(2 C_ηφ, C_φφ − C_ηη)  in (−π/2, π/2].

    Then either coordinate is mirrored if the half with more pT is on its negative side. A jet
    already rotated by α has θ − α (mod π) and, flips included, the same oriented constituents. A
    jet without a direction (isotropic, or a single particle) has θ = 0.

    Parameters
    ----------
    eta, phi : ak.Array [jets][n]
        Coordinates, φ unwrapped about the jet.
    pt : ak.Array [jets][n]
        Transverse momenta [GeV], above 0.

    Returns
    -------
    ak.Array [jets]
        {theta [rad], flip_eta, flip_phi, eta [n], phi [n]}.
    """
    total = ak.sum(pt, axis=1)
    eta = eta - ak.sum(pt * eta, axis=1) / total
    phi = phi - ak.sum(pt * phi, axis=1) / total
    theta = _angle(
        *(
            ak.to_numpy(ak.sum(pt * x * y, axis=1) / total)
            for x, y in ((eta, eta), (phi, phi), (eta, phi))
        )
    )
    cos, sin = np.cos(theta), np.sin(theta)
    eta, phi = cos * eta - sin * phi, sin * eta + cos * phi
    flip_eta, flip_phi = (_heavier_below(x, pt) for x in (eta, phi))
    return ak.zip(
        {
            "theta": theta,
            "flip_eta": flip_eta,
            "flip_phi": flip_phi,
            "eta": eta * np.where(flip_eta, -1, 1),
            "phi": phi * np.where(flip_phi, -1, 1),
        },
        depth_limit=1,
    )


def _angle(eta_eta: np.ndarray, phi_phi: np.ndarray, eta_phi: np.ndarray) -> np.ndarray:
    """Return the θ of covariance matrices."""
    spread = eta_eta + phi_phi
    anisotropy = np.hypot(phi_phi - eta_eta, 2 * eta_phi)
    directed = (anisotropy > _ISOTROPIC * spread) & (spread > _ISOTROPIC**2)
    theta = np.where(directed, np.arctan2(2 * eta_phi, phi_phi - eta_eta) / 2, 0.0)
    return np.where(theta <= -np.pi / 2, np.pi / 2, theta)


def _heavier_below(x: ak.Array, pt: ak.Array) -> np.ndarray:
    balance = ak.sum(pt * (x > _ON_AXIS), axis=1) - ak.sum(pt * (x < -_ON_AXIS), axis=1)
    return ak.to_numpy(balance) < 0
