"""Events of one kind of particle, for the tests of the simulation."""

from dataclasses import fields

import numpy as np

from analysis.detector.detector import Response
from analysis.detector.particles import Particles


def scalar_sums(response: Response, events: int) -> np.ndarray:
    """Return Σ pT [GeV] of the energy flow of each event."""
    flow = (response.tracks, response.photons, response.neutral_hadrons)
    return sum(np.bincount(part.event, part.pt, events) for part in flow)


def one_particle(**values: float) -> Particles:
    """Return an event with one stable particle: a charged pion of 10 GeV along x by default."""
    pid = int(values.pop("pid", 211))
    charge = int(values.pop("charge", 1))
    defaults = {"px": 10.0, "py": 0.0, "pz": 0.0, "mass": 0.13957, "x": 0.0, "y": 0.0, "z": 0.0}
    found = {key: np.array([value]) for key, value in (defaults | values).items()}
    energy = np.sqrt(sum(found[key] ** 2 for key in ("px", "py", "pz", "mass")))
    integer = np.zeros(1, np.int32)
    return Particles(
        offsets=np.array([0, 1]),
        pid=integer + pid,
        status=integer + 1,
        charge=integer + charge,
        energy=energy,
        t=np.zeros(1),
        mother1=integer - 1,
        mother2=integer - 1,
        daughter1=integer - 1,
        daughter2=integer - 1,
        **found,
    )


def many(particle: Particles, copies: int) -> Particles:
    """Return `copies` events like that of one particle."""
    repeated = {
        field.name: np.repeat(getattr(particle, field.name), copies)
        for field in fields(Particles)
        if field.name != "offsets"
    }
    return Particles(offsets=np.arange(copies + 1), **repeated)
