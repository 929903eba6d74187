"""The parametric detector: from generator particles to energy flow."""

from dataclasses import dataclass

import numpy as np

from analysis.config.detector import Detector
from analysis.simulation.calorimeter import Towers, measure
from analysis.simulation.particles import Particles
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
    """

    tracks: Tracks
    photons: Towers
    neutral_hadrons: Towers


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
    photons, tracks = measure(stable, flown, tracks, detector.ecal, rng)
    neutral_hadrons, tracks = measure(stable, flown, tracks, detector.hcal, rng)
    return Response(tracks.sorted_by_event(), photons, neutral_hadrons)
