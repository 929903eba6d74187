"""Events handed to Pythia in memory, as a Les Houches file would."""

from collections.abc import Iterator

import pythia8mc

from analysis.simulation.forced import ForcedEvents

PROTON, BEAM_GEV = 2212, 7000.0
UNWEIGHTED = 3
"""Strategy: Pythia takes every event once; its weight is kept on our side."""
ALPHA_EM = 1 / 128


class LesHouches(pythia8mc.LHAup):
    """Gives Pythia one event after the other.

    Attributes
    ----------
    current : ForcedEvents
        The event that Pythia works on, alone.

    Parameters
    ----------
    events : iterator of ForcedEvents
        Single events, without end.
    """

    current: ForcedEvents

    def __init__(self, events: Iterator[ForcedEvents]) -> None:
        super().__init__()
        self._events = events

    def setInit(self) -> bool:  # noqa: N802
        self.setBeamA(PROTON, BEAM_GEV)
        self.setBeamB(PROTON, BEAM_GEV)
        self.setStrategy(UNWEIGHTED)
        self.addProcess(1, 1.0, 0.0, 1.0)
        return True

    def setEvent(self, _process: int = 0) -> bool:  # noqa: N802
        self.current = event = next(self._events)
        self.setProcess(1, 1.0, float(event.scale[0]), ALPHA_EM, 0.1)
        for k, (code, ends) in enumerate(zip(event.ids[0], event.colours[0], strict=True)):
            status, mothers = (-1, (0, 0)) if k < 2 else (1, (1, 2))
            momentum = [float(x) for x in event.momenta[0, k]]
            self.addParticle(
                int(code), status, *mothers, int(ends[0]), int(ends[1]), *momentum,
                float(event.masses[0, k]),
            )  # fmt: skip
        return True
