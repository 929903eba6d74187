"""Splittings of the shower that are made more often where they are wanted, with exact weights.

Pythia enhances g → b b̄ by one factor F everywhere: trials come F times as often. A hook sees each
trial and vetoes it with a chance 1 − f(x)/F, which leaves an enhancement of f(x). With p, Pythia's
chance to accept a trial, an accepted one counts 1/f and a rejected one (1 − p/f)/(1 − p), so that
the mean weight is one whatever f is. Pythia's own weight, which knows F alone, tells which it was.
"""

from typing import Any

import pythia8mc

from analysis.simulation.selection import Selection
from analysis.simulation.strata import BOTTOM, find_hard

TRIALS = 100.0
"""F: `enhancement` of the sample."""
WANTED, OTHER = 60.0, 15.0
"""f of the first pair of each hard gluon, in and outside the range of masses that is compared."""
MASSES_GEV = (45.0, 210.0)
EPSILON = 1e-6


class GuidedSelection(Selection):
    """Makes both hard gluons split more often, once each; keeps the rest as it is.

    Attributes
    ----------
    masses_gev : (float, float)
        Range of masses of the pairs that are wanted.
    wanted, other : float
        f of the first pair of each hard gluon, in and outside that range.
    unclear : int
        Trials of which the weight did not tell the outcome.
    """

    masses_gev = MASSES_GEV
    wanted, other = WANTED, OTHER

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._draw = arguments[-1].random
        of_generator = self._scale
        self._scale = lambda: of_generator() * self.correction
        self.unclear = 0
        self._begin()

    def _begin(self) -> None:
        self._guided, self._size = 1.0, 0
        self._pending: tuple[float, float, int | None] | None = None
        self._roots: dict[int, int] | None = None
        self._split: set[int] = set()

    def doVetoProcessLevel(self, process: pythia8mc.Event) -> bool:  # noqa: N802
        self._begin()
        return super().doVetoProcessLevel(process)

    def canVetoFSREmission(self) -> bool:  # noqa: N802
        return True

    def doVetoFSREmission(  # noqa: N802
        self, size: int, event: pythia8mc.Event, _system: int, _in_resonance: bool
    ) -> bool:
        if size < self._size:  # Pythia began this event's shower once more
            self._begin()
        self._size = size
        quark, other = event[size], event[size + 1]
        if abs(quark.id()) != BOTTOM or other.id() != -quark.id():
            return False
        self._settle()
        root = self._root(event, quark.mother1())
        factor = 1.0
        if root is not None and root not in self._split:
            low, high = self.masses_gev
            mass = (quark.p() + other.p()).mCalc()
            of_stratum = mass >= self._flavour.pair_mass_min if self._flavour else True
            factor = self.wanted if low < mass < high else self.other if of_stratum else 1.0
        if self._draw() > factor / TRIALS:
            return True
        self._pending = factor, self._info().weight(), root if factor > 1 else None
        return False

    def _root(self, event: pythia8mc.Event, entry: int) -> int | None:
        if self._roots is None:
            hard = find_hard(event)
            self._roots = {entry: k for k, (entry,) in enumerate(hard.gluons)}
        while entry > 0:
            if entry in self._roots:
                return self._roots[entry]
            entry = event[entry].mother1()
        return None

    def _settle(self) -> None:
        """Take the outcome of the last trial that was not vetoed into the weight."""
        if self._pending is None:
            return
        factor, before, root = self._pending
        self._pending = None
        ratio = self._info().weight() / before
        if abs(ratio * TRIALS - 1) < EPSILON:
            self._guided /= factor
            if root is not None:
                self._split.add(root)
        elif ratio >= 1:
            accept = (ratio - 1) / (ratio - 1 / TRIALS)
            self._guided *= (1 - accept / factor) / (1 - accept)
        else:
            self.unclear += 1

    def doVetoPT(self, position: int, event: pythia8mc.Event) -> bool:  # noqa: N802
        self._settle()
        return super().doVetoPT(position, event)

    def doVetoAfterHadronization(self, event: pythia8mc.Event) -> bool:  # noqa: N802
        self._settle()
        return super().doVetoAfterHadronization(event)

    @property
    def correction(self) -> float:
        """What Pythia's weight of the event under way is to be multiplied with."""
        return self.weights[-1] * self._guided / self._info().weight()
