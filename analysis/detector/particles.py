"""Generator particles of a batch of events, as flat arrays."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Particles:
    """All particles of a batch of N events, flattened; M entries in all.

    Attributes
    ----------
    offsets : int64 [N + 1]
        Event i owns the entries offsets[i] … offsets[i + 1] − 1.
    pid, status, charge : int32 [M]
        PDG code, HepMC status (1: stable), charge in units of e.
    px, py, pz, energy, mass : float64 [M]
        Four-momentum [GeV].
    x, y, z, t : float64 [M]
        Point of production [mm, mm/c].
    mother1, mother2, daughter1, daughter2 : int32 [M]
        Entry numbers within the event, −1 for none.
    """

    offsets: Ints
    pid: NDArray[np.int32]
    status: NDArray[np.int32]
    charge: NDArray[np.int32]
    px: Floats
    py: Floats
    pz: Floats
    energy: Floats
    mass: Floats
    x: Floats
    y: Floats
    z: Floats
    t: Floats
    mother1: NDArray[np.int32]
    mother2: NDArray[np.int32]
    daughter1: NDArray[np.int32]
    daughter2: NDArray[np.int32]

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.offsets) - 1

    @cached_property
    def event(self) -> Ints:
        """Event number of each particle, int64 [M]."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @cached_property
    def pt(self) -> Floats:
        """Transverse momentum [GeV], float64 [M]."""
        return np.hypot(self.px, self.py)

    @cached_property
    def eta(self) -> Floats:
        """Pseudorapidity, float64 [M]; ±999.9 for a particle along the beam, as Delphes has it."""
        return pseudorapidity(self.pt, self.pz)

    @cached_property
    def phi(self) -> Floats:
        """Azimuth [rad], float64 [M]."""
        return np.arctan2(self.py, self.px)

    def select(self, keep: NDArray[np.bool_]) -> Self:
        """Return the particles where `keep` [M] is true; mothers and daughters become −1."""
        counts = np.bincount(self.event[keep], minlength=len(self))
        kept = {f.name: getattr(self, f.name)[keep] for f in fields(self) if f.name != "offsets"}
        kept |= {name: np.full_like(kept[name], -1) for name in kept if name[:-1] in FAMILY}
        return type(self)(offsets=offsets_of(counts), **kept)

    def select_events(self, keep: NDArray[np.bool_]) -> Self:
        """Return the events where `keep` [N] is true, their particles untouched."""
        inside = keep[self.event]
        kept = {f.name: getattr(self, f.name)[inside] for f in fields(self) if f.name != "offsets"}
        return type(self)(offsets=offsets_of(np.diff(self.offsets)[keep]), **kept)


FAMILY = ("mother", "daughter")


def offsets_of(counts: NDArray[np.integer]) -> Ints:
    """Return the offsets [N + 1] of lists with `counts` [N] entries."""
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


def pseudorapidity(pt: Floats, pz: Floats) -> Floats:
    """Return η = asinh(pz/pT); ±999.9 where pT vanishes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.arcsinh(pz / pt)
    return np.where(pt > 0, eta, np.sign(pz) * 999.9)
