"""What forced pairs of quarks emit: as the shower's own pairs, so far as that can be known."""

import numpy as np
import pytest
import pythia8mc

from analysis.config.simulation import HeavyFlavour, Simulation
from analysis.simulation.pair_radiation import corrected_rate
from analysis.simulation.pythia import Generator
from analysis.simulation.selection import Selection
from analysis.simulation.strata import BOTTOM, GLUON, find_hard

PAIRS = 2


@pytest.mark.parametrize("z", [0.2, 0.5, 0.9])
def test_collinear_emission_of_massless_quarks_is_that_of_the_shower(z: float) -> None:
    assert corrected_rate(z, 1 - 1e-7, 1e-6, 1e-6) == pytest.approx((1 + z**2) / 2, rel=1e-4)


def test_there_is_a_dead_cone() -> None:
    """Inside m/E the rate falls with the angle; outside it is that of massless quarks."""
    r, soft = 0.05, 0.01
    angle = r / 0.5 * np.array([0.1, 0.3, 1.0, 3.0])
    # x₂ of a soft gluon at a small angle to quark 1, and the rate over that without masses
    p2 = soft / 2 * ((1 - np.sqrt(1 - 4 * r**2)) + angle**2 / 2)
    energies = [(1 - soft + x, 1 - x) for x in p2]
    rates = [corrected_rate(*x, r, r) / corrected_rate(*x, 0, 0) for x in energies]
    assert np.all(np.diff(rates) > 0)
    assert rates[0] < 0.1
    assert rates[-1] > 0.8


def test_nothing_is_emitted_outside_phase_space() -> None:
    assert corrected_rate(0.5, 0.4, 0.04, 0.04) == 0
    assert corrected_rate(0.7, 0.9, 0.4, 0.4) == 0, "less than the mass"


class Watched(Selection):
    """Notes all emissions of the forced quarks that stand: scale over k, angle over the pair's.

    `ends`: the entries behind the first new one at which what radiated may be.
    """

    ends: tuple[int, ...]
    seen: list[tuple[float, float]]
    refused: list[bool]

    def doVetoFSREmission(self, size, event, system, in_resonance):  # noqa: N802
        vetoed = super().doVetoFSREmission(size, event, system, in_resonance)
        self._look(
            event, vetoed, size + 1, [size + k for k in self.ends if size + k < event.size()]
        )
        return vetoed

    def doVetoISREmission(self, size, event, system):  # noqa: N802
        vetoed = super().doVetoISREmission(size, event, system)
        self._look(event, vetoed, size + 2, [size + 1] if event.size() == size + 3 else [])
        return vetoed

    def _look(self, event, vetoed, emission, ends):
        quarks = [end for end in ends if abs(event[end].id()) == BOTTOM]
        if not quarks or event[emission].id() != GLUON:
            assert not vetoed, "only emissions of the pairs are"
            return
        for end in quarks:
            self._note(event, end, event[emission], vetoed)

    def _note(self, event, end, gluon, vetoed):
        quark = event[end]
        for pair in find_hard(event, PAIRS).gluons:
            one, other = (event[entry] for entry in pair)
            if any(q.id() == quark.id() and q.iBotCopyId() == end for q in (one, other)):
                share = one.pT() / (one.pT() + other.pT())
                scale = np.sqrt(share * (1 - share)) * (one.p() + other.p()).mCalc()
                angles = (
                    pythia8mc.REtaPhi(a.p(), b.p()) for a, b in ((quark, gluon), (one, other))
                )
                near, wide = angles
                self.refused.append(vetoed)
                if not vetoed:
                    self.seen.append((gluon.scale() / scale, near / wide))


@pytest.mark.parametrize(
    ("shower", "ends", "refused"),
    [("simple", (0,), (0.25, 0.55)), ("vincia", (0, 2), (0.01, 0.1))],
)
def test_hard_emission_of_a_pair_is_outside_its_angle_and_soft_emission_is_corrected(
    shower: str, ends: tuple[int, ...], refused: tuple[float, float]
) -> None:
    """Of Vincia only hard emissions are refused: its rates are those of massive quarks."""
    Watched.seen, Watched.refused, Watched.ends = [], [], ends
    flavour = HeavyFlavour(pairs=("bb+bb",), origins=("splitting",), forced=True, pair_mass_min=80)
    simulation = Simulation(
        pythia=("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on", "PartonLevel:MPI = off"),
        pt_hat_min=400,
        events=150,
        shower=shower,
        heavy_flavour=flavour,
    )
    for _ in Generator(simulation, 1, Watched).batches():
        pass
    scale, angle = np.array(Watched.seen).T
    assert np.count_nonzero(scale > 1) > 10
    assert (angle[scale > 1] >= 1).all()
    assert np.count_nonzero((scale < 1) & (angle < 1)) > 100
    assert refused[0] < np.mean(Watched.refused) < refused[1]


class Recoiling(Selection):
    """Notes the pT of both jets of partons together."""

    seen: list[float]

    def doVetoPartonLevel(self, event):  # noqa: N802
        vetoed = super().doVetoPartonLevel(event)
        if not vetoed:
            self.seen.append((self._jets.p(0) + self._jets.p(1)).pT())
        return vetoed


def test_both_showers_let_the_jets_of_forced_pairs_recoil() -> None:
    """Vincia's sector shower emits nothing harder than the pairs: its recoil is a third."""
    medians = []
    for shower in ("simple", "vincia"):
        Recoiling.seen = []
        simulation = Simulation(
            pythia=("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on", "PartonLevel:MPI = off"),
            pt_hat_min=400,
            parton_jet_pt_min=200,
            events=200,
            shower=shower,
            heavy_flavour=HeavyFlavour(pairs=("bb+bb",), origins=("splitting",), forced=True),
        )
        for _ in Generator(simulation, 1, Recoiling).batches():
            pass
        medians.append(np.median(Recoiling.seen))
    assert 0.6 < medians[1] / medians[0] < 1.2


def test_shower_of_its_own_pairs_is_left_alone() -> None:
    simulation = Simulation(pythia=("HardQCD:hardbbbar = on",), pt_hat_min=400, events=1)
    assert not Generator(simulation, 1).hooks.canVetoFSREmission()
