"""Calorimeter jets with the flavour of their partons and a parametric b tag."""

from dataclasses import dataclass

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

from analysis.config.detector import BTagging, Detector
from analysis.simulation.calorimeter import Towers
from analysis.simulation.particles import Floats, Particles

BOTTOM, CHARM, GLUON = 5, 4, 21
PARTON_PT_MIN, PARTON_ETA_MAX = 5.0, 4.0
"""Partons that give a jet its flavour: pT [GeV] above, |η| below (the card's settings)."""


@dataclass(frozen=True)
class Jets:
    """Jets of a batch of events, pT ordered within each; arrays of K.

    Attributes
    ----------
    event : int64
        Event number.
    pt, eta, phi, mass : float64
        Four-momentum [GeV, rad].
    flavour : int64
        |PDG code| of the heaviest parton inside; 21 if only gluons are, 0 for none.
    b_tag : int64
        1 if tagged.
    """

    event: NDArray[np.int64]
    pt: Floats
    eta: Floats
    phi: Floats
    mass: Floats
    flavour: NDArray[np.int64]
    b_tag: NDArray[np.int64]


def find_jets(
    towers: tuple[Towers, ...], particles: Particles, detector: Detector, rng: np.random.Generator
) -> Jets:
    """Return the anti-kT jets of the calorimeter towers.

    Parameters
    ----------
    towers : tuple of Towers
        Towers of all calorimeters.
    particles : Particles
        All generator particles, for the flavour.
    detector : Detector
        Radius and thresholds of the jets, b-tagging efficiencies.
    rng : numpy.random.Generator
        Source of the random numbers.
    """
    event = np.concatenate([t.event for t in towers])
    order = np.argsort(event, kind="stable")
    energy, eta, phi = (
        np.concatenate([getattr(t, name) for t in towers])[order]
        for name in ("energy", "eta", "phi")
    )
    pt = energy / np.cosh(eta)
    flat = {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta), "E": energy}
    counts = np.bincount(event, minlength=len(particles))
    inputs = ak.unflatten(ak.zip(flat, with_name="Momentum4D"), counts)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, detector.jet_radius)
    found = fastjet.ClusterSequence(inputs, definition).inclusive_jets(detector.jet_pt_min)

    jet_event = np.repeat(np.arange(len(particles)), ak.to_numpy(ak.num(found)))
    px, py, pz, e = (ak.to_numpy(ak.flatten(found[name])) for name in ("px", "py", "pz", "E"))
    jet_pt = np.sqrt(px**2 + py**2)
    order = np.lexsort((-jet_pt, jet_event))
    jet_event, jet_pt = jet_event[order], jet_pt[order]
    px, py, pz, e = px[order], py[order], pz[order], e[order]
    jet_eta, jet_phi = np.arcsinh(pz / jet_pt), np.arctan2(py, px)
    flavour = _flavour(jet_event, jet_eta, jet_phi, particles, detector.flavour_cone)
    probability = tag_probability(jet_pt, jet_eta, flavour, detector.b_tagging)
    return Jets(
        event=jet_event,
        pt=jet_pt,
        eta=jet_eta,
        phi=jet_phi,
        mass=np.sqrt(np.maximum(e**2 - px**2 - py**2 - pz**2, 0.0)),
        flavour=flavour,
        b_tag=(rng.random(len(jet_pt)) < probability).astype(np.int64),
    )


def tag_probability(
    pt: Floats, eta: Floats, flavour: NDArray[np.int64], parameters: BTagging
) -> Floats:
    """Return the probability that a jet of this pT [GeV], η and flavour is b-tagged."""
    region = np.searchsorted([2.5, 4.0], np.abs(eta), side="right")
    plateau = np.select(
        [flavour == BOTTOM, flavour == CHARM],
        [
            np.append(parameters.bottom, 0.0)[region],
            np.append(parameters.charm, 0.0)[region],
        ],
        np.append(parameters.light, 0.0)[region],
    )
    fall = np.where(pt > 500.0, np.maximum(1 - pt / 5000.0, 0.0), 1.0)
    return np.where(pt > 10.0, plateau * fall, 0.0)


def _flavour(
    event: NDArray[np.int64], eta: Floats, phi: Floats, particles: Particles, cone: float
) -> NDArray[np.int64]:
    """Return the |PDG code| of the heaviest quark within the cone, 21 for gluons only, else 0."""
    code = np.abs(particles.pid)
    is_parton = (code <= BOTTOM) | (code == GLUON)
    is_parton &= (particles.pt > PARTON_PT_MIN) & (np.abs(particles.eta) < PARTON_ETA_MAX)
    counts = np.bincount(particles.event[is_parton], minlength=len(particles))
    rank = np.where(code[is_parton] == GLUON, 0, code[is_parton])
    partons = ak.unflatten(
        ak.zip({"eta": particles.eta[is_parton], "phi": particles.phi[is_parton], "rank": rank}),
        counts,
    )
    jets = ak.unflatten(
        ak.zip({"eta": eta, "phi": phi}), np.bincount(event, minlength=len(particles))
    )
    jet, parton = ak.unzip(ak.cartesian([jets, partons], nested=True))
    dphi = (jet.phi - parton.phi + np.pi) % (2 * np.pi) - np.pi
    near = np.hypot(jet.eta - parton.eta, dphi) <= cone
    heaviest = ak.max(ak.where(near, parton.rank, -1), axis=2, initial=-1, mask_identity=False)
    flat = ak.to_numpy(ak.flatten(heaviest)).astype(np.int64)
    return np.where(flat == 0, GLUON, np.maximum(flat, 0))
