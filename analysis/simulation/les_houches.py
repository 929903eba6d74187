"""Events handed to Pythia in memory, as a Les Houches file would."""

from collections.abc import Iterator

import numpy as np
import pythia8mc

from analysis.simulation.forced import ForcedEvents

UNWEIGHTED = 3
"""Strategy: Pythia takes every event once; its weight is kept on our side."""
ALPHA_EM = 1 / 128


class LesHouches(pythia8mc.LHAup):
    """Gives Pythia one event after the other.

    Attributes
    ----------
    weight : float
        Of the event that Pythia works on.
    place : int
        Its number among all tries.

    Parameters
    ----------
    blocks : iterator of ForcedEvents
        Some events at a time, without end.
    beams : (int, int)
        Their PDG codes.
    energy_gev : float
        √s [GeV].
    """

    weight: float
    place: int

    def __init__(
        self, blocks: Iterator[ForcedEvents], beams: tuple[int, int], energy_gev: float
    ) -> None:
        super().__init__()
        self._beams, self._energy = beams, energy_gev
        self._blocks = blocks
        self._block: ForcedEvents | None = None
        self._row = 0
        self._columns: tuple[list, ...] = ()

    @property
    def current(self) -> ForcedEvents:
        """The event that Pythia works on, alone."""
        assert self._block is not None
        return self._block.select(np.array([self._row]))

    def setInit(self) -> bool:  # noqa: N802
        for beam, of_beam in zip(self._beams, (self.setBeamA, self.setBeamB), strict=True):
            of_beam(beam, self._energy / 2)
        self.setStrategy(UNWEIGHTED)
        self.addProcess(1, 1.0, 0.0, 1.0)
        return True

    def setEvent(self, _process: int = 0) -> bool:  # noqa: N802
        self._row += 1
        while self._block is None or self._row >= len(self._block):
            self._next_block()
        ids, colours, momenta, masses, scale, weight, place = (
            column[self._row] for column in self._columns
        )
        self.weight, self.place = weight, place
        self.setProcess(1, 1.0, scale, ALPHA_EM, 0.1)
        for k, code in enumerate(ids):
            status, mothers = (-1, (0, 0)) if k < 2 else (1, (1, 2))
            self.addParticle(code, status, *mothers, *colours[k], *momenta[k], masses[k])
        return True

    def _next_block(self) -> None:
        """Take the next block, as lists: Python's own numbers are handed over faster."""
        block = next(self._blocks)
        columns = (
            block.ids, block.colours, block.momenta, block.masses,
            block.scale, block.weight, block.place,
        )  # fmt: skip
        self._block, self._row = block, 0
        self._columns = tuple(column.tolist() for column in columns)
