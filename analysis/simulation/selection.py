"""Dropping events while Pythia still works on them, with all of them counted."""

from collections.abc import Callable

import numpy as np
import pythia8mc
from numpy.typing import NDArray

from analysis.config.simulation import HeavyFlavour, Importance
from analysis.simulation.importance import (
    PartonJets,
    best_threshold,
    tag_potential,
    worth,
)
from analysis.simulation.pair_radiation import ForcedPairs
from analysis.simulation.strata import (
    BOTTOM,
    CHARM,
    content,
    find_hard,
    heavy_entries,
    heavy_quarks,
    members,
    origin,
    pairs,
)
from common.errors import NormalisationError

ANTI_KT, VISIBLE = -1, 2
FATJET_RADIUS, ABS_ETA_MAX = 1.0, 3.0
CHECKPOINT_GEV = 5.0
"""Evolution scale at which events of no class are thinned."""
HEAVY = (BOTTOM, CHARM)
MOST = 4
"""The highest class of b quarks."""
SUBJETS = 4
"""Subjets that are to be tagged, two in each jet."""
DECAY_TRIALS, DECAY_COST = 500, 30.0
CHECKPOINT_TRIALS, CHECKPOINT_COST = 2500, 8.0
LATE_TRIALS, LATE_COST, LATE_HEAVIEST = 500, 1.0, 0.99
"""Events of the pilots of the roulettes; time to go on over the time to come there; a quantile."""
QUARK_PT_MIN = 5.0
"""Smallest pT of the heavy quarks that the roulette sees [GeV]."""


class Roulette:
    """Continues events with a chance in proportion to their value.

    The first `trials` events are a pilot: they end here, and the threshold is set to what gains
    most per time on them.

    Attributes
    ----------
    threshold : float, optional
        Value above which every event is continued; None during the pilot.

    Parameters
    ----------
    rng : numpy.random.Generator
    trials : int
        Events of the pilot.
    cost : float
        Time to go on over the time to come here.
    heaviest : float
        Quantile at which the values of the pilot are cut off; see `best_threshold`.
    """

    def __init__(
        self, rng: np.random.Generator, trials: int, cost: float, heaviest: float = 1.0
    ) -> None:
        self._rng, self._trials, self._cost, self._heaviest = rng, trials, cost, heaviest
        self.threshold: float | None = None
        self._values: list[float] = []

    def play(self, value: float) -> float:
        """Return the factor on the weight of an event of this value: 0 ends it."""
        if self.threshold is None:
            self._values.append(value)
            if len(self._values) == self._trials:
                values = np.array(self._values)
                self.threshold = best_threshold(values, self._cost, self._heaviest)
            return 0.0
        chance = min(value / self.threshold, 1.0)
        return 1 / chance if self._rng.random() < chance else 0.0


class Selection(pythia8mc.UserHooks):
    """Notes the weights of all hard processes; drops events by stratum, jets and roulette.

    Of forced pairs it drops emissions, too (`pair_radiation`).

    Attributes
    ----------
    weights : list of float
        Of all hard processes begun.
    pilot : int
        Hard processes (of forced events: tries) of the pilots, which do not count.
    passed : dict of int to (float, int)
        By the number of the hard process, of the events that came through: what the roulette
        multiplies the weight with; how many hard processes (of forced events: tries) were before.

    Parameters
    ----------
    info : callable
        Returns the generator's `Info`.
    flavour : HeavyFlavour, optional
        The stratum to keep.
    jet_pt_min : float, optional
        Keep events with two parton jets above this pT [GeV].
    aim : Importance, optional
        What the roulette aims at.
    scale : callable
        Returns what the generator's weights are to be multiplied with, for the event under way.
    forced_pairs : int
        Pairs that the hard process begins with.
    place : callable
        Returns how many hard processes (of forced events: tries) were drawn, with the one under
        way.
    rng : numpy.random.Generator
        Of the roulette.
    massive : bool
        Whether the shower's own rates are those of massive quarks, as Vincia's.
    """

    def __init__(
        self,
        info: Callable[[], pythia8mc.Info],
        flavour: HeavyFlavour | None,
        jet_pt_min: float | None,
        aim: Importance | None,
        scale: Callable[[], float],
        forced_pairs: int,
        place: Callable[[], int],
        rng: np.random.Generator,
        massive: bool = False,
    ) -> None:
        super().__init__()
        self._info, self._scale = info, scale
        self._flavour, self._aim = flavour, aim
        self._masses = np.array(aim.masses_gev if aim else (), float)
        self._jet_pt_min = jet_pt_min
        self._forced_pairs = forced_pairs
        self._pairs, self._rng = ForcedPairs(forced_pairs, massive), rng
        self._flavour_jets = _jet_finder(flavour.jet_pt_min if flavour else 200.0)
        self._jets = _jet_finder(jet_pt_min or 200.0)
        self._place = place
        self._decays = Roulette(rng, DECAY_TRIALS, DECAY_COST)
        self._checkpoint = Roulette(rng, CHECKPOINT_TRIALS, CHECKPOINT_COST)
        self._late = Roulette(rng, LATE_TRIALS, LATE_COST, LATE_HEAVIEST)
        self.pilot = 0
        self.weights: list[float] = []
        self.passed: dict[int, tuple[float, int]] = {}
        self._factor = 1.0
        self._decays_later = False

    def canVetoProcessLevel(self) -> bool:  # noqa: N802
        return True

    def doVetoProcessLevel(self, process: pythia8mc.Event) -> bool:  # noqa: N802
        self.weights.append(self._info().weight())
        self._factor = 1.0
        self._decays_later = False
        self._pairs.begin()
        if self._aim is None or self._forced_pairs:
            return False
        codes = [abs(parton.id()) for parton in process if parton.isFinal()]
        self._decays_later = len(codes) > 2
        if not self._decays_later:  # the shower decides on flavours
            return False
        potential = tag_potential([code for code in codes if code in HEAVY], SUBJETS)
        return not self._passes(self._decays, potential)

    def canVetoFSREmission(self) -> bool:  # noqa: N802
        return self._forced_pairs > 0

    def doVetoFSREmission(  # noqa: N802
        self, size: int, event: pythia8mc.Event, _system: int, _in_resonance: bool
    ) -> bool:
        return self._emits_too_much(event, size)

    def canVetoISREmission(self) -> bool:  # noqa: N802
        return self._forced_pairs > 0 and self._pairs.massive

    def doVetoISREmission(  # noqa: N802
        self, size: int, event: pythia8mc.Event, _system: int
    ) -> bool:
        return self._emits_too_much(event, size)  # Vincia's antennae with an incoming end

    def _emits_too_much(self, event: pythia8mc.Event, size: int) -> bool:
        chance = self._pairs.chance(event, size)
        return chance < 1 and self._rng.random() > chance

    def canVetoPT(self) -> bool:  # noqa: N802
        return self._flavour is not None or self._aim is not None

    def scaleVetoPT(self) -> float:  # noqa: N802
        return self._flavour.scale_gev if self._flavour else CHECKPOINT_GEV

    def doVetoPT(self, _position: int, event: pythia8mc.Event) -> bool:  # noqa: N802
        self.passed.pop(len(self.weights), None)
        aim = None if self._decays_later else self._aim
        if self._flavour is None and aim is None:
            return False
        heavy = heavy_entries(event)  # takes as long as all else here
        if self._flavour is not None and not self._in_stratum(event, self._flavour, heavy):
            return True
        return aim is not None and not self._passes(
            self._checkpoint, self._worth(event, aim, heavy)
        )

    def canVetoPartonLevel(self) -> bool:  # noqa: N802
        return self._jet_pt_min is not None

    def doVetoPartonLevel(self, event: pythia8mc.Event) -> bool:  # noqa: N802
        self._jets.analyze(event)
        if self._jets.sizeJet() < 2:
            return True
        if self._aim is None or not self._decays_later:
            return False
        # Pythia lets heavy particles decay when all else has been showered
        worth_of_event = self._worth(event, self._aim, heavy_entries(event))
        return not self._passes(self._late, worth_of_event)

    def canVetoAfterHadronization(self) -> bool:  # noqa: N802
        return True

    def doVetoAfterHadronization(self, _event: pythia8mc.Event) -> bool:  # noqa: N802
        self.passed[len(self.weights)] = (self._factor * self._scale(), self._place() - 1)
        return False

    def take_passed(self, number: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return factors and places of the last `number` events that came through; forget them.

        Raises
        ------
        NormalisationError
            If not as many came through: Pythia dropped one behind the hooks.
        """
        if len(self.passed) != number:
            raise NormalisationError(
                f"Pythia gives {number} events of {len(self.passed)} that passed the selection; "
                "use another seed"
            )
        factors, places = zip(*self.passed.values(), strict=True) if self.passed else ((), ())
        self.passed.clear()
        return np.array(factors, np.float64), np.array(places, np.int64)

    def _passes(self, roulette: Roulette, worth: float) -> bool:
        """Play the roulette with the weight so far times what an event of weight one is worth."""
        last = self._late if self._decays_later else self._checkpoint
        if last.threshold is None:  # the last event of the pilot among them
            self.pilot = self._place()
        factor = roulette.play(self._info().weight() * self._scale() * self._factor * worth)
        self._factor *= factor
        return factor > 0

    def _in_stratum(self, event: pythia8mc.Event, flavour: HeavyFlavour, heavy: list[int]) -> bool:
        hard = find_hard(event, self._forced_pairs)
        if origin(hard) not in flavour.origins:
            return False
        if flavour.min > 0 or flavour.max < MOST:
            quarks = heavy_quarks(event, flavour.quark_pt_min, (BOTTOM,), heavy)
            if len(quarks) < flavour.min:
                return False
            self._flavour_jets.analyze(event)
            found = content(event, quarks, self._flavour_jets, flavour.separation)
            if not flavour.min <= found <= flavour.max:
                return False
        range_gev = flavour.pair_mass_min, flavour.pair_mass_max
        return flavour.all_pairs or pairs(event, hard, *range_gev, heavy) in flavour.pairs

    def _worth(self, event: pythia8mc.Event, aim: Importance, heavy: list[int]) -> float:
        """Return the worth of an event of weight one: its two jets' tags and kinematics."""
        self._jets.analyze(event)
        if self._jets.sizeJet() < 2:
            return 0.0
        jets, flavours = parton_jets(event, self._jets, heavy)
        found = worth("checkpoint", jets.variables(self._masses), jets.accepted, aim)
        return float(found[0]) * tag_potential(flavours, SUBJETS)


def parton_jets(
    event: pythia8mc.Event, jets: pythia8mc.SlowJet, heavy: list[int]
) -> tuple[PartonJets, list[int]]:
    """Return the two hardest jets, and the flavours of their two best heavy quarks each.

    The best are those of highest flavour, hard before soft; `heavy` are the heavy quarks in the
    record.
    """
    inside = members(heavy_quarks(event, QUARK_PT_MIN, HEAVY, heavy), jets)
    rows, flavours = [], []
    for jet in (0, 1):
        quarks = sorted(
            inside.get(jet, []), key=lambda quark: (-abs(event[quark].id()), -event[quark].pT())
        )
        pair = (0.0, 0.0, 0.0)
        if len(quarks) > 1:
            first, second = (event[quark].p() for quark in quarks[:2])
            softer = min(first.pT(), second.pT())
            pair = ((first + second).mCalc(), pythia8mc.REtaPhi(first, second), softer)
        rows.append((jets.m(jet), jets.pT(jet), jets.y(jet), *pair, float(len(quarks))))
        flavours += [abs(event[quark].id()) for quark in quarks[:2]]
    columns = np.array(rows).T[:, None]
    resonance = np.array([(jets.p(0) + jets.p(1)).mCalc()])
    return PartonJets(resonance, *columns), flavours


def _jet_finder(pt_min: float) -> pythia8mc.SlowJet:
    return pythia8mc.SlowJet(ANTI_KT, FATJET_RADIUS, pt_min, ABS_ETA_MAX, VISIBLE)
