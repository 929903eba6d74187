"""Hard processes 2 → 2 from Pythia, without shower, as arrays."""

from dataclasses import dataclass

import numpy as np
import pythia8mc
from numpy.typing import NDArray

from analysis.detector.particles import Floats

STOP = ("PartonLevel:all = off", "HadronLevel:all = off")
"""Lines that end an event with its hard process."""
BOTTOM = 5
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


def draw(
    pythia: pythia8mc.Pythia, number: int, excited: tuple[bool, ...] = (True, False)
) -> tuple[HardProcesses, NDArray[np.int64], Floats]:
    """Draw hard processes from an initialised Pythia that stops behind them.

    Parameters
    ----------
    pythia : pythia8mc.Pythia
    number : int
        How many to draw.
    excited : tuple of bool
        Whether to return those into which a b quark comes, or those without, or both.

    Returns
    -------
    HardProcesses
        Those that are asked for.
    [N] int
        Their numbers among all drawn.
    [number] float
        The weights of all drawn.
    """
    momenta = np.empty((number, 4, 4))
    codes = np.empty((number, 4, 3), np.int64)
    scale, weight, place = np.empty(number), np.empty(number), []
    info = pythia.infoPython
    for n in range(number):
        while not pythia.next():
            pass
        record = pythia.process
        weight[n] = info().weight()
        is_excited = BOTTOM in (abs(record[FIRST].id()), abs(record[FIRST + 1].id()))
        if is_excited not in excited:
            continue
        for k in range(4):
            parton = record[FIRST + k]
            momenta[n, k] = parton.px(), parton.py(), parton.pz(), parton.e()
            codes[n, k] = parton.id(), parton.col(), parton.acol()
        scale[n] = record.scale()
        place.append(n)
    hard = HardProcesses(momenta, codes[..., 0], codes[..., 1:], scale, weight)
    rows = np.array(place, np.int64)
    return HardProcesses(*(column[rows] for column in vars(hard).values())), rows, weight
