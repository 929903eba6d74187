"""Dropping events while Pythia still works on them, with all of them counted."""

from itertools import combinations

import pythia8mc

from analysis.config.simulation import HeavyFlavour

BOTTOM = 5
ANTI_KT, VISIBLE = -1, 2
FATJET_RADIUS, ABS_ETA_MAX = 1.0, 3.0


class Selection(pythia8mc.UserHooks):
    """Notes the weights of all hard processes; drops events by b quarks and by parton jets.

    Parameters
    ----------
    pythia : pythia8mc.Pythia
        The generator that calls these hooks.
    flavour : HeavyFlavour, optional
        The class of events to keep.
    jet_pt_min : float, optional
        Keep events with two parton jets above this pT [GeV].
    """

    def __init__(
        self, pythia: pythia8mc.Pythia, flavour: HeavyFlavour | None, jet_pt_min: float | None
    ) -> None:
        super().__init__()
        self._info = pythia.infoPython
        self._flavour = flavour
        self._jet_pt_min = jet_pt_min
        smallest = flavour.jet_pt_min if flavour else 1.0
        self._flavour_jets = _jet_finder(smallest)
        self._jets = _jet_finder(jet_pt_min or 1.0)
        self.weights: list[float] = []

    def canVetoProcessLevel(self) -> bool:  # noqa: N802
        return True

    def doVetoProcessLevel(self, _event: pythia8mc.Event) -> bool:  # noqa: N802
        self.weights.append(self._info().weight())
        return False

    def canVetoPT(self) -> bool:  # noqa: N802
        return self._flavour is not None

    def scaleVetoPT(self) -> float:  # noqa: N802
        return self._flavour.scale_gev if self._flavour else 0.0

    def doVetoPT(self, _position: int, event: pythia8mc.Event) -> bool:  # noqa: N802
        assert self._flavour is not None
        low, high = self._flavour.min, self._flavour.max
        quarks = b_quarks(event, self._flavour.quark_pt_min)
        return len(quarks) < low or not low <= self._content(event, quarks) <= high

    def canVetoPartonLevel(self) -> bool:  # noqa: N802
        return self._jet_pt_min is not None

    def doVetoPartonLevel(self, event: pythia8mc.Event) -> bool:  # noqa: N802
        self._jets.analyze(event)
        return self._jets.sizeJet() < 2

    def _content(self, event: pythia8mc.Event, quarks: list[int]) -> int:
        """Return the class of the event, 0 … 4; see `HeavyFlavour`."""
        if not quarks:
            return 0
        self._flavour_jets.analyze(event)
        assert self._flavour is not None
        members: dict[int, list[int]] = {}
        for quark in quarks:
            jet = self._flavour_jets.jetAssignment(quark)
            if 0 <= jet < self._flavour_jets.sizeJet():
                members.setdefault(jet, []).append(quark)
        counts = [
            1
            + any(
                pythia8mc.REtaPhi(event[a].p(), event[b].p()) > self._flavour.separation
                for a, b in combinations(inside, 2)
            )
            for inside in members.values()
        ]
        return sum(sorted(counts)[-2:])


def b_quarks(event: pythia8mc.Event, pt_min: float) -> list[int]:
    """Return the entries of the b quarks that are there so far, above `pt_min` [GeV]."""
    return [
        entry
        for entry, parton in enumerate(event)
        if abs(parton.id()) == BOTTOM and parton.isFinal() and parton.pT() > pt_min
    ]


def _jet_finder(pt_min: float) -> pythia8mc.SlowJet:
    return pythia8mc.SlowJet(ANTI_KT, FATJET_RADIUS, pt_min, ABS_ETA_MAX, VISIBLE)
