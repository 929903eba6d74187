"""Angles about the beam."""

import awkward as ak
import numpy as np


def unwrap(angle: ak.Array) -> ak.Array:
    """Return differences of azimuths, mapped to [−π, π)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi
