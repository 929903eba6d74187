"""The orientation of a fat jet: its principal axis turned onto the φ direction, and its flips."""

import awkward as ak
import numpy as np

from common.lists import Lists

_ISOTROPIC = 1e-6  # smallest relative anisotropy, and spread [rad], that has a direction
_ON_AXIS = 1e-9  # coordinates [rad] below this are on an axis and belong to no half


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

    Examples
    --------
    >>> pair = ak.Array([[0.0, 0.2]])
    >>> jet = orient(pair, pair, ak.ones_like(pair))[0]  # two equal prongs along the diagonal
    >>> round(float(jet.theta / np.pi), 4), np.round(jet.phi, 4).tolist()  # eta: all zero
    (0.25, [-0.1414, 0.1414])
    """
    counts = ak.to_numpy(ak.num(pt))
    jet = np.repeat(np.arange(len(counts)), counts)
    x, y, weight = (ak.to_numpy(ak.flatten(a)).astype(np.float64) for a in (eta, phi, pt))

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(jet, values, len(counts))

    weight /= total(weight)[jet]
    x -= total(weight * x)[jet]
    y -= total(weight * y)[jet]
    theta = _angle(total(weight * x * x), total(weight * y * y), total(weight * x * y))
    cos, sin = np.cos(theta)[jet], np.sin(theta)[jet]
    x, y = cos * x - sin * y, sin * x + cos * y
    flip_eta, flip_phi = (total(weight * _side(a)) < 0 for a in (x, y))
    oriented = {"eta": np.where(flip_eta[jet], -x, x), "phi": np.where(flip_phi[jet], -y, y)}
    constituents = Lists(counts, oriented).array()
    return ak.zip(
        {
            "theta": theta,
            "flip_eta": flip_eta,
            "flip_phi": flip_phi,
            "eta": constituents.eta,
            "phi": constituents.phi,
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


def _side(x: np.ndarray) -> np.ndarray:
    """Return the sign of a coordinate, 0 on the axis."""
    return np.sign(x) * (abs(x) > _ON_AXIS)
