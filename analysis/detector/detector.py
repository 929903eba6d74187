"""The parametric detector: from generator particles to energy flow."""

from dataclasses import dataclass

import numpy as np

from analysis.config.detector import Detector
from analysis.detector.calorimeter import Towers, measure
from analysis.detector.particles import Particles
from analysis.detector.propagation import Cylinder, propagate
from analysis.detector.tracking import ImpactParameters, Tracks, find_tracks, measure_impact


@dataclass(frozen=True)
class Response:
    """What the detector measures in a batch of N events.

    Attributes
    ----------
    tracks : Tracks
        Energy-flow tracks.
    photons, neutral_hadrons : Towers
        Energy-flow towers of the electromagnetic and the hadronic calorimeter.
    impact : ImpactParameters
        Of the tracks.
    """

    tracks: Tracks
    photons: Towers
    neutral_hadrons: Towers
    impact: ImpactParameters


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
        Source of all random numbers. Those of the impact parameters come from one that it spawns,
        so that nothing else depends on them.
    """
    stable = particles.select(particles.status == 1)
    tracker = detector.tracker
    flown = propagate(stable, Cylinder(tracker.radius, tracker.half_length, tracker.field))
    tracks = find_tracks(stable, flown, tracker, rng)
    photons, tracks = measure(stable, flown, tracks, detector.ecal, rng)
    neutral_hadrons, tracks = measure(stable, flown, tracks, detector.hcal, rng)
    tracks = tracks.sorted_by_event()
    (own,) = rng.spawn(1)
    measured = (tracks.source, tracker.field, detector.impact_parameters)
    impact = measure_impact(stable, *measured, own)
    return Response(tracks, photons, neutral_hadrons, impact)
