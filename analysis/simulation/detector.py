"""The parametric detector: from generator particles to energy flow, jets and missing energy."""

from dataclasses import dataclass

import numpy as np

from analysis.config.detector import Detector
from analysis.simulation.calorimeter import Towers, measure
from analysis.simulation.jets import Jets, find_jets
from analysis.simulation.particles import Floats, Particles
from analysis.simulation.propagation import Cylinder, propagate
from analysis.simulation.tracking import Tracks, find_tracks


@dataclass(frozen=True)
class Response:
    """What the detector measures in a batch of N events.

    Attributes
    ----------
    tracks : Tracks
        Energy-flow tracks.
    photons, neutral_hadrons : Towers
        Energy-flow towers of the electromagnetic and the hadronic calorimeter.
    jets : Jets
        Anti-kT jets of all calorimeter towers.
    met, met_phi, scalar_ht : float64 [N]
        Missing transverse momentum [GeV, rad] and scalar sum of pT [GeV] of the energy flow.
    """

    tracks: Tracks
    photons: Towers
    neutral_hadrons: Towers
    jets: Jets
    met: Floats
    met_phi: Floats
    scalar_ht: Floats


def simulate(particles: Particles, detector: Detector, rng: np.random.Generator) -> Response:
    """Return the response of the detector to a batch of events.

    The steps and their order are those of Delphes' HL-LHC card: flight through the solenoid,
    tracking, electromagnetic and then hadronic calorimeter, each with its energy flow.

    Parameters
    ----------
    particles : Particles
        All generator particles of N events.
    detector : Detector
        Parameters of the detector.
    rng : numpy.random.Generator
        Source of all random numbers.
    """
    stable = particles.select(particles.status == 1)
    tracker = detector.tracker
    flown = propagate(stable, Cylinder(tracker.radius, tracker.half_length, tracker.field))
    tracks = find_tracks(stable, flown, tracker, rng)
    ecal, photons, tracks = measure(stable, flown, tracks, detector.ecal, rng)
    hcal, neutral_hadrons, tracks = measure(stable, flown, tracks, detector.hcal, rng)
    met, met_phi, scalar_ht = _sums(len(particles), (tracks, photons, neutral_hadrons))
    return Response(
        tracks=tracks.sorted_by_event(),
        photons=photons,
        neutral_hadrons=neutral_hadrons,
        jets=find_jets((ecal, hcal), particles, detector, rng),
        met=met,
        met_phi=met_phi,
        scalar_ht=scalar_ht,
    )


def _sums(n_events: int, flow: tuple[Tracks | Towers, ...]) -> tuple[Floats, Floats, Floats]:
    """Return |Σ pT|, φ of −Σ pT and Σ |pT| of each event."""

    def total(values: list[Floats]) -> Floats:
        summed = np.bincount(event, weights=np.concatenate(values), minlength=n_events)
        return summed.astype(np.float64)

    event = np.concatenate([objects.event for objects in flow])
    px = total([objects.pt * np.cos(objects.phi) for objects in flow])
    py = total([objects.pt * np.sin(objects.phi) for objects in flow])
    return np.hypot(px, py), np.arctan2(-py, -px), total([objects.pt for objects in flow])
