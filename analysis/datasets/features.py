"""Event tables to padded tensors: the tokens and masks that the networks read."""

from collections.abc import Callable, Mapping

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from analysis.datasets.kinematics import add_jets
from common.angles import delta_phi
from common.features import KINEMATIC_FEATURES

# Logarithms of masses and momenta start at this value [GeV]: a massless subjet stays finite.
SMALLEST_GEV = 1e-3


def per_jet(array: ak.Array) -> NDArray[np.float32]:
    """Return a [N, 2] array of numbers as NumPy's, whatever its list type, also for N = 0."""
    return np.asarray(ak.to_numpy(ak.flatten(array)), dtype=np.float32).reshape(-1, 2)


def pad(array: ak.Array, length: int) -> NDArray[np.float32]:
    """Return a [N, 2, var] array as [N, 2, length], cut or zero padded."""
    return pad_lists(ak.flatten(array), length).reshape(-1, 2, length)


def pad_lists(array: ak.Array, length: int) -> NDArray[np.float32]:
    """Return a [N, var] array as [N, length], cut or zero padded."""
    padded = ak.fill_none(ak.pad_none(array, length, clip=True), 0)
    return np.asarray(ak.to_numpy(padded), dtype=np.float32).reshape(-1, length)


def log_gev(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Natural logarithm of momenta, energies or masses [GeV], finite down to zero.

    Examples
    --------
    >>> log_gev(np.float32([1.0, np.e])).tolist()
    [0.0, 1.0]
    """
    return np.log(np.maximum(values, SMALLEST_GEV))


def constituent_tokens(
    events: ak.Array, length: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return constituent features and mask.

    Parameters
    ----------
    events : ak.Array
        Rows of an event table.
    length : int
        Tokens per fat jet.

    Returns
    -------
    features : [N, 2, length, 15] float32
        `CONSTITUENT_FEATURES`, and `DISPLACEMENT_FEATURES` of a table that has them: (η′, φ′) in
        the oriented frame, Δη and Δφ to the jet axis as they lie in the detector, logarithms of
        pT, E [GeV] and of their fractions of the jet, ΔR,
        charge, one-hot class.
    mask : [N, 2, length] bool
        True for a constituent, False for padding (whose features are zero).
    """
    particles = events["constituent"]
    mask = pad(ak.ones_like(particles["pt"]), length) > 0
    deta, dphi = pad(particles["deta"], length), pad(particles["dphi"], length)
    log_pt, log_energy = (log_gev(pad(particles[name], length)) for name in ("pt", "energy"))
    jets = events["fatjet"]
    jet_pt, jet_energy = (per_jet(jets[name])[:, :, None] for name in ("pt", "energy"))
    kind = pad(particles["kind"] + 1, length)
    features = np.stack(
        [
            pad(particles["eta"], length),
            pad(particles["phi"], length),
            deta,
            dphi,
            log_pt,
            log_energy,
            log_pt - log_gev(jet_pt),
            log_energy - log_gev(jet_energy),
            np.hypot(deta, dphi),
            pad(particles["charge"], length),
            *((kind == code + 1) for code in range(5)),
            *displacement(particles, lambda values: pad(values, length)),
        ],
        axis=-1,
        dtype=np.float32,
    )
    return features * mask[..., None], mask


def displacement(
    particles: ak.Array, padded: Callable[[ak.Array], NDArray[np.float32]]
) -> list[NDArray[np.float32]]:
    """Return the columns of `DISPLACEMENT_FEATURES`; none of particles without impact parameters.

    tanh(d₀ / mm), tanh(z / mm), and their errors in mm, at most 1: the inputs of Particle
    Transformer (arXiv:2202.03772).
    """
    if "d0" not in particles.fields:
        return []
    values = {name: padded(particles[name]) for name in ("d0", "error_d0", "dz", "error_dz")}
    change = {"d0": np.tanh, "dz": np.tanh}
    return [change.get(name, clipped)(column) for name, column in values.items()]


def clipped(error: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return errors [mm] between 0 and 1."""
    return np.clip(error, 0, 1)


def subjet_tokens(events: ak.Array, length: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return subjet features [N, 2, length, 6] (`SUBJET_FEATURES`, lab frame) and mask.

    Δη and Δφ are relative to the fat jet's axis; energies are those of (pT, η, m).
    """
    subjets = events["subjet"]
    mask = pad(ak.ones_like(subjets["pt"]), length) > 0
    pt, eta, phi, mass = (pad(subjets[name], length) for name in ("pt", "eta", "phi", "mass"))
    jets = events["fatjet"]
    jet_pt, jet_eta, jet_phi = (per_jet(jets[name])[:, :, None] for name in ("pt", "eta", "phi"))
    energy = np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
    dphi = delta_phi(phi, jet_phi)
    features = np.stack(
        [
            eta - jet_eta,
            dphi,
            log_gev(pt),
            log_gev(energy),
            log_gev(mass),
            log_gev(pt) - log_gev(jet_pt),
        ],
        axis=-1,
        dtype=np.float32,
    )
    return features * mask[..., None], mask


def object_tokens(events: ak.Array, length: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return features of the objects of the event [N, length, 11] (`OBJECT_FEATURES`) and mask.

    `DISPLACEMENT_FEATURES` follow, of a table that has them.

    φ is relative to the event's axis in the transverse plane, so that a rotation about the beam
    changes nothing and no fat jet is needed: the axis of the largest Σ pT² cos²(φ − φ₀), which is
    φ₀ = ½ atan2(Σ pT² sin 2φ, Σ pT² cos 2φ), towards the side where Σ pT² cos(φ − φ₀) > 0.
    """
    objects = events["object"]
    mask = pad_lists(ak.ones_like(objects["pt"]), length) > 0
    pt, energy, eta = (pad_lists(objects[name], length) for name in ("pt", "energy", "eta"))
    phi = pad_lists(objects["phi"], length).astype(np.float64)
    phi -= transverse_axis(pt.astype(np.float64), phi)[:, None]
    kind = pad_lists(objects["kind"] + 1, length)
    features = np.stack(
        [
            eta,
            np.sin(phi),
            np.cos(phi),
            log_gev(pt),
            log_gev(energy),
            pad_lists(objects["charge"], length),
            *((kind == code + 1) for code in range(5)),
            *displacement(objects, lambda values: pad_lists(values, length)),
        ],
        axis=-1,
        dtype=np.float32,
        casting="same_kind",
    )
    return features * mask[..., None], mask


def transverse_axis(pt: NDArray[np.float64], phi: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the azimuth φ₀ [N] of the axis of the events' momenta [N, M] (see `object_tokens`).

    Examples
    --------
    >>> back_to_back = np.array([[0.5, 0.5 + np.pi]])
    >>> transverse_axis(np.array([[100.0, 90.0]]), back_to_back).round(3).tolist()
    [0.5]
    """
    weight = pt**2
    axis = 0.5 * np.arctan2((weight * np.sin(2 * phi)).sum(1), (weight * np.cos(2 * phi)).sum(1))
    turned = (weight * np.cos(phi - axis[:, None])).sum(1) < 0
    return np.where(turned, axis + np.pi, axis)


def kinematic_tokens(events: ak.Array) -> NDArray[np.float32]:
    """Return [N, 3, 6] float32: (m, η, φ, pT, E, θ) of fat jets 1 and 2 and of their sum H.

    Masses, pT and E in GeV, angles in rad; θ of H is zero by definition.
    """
    return with_sum(
        np.stack([per_jet(events["fatjet"][name]) for name in KINEMATIC_FEATURES], axis=-1)
    )


def with_sum(jets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return [N, 3, 6] float32: two fat jets [N, 2, 6] as `kinematic_tokens` has them, and H."""
    columns = dict(
        zip(KINEMATIC_FEATURES, np.moveaxis(jets.astype(np.float64), -1, 0), strict=True)
    )
    higgs = add_jets(*(columns[name] for name in ("pt", "eta", "phi", "energy")))
    higgs["theta"] = np.zeros(len(jets))
    token = np.stack([higgs[name] for name in KINEMATIC_FEATURES], axis=-1)
    return np.concatenate([jets, token[:, None].astype(np.float32)], axis=1)


def leading_subjet_flavour(events: ak.Array) -> NDArray[np.int8]:
    """Return the flavour (5 b, 4 c, 0 light, −1 no such subjet) of the two leading subjets.

    Shape [N, 2 fat jets, 2 subjets].
    """
    flavour = events["subjet"]["flavour"]
    return (pad(flavour, 2) - 1 + (pad(ak.ones_like(flavour), 2))).astype(np.int8)


def tensors(
    events: ak.Array, max_constituents: int, max_subjets: int, max_objects: int = 0
) -> Mapping[str, np.ndarray]:
    """Return all network inputs of a table of events, by the names of the dataset.

    With `max_objects`, of a table that has them, those of the whole event, too.
    """
    constituents, constituent_mask = constituent_tokens(events, max_constituents)
    subjets, subjet_mask = subjet_tokens(events, max_subjets)
    whole = (
        zip(("objects", "object_mask"), object_tokens(events, max_objects), strict=True)
        if (max_objects)
        else ()
    )
    return {
        "constituents": constituents,
        "constituent_mask": constituent_mask,
        "subjets": subjets,
        "subjet_mask": subjet_mask,
        "kinematics": kinematic_tokens(events),
        **dict(whole),
    }
