"""Which gluons a forced pair of quarks emits, as Pythia's shower would have it of its own pairs.

Pythia showers the quarks of a forced pair like any that come out of a hard process: from its scale
down, and as if they were massless. A pair that the shower has made differs in two respects.

- It was made at k = √(z(1−z)) m. What is emitted harder came before, off the gluon, whose
  coherent emission the two quarks give together; inside the pair's angle nothing was, which the
  weight of the splitting has counted (`splitting.no_emission`).
- Softer emission is corrected to the matrix element of massive quarks from a coloured source
  (Norrbin and Sjöstrand, hep-ph/0010012; kind 13, "~g → q ~q̄", in `TimeShower::calcMEcorr`).

So trial emissions are vetoed: hard ones inside the angle of the pair, soft ones with what the
corrected rate is less than the massless one. Vincia, whose antennae are those of massive quarks,
has the hard ones vetoed alone.
"""

from collections.abc import Iterator
from math import inf, sqrt

import pythia8mc

from analysis.simulation.strata import GLUON, HEAVY, find_hard

_EDGE = 1e-12  # closest that the kinematics may come to the border of phase space, as in Pythia
_CORNER = 1e-4


def corrected_rate(x1: float, x2: float, r1: float, r2: float) -> float:
    """Return the rate of gluon emission off a massive quark over Pythia's soft approximation.

    Parameters
    ----------
    x1, x2 : float
        2E/m of the quark that radiates and of the other one, in the rest frame of both and the
        gluon, whose mass is m.
    r1, r2 : float
        Their masses over m.

    Returns
    -------
    float
        The matrix element's part of this quark, over 2 / [x₃ (1 + r₂² − r₁² − x₂)]; zero outside
        phase space.

    Examples
    --------
    >>> round(corrected_rate(0.9999, 0.9999, 1e-4, 1e-4), 4)  # soft, between the quarks
    0.4374
    >>> corrected_rate(0.5, 0.4, 0.04, 0.04)  # x₁ + x₂ < 1: no such emission
    0.0
    """
    x3 = 2 - x1 - x2
    a, b = r1 * r1, r2 * r2
    p1, p2 = 1 + a - b - x1, 1 + b - a - x2
    inside = (x1 * x1 - 4 * a) * (x2 * x2 - 4 * b) - (2 * (1 - x1 - x2 + a + b) + x1 * x2) ** 2
    closest = min(x1 - 2 * r1, x2 - 2 * r2, p1, p2, x1 + x2 - 1 - (r1 + r2) ** 2)
    if closest < _EDGE or inside < _EDGE * (_CORNER + r1 + r2):
        return 0.0
    lowest = sqrt(max((1 - a - b) ** 2 - (2 * r1 * r2) ** 2, 0.0)) * (1 + a - b + 2 * r1)
    mixed = -1 - a - 2 * r1 * a - b - 2 * r1 * b + 1.5 * x1 + r1 * x1 - a * x1 / 2 - b * x1 / 2
    mixed += x2 + r1 * x2 + a * x2 - x1 * x2 / 2
    first = -1 + r1 - a - r1 * a - b + r1 * b + 2 * x1 + b * x1 - x1 * x1 / 2
    first += x2 + r1 * x2 + a * x2 - x1 * x2 / 2
    source = 4 - 4 * a + 4 * b - 3 * x1 - 2 * r1 * x1 + a * x1 - b * x1 - 5 * x2 - 2 * r1 * x2
    source += a * x2 - b * x2 + x1 * x2 + x2 * x2
    second = 3 - r1 - 5 * a - r1 * a + 3 * b + r1 * b - 2 * x1 - r1 * x1 + a * x1 - 4 * x2
    second += 2 * a * x2 - b * x2 + x1 * x2 + x2 * x2
    alone = 2 - 2 * r1 - 6 * a - 2 * r1 * a + 2 * b - 2 * r1 * b - x1 + a * x1 - b * x1 - 3 * x2
    alone += 2 * r1 * x2 + 3 * a * x2 - b * x2 + x1 * x2 + x2 * x2
    whole = (
        4 * (2 * r1 + x1) * (-1 - a - b + x1) / (3 * p1 * p1)
        - mixed / (3 * p1 * p2)
        + 3 * first / (p1 * x3)
        + 3 * source / (x3 * x3)
        - 3 * second / (p2 * x3)
        + 4 * alone / (3 * p2 * p2)
    )
    return 0.75 * whole / lowest * p1 * p2 / 2


class ForcedPairs:
    """The pairs of the event under way, and what chance their emissions have.

    Parameters
    ----------
    number : int
        Pairs that the hard process begins with.
    massive : bool
        Whether the shower's own rates are those of massive quarks, as Vincia's.
    """

    def __init__(self, number: int, massive: bool = False) -> None:
        self.number, self.massive = number, massive
        self.begin()

    def begin(self) -> None:
        """Forget the pairs: a new event begins."""
        self._quarks: dict[int, tuple[int, float, float]] | None = None

    def chance(self, event: pythia8mc.Event, size: int) -> float:
        """Return the chance that an emission stands, 1 for all that no quark of a pair emits.

        Parameters
        ----------
        event : pythia8mc.Event
            The record with the emission, not yet accepted.
        size : int
            Its size before: there are what radiated, the emission, and what took the recoil; of
            Vincia's antennae both ends (`_antenna`).
        """
        if not self.massive:
            return self._chance(event, size, size + 1)
        emission, ends = _antenna(event, size)
        return min((self._chance(event, end, emission) for end in ends), default=1.0)

    def _chance(self, event: pythia8mc.Event, radiator: int, emission: int) -> float:
        quark, gluon = event[radiator], event[emission]
        if quark.id() not in HEAVY or gluon.id() != GLUON:
            return 1.0
        if self._quarks is None:
            self._quarks = dict(self._find(event))
        for entry, (partner, hardest, angle) in self._quarks.items():
            if event[entry].id() == quark.id() and event[entry].iBotCopyId() == radiator:
                if gluon.scale() > hardest:
                    return float(pythia8mc.REtaPhi(quark.p(), gluon.p()) >= angle)
                return 1.0 if self.massive else self._soft(event, radiator, partner)
        return 1.0

    def _find(self, event: pythia8mc.Event) -> Iterator[tuple[int, tuple[int, float, float]]]:
        """Yield each quark's entry; its partner's, k of the pair [GeV] and its angle."""
        for first, second in find_hard(event, self.number).gluons[: self.number]:
            one, other = event[first].p(), event[second].p()
            share = one.pT() / (one.pT() + other.pT())
            hardest = sqrt(share * (1 - share)) * (one + other).mCalc()
            angle = pythia8mc.REtaPhi(one, other)
            yield first, (second, hardest, angle)
            yield second, (first, hardest, angle)

    @staticmethod
    def _soft(event: pythia8mc.Event, size: int, partner: int) -> float:
        """Return the corrected rate over that of a trial of Pythia's, (1 + z²)/2 of the soft one.

        z is the quark's share of the energy in the rest frame of the dipole before the emission,
        in which Pythia scales the gluon's down by 1 − m_Q²/m², m the mass of both.
        """
        quark, gluon, recoil = (event[size + k] for k in range(3))
        other = event[event[partner].iBotCopyId()]
        total = quark.p() + gluon.p() + other.p()
        mass2 = total.m2Calc()
        if not 0 < mass2 < inf:
            return 0.0
        mass = sqrt(mass2)
        rate = corrected_rate(
            2 * (total * quark.p()) / mass2,
            2 * (total * other.p()) / mass2,
            quark.m() / mass,
            other.m() / mass,
        )
        # of an incoming parton that recoils, the one before is the daughter
        before = recoil.mother1() if recoil.status() > 0 else recoil.daughter1()
        dipole = event[quark.mother1()].p() + event[before].p()
        both = quark.p() + gluon.p()
        share = (gluon.p() * dipole) / (both * dipole) / (1 - quark.m2() / both.m2Calc())
        return rate * 2 / (1 + (1 - share) ** 2)


def _antenna(event: pythia8mc.Event, size: int) -> tuple[int, list[int]]:
    """Return the entries of what an antenna of Vincia's emitted, and of its outgoing ends.

    With two outgoing ends the emission is between them; with one, behind it and the incoming end.
    What two incoming ones emit is nobody's here, and all else recoils.
    """
    new = event.size() - size
    if event[size].status() > 0:
        return size + 1, [size, size + 2][: new - 1]
    return size + 2, [size + 1] if new == 3 else []
