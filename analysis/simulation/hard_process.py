"""Hard processes 2 → 2 from Pythia, without shower, as arrays."""

from dataclasses import dataclass

import numpy as np
import pythia8mc
from numpy.typing import NDArray

from analysis.simulation.particles import Floats

STOP = ("PartonLevel:all = off", "HadronLevel:all = off")
"""Lines that end an event with its hard process."""
FIRST = 3
"""Entry of the first incoming parton in Pythia's record of the hard process."""


@dataclass(frozen=True)
class HardProcesses:
    """N hard processes of two incoming and two outgoing partons, in this order.

    Attributes
    ----------
    momenta : [N, 4, 4]
        (px, py, pz, E) of each parton [GeV].
    ids : [N, 4]
        PDG codes.
    colours : [N, 4, 2]
        Colour and anticolour of each.
    scale : [N]
        Factorisation scale, at which the shower starts [GeV].
    weight : [N]
        Weights that undo a biased sampling; one on average of an unbiased one.
    """

    momenta: Floats
    ids: NDArray[np.int64]
    colours: NDArray[np.int64]
    scale: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.weight)

    def repeated(self, times: int) -> "HardProcesses":
        """Return each process that many times in a row."""
        return HardProcesses(*(np.repeat(column, times, axis=0) for column in vars(self).values()))


def draw(pythia: pythia8mc.Pythia, number: int) -> HardProcesses:
    """Return `number` hard processes of an initialised Pythia that stops behind them."""
    momenta = np.empty((number, 4, 4))
    codes = np.empty((number, 4, 3), np.int64)
    scale, weight = np.empty(number), np.empty(number)
    for n in range(number):
        while not pythia.next():
            pass
        record = pythia.process
        for k in range(4):
            parton = record[FIRST + k]
            momenta[n, k] = parton.px(), parton.py(), parton.pz(), parton.e()
            codes[n, k] = parton.id(), parton.col(), parton.acol()
        scale[n], weight[n] = record.scale(), pythia.infoPython().weight()
    return HardProcesses(momenta, codes[..., 0], codes[..., 1:], scale, weight)
