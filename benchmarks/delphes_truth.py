"""The generator particles inside a Delphes file, as input of the parametric detector."""

from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from analysis.detector.particles import Particles, offsets_of

LEAVES = ("PID", "Status", "Charge", "Px", "Py", "Pz", "E", "Mass", "X", "Y", "Z", "T", "M1", "M2",
          "D1", "D2")  # fmt: skip
NAMES = ("pid", "status", "charge", "px", "py", "pz", "energy", "mass", "x", "y", "z", "t",
         "mother1", "mother2", "daughter1", "daughter2")  # fmt: skip


def read_particles(path: Path) -> Particles:
    """Return the generator particles of a Delphes file."""
    with uproot.open(path) as file:
        raw = file["Delphes"].arrays([f"Particle.{leaf}" for leaf in LEAVES])
    flat = {}
    for name, leaf in zip(NAMES, LEAVES, strict=True):
        values = ak.to_numpy(ak.flatten(raw[f"Particle.{leaf}"]))
        flat[name] = values.astype(np.int32 if values.dtype.kind == "i" else np.float64)
    return Particles(offsets=offsets_of(ak.to_numpy(ak.num(raw["Particle.PID"]))), **flat)
