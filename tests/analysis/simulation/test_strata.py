"""Strata: one cell for every event, the same function in all samples, sums without overlap."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import pythia8mc

from analysis.config.simulation import ORIGINS, PAIRS, HeavyFlavour, Simulation
from analysis.simulation.forced import ForcedSource
from analysis.simulation.hard_process import STOP
from analysis.simulation.les_houches import LesHouches
from analysis.simulation.pythia import Generator, Normalisation, start
from analysis.simulation.settings import showered_lines
from analysis.simulation.strata import find_hard, heavy_quarks, origin, pairs

MASSES = (20.0, 300.0)
SCALE_GEV = 5.0
ABORT = ("Check:abortIfVeto = on",)
"""Without it Pythia draws events until one is not dropped."""


class Watch(pythia8mc.UserHooks):
    """Calls a function with each event that has come down to the scale, and ends it there."""

    def __init__(self, look: Callable[[pythia8mc.Event], None]) -> None:
        super().__init__()
        self._look = look

    def canVetoPT(self) -> bool:  # noqa: N802
        return True

    def scaleVetoPT(self) -> float:  # noqa: N802
        return SCALE_GEV

    def doVetoPT(self, _position: int, event: pythia8mc.Event) -> bool:  # noqa: N802
        self._look(event)
        return True


def watch(
    look: Callable[[pythia8mc.Event], None], process: str, number: int, enhancement: float = 1.0
) -> None:
    """Show `look` the events of a process at the scale where strata are decided."""
    block = Simulation(
        pythia=(f"HardQCD:{process} = on",), pt_hat_min=200.0, bias_power=4.0, events=1,
        enhancement=enhancement,
    )  # fmt: skip
    pythia = start(block, 4, ABORT)
    hooks = Watch(look)
    pythia.setUserHooksPtr(hooks)
    assert pythia.init()
    for _ in range(number):
        pythia.next()


def gluon_pairs(event: pythia8mc.Event, root: int) -> set[tuple[int, float]]:
    """Return flavour and mass of all g → QQ̄ that come of an entry: down the tree, not up."""
    found, todo = set(), [root]
    while todo:
        entry = todo.pop()
        daughters = event[entry].daughterList()
        todo += daughters
        if event[entry].id() != 21 or len(daughters) != 2:
            continue
        first, second = (event[daughter] for daughter in daughters)
        if first.id() == -second.id() and abs(first.id()) in (4, 5):
            found.add((abs(first.id()), (first.p() + second.p()).mCalc()))
    return found


def test_pairs_are_those_found_by_descending_from_the_gluons() -> None:
    seen: Counter[str] = Counter()

    def look(event: pythia8mc.Event) -> None:
        hard = find_hard(event)
        best = []
        for (root,) in hard.gluons:
            inside = [q for q, m in gluon_pairs(event, root) if MASSES[0] <= m <= MASSES[1]]
            best.append(max(inside, default=0))
        names = {5: "bb", 4: "cc"}
        expected = "+".join(names[q] for q in sorted(best, reverse=True) if q) or "none"
        found = pairs(event, hard, *MASSES)
        assert found == expected
        seen[found] += 1

    watch(look, "gg2gg", 600, enhancement=30.0)
    assert sum(seen.values()) >= 590
    assert set(seen) <= set(PAIRS)
    assert {"none", "bb", "cc", "bb+bb", "bb+cc"} <= set(seen)


def test_narrower_windows_hold_fewer_pairs() -> None:
    """A gluon has a pair in a window if and only if in one of the two halves."""
    numbers: Counter[str] = Counter()

    def bottoms(event: pythia8mc.Event, low: float, high: float) -> int:
        return pairs(event, find_hard(event), low, high).count("bb")

    def look(event: pythia8mc.Event) -> None:
        whole, below, above = (bottoms(event, *w) for w in ((20, 300), (20, 60), (60, 300)))
        assert max(below, above) <= whole <= below + above
        numbers.update(whole=whole, below=below, above=above)

    watch(look, "gg2gg", 300, enhancement=30.0)
    assert numbers["whole"] > numbers["below"] > numbers["above"] > 0


@pytest.mark.parametrize(
    ("process", "only"),
    [
        ("hardbbbar", {"creation"}),
        ("gg2gg", {"splitting"}),
        ("qg2qg", {"splitting", "excitation"}),
        ("qq2qq", {"splitting", "excitation"}),
    ],
)
def test_origin_and_hard_process_of_pythia_s_events(process: str, only: set[str]) -> None:
    seen: set[str] = set()

    def look(event: pythia8mc.Event) -> None:
        hard = find_hard(event)
        assert len(hard.incoming) == len(hard.outgoing) == 2
        assert len(hard.gluons) == hard.outgoing.count(21) == len(hard.forced)
        assert set(hard.forced) <= {0}
        # flavours balance between what comes in and what goes out
        sums: Counter[int] = Counter()
        for sign, codes in ((-1, hard.incoming), (1, hard.outgoing)):
            for code in codes:
                if code != 21:
                    sums[abs(code)] += sign * (1 if code > 0 else -1)
        assert not any(sums.values())
        if process == "hardbbbar":
            assert sorted(hard.outgoing) == [-5, 5]
            assert pairs(event, hard, *MASSES) == "none"
        if origin(hard) == "excitation":
            assert 5 in map(abs, hard.incoming)
        seen.add(origin(hard))

    watch(look, process, 250)
    assert seen <= set(ORIGINS)
    assert seen == only


def test_every_event_is_in_exactly_one_cell() -> None:
    """Whatever divides the cells of all strata, each event of a sample is in one part of it."""
    blocks = [
        HeavyFlavour(origins=("splitting",), pairs=("bb", "bb+bb", "bb+cc")),
        HeavyFlavour(origins=("splitting",), pairs=("none", "cc", "cc+cc")),
        HeavyFlavour(origins=("excitation",)),
        HeavyFlavour(origins=("creation",)),
    ]
    found: Counter[int] = Counter()

    def look(event: pythia8mc.Event) -> None:
        hard = find_hard(event)
        cell = origin(hard), pairs(event, hard, *MASSES), 0
        inside = [k for k, block in enumerate(blocks) if cell in block.cells]
        assert len(inside) == 1
        found.update(inside)
        assert all(event[entry].pT() > 10 for entry in heavy_quarks(event, 10.0, (4, 5)))

    watch(look, "all", 1500, enhancement=20.0)
    assert set(found) == {0, 1, 2, 3}


def generated(simulation: Simulation, seed: int) -> Normalisation:
    generator = Generator(simulation, seed)
    for _ in generator.batches():
        pass
    return generator.normalisation()


def test_strata_divide_the_cross_section(qcd: Simulation) -> None:
    """With pairs and without, each from its own events, add up to the process."""
    parts = []
    rest = tuple(name for name in PAIRS if name != "none")
    for names, events, enhancement in ((("none",), 60, 1.0), (rest, 60, 5.0)):
        block = {
            "heavy_flavour": HeavyFlavour(pairs=names),
            "events": events,
            "enhancement": enhancement,
            "common": (*qcd.common, "PartonLevel:MPI = off"),
        }
        parts.append(generated(qcd.model_copy(update=block), 5))
    total = sum(part.cross_section_pb for part in parts)
    error = np.sqrt(sum(part.error_pb**2 for part in parts))
    assert 0.005 < parts[1].cross_section_pb / total < 0.2
    assert total == pytest.approx(parts[0].generated_cross_section_pb, abs=4 * error)
    assert error < 0.1 * total


def test_forced_events_are_of_their_stratum() -> None:
    """Forced bb+bb events hold two pairs of b quarks that go out, with masses in the range."""
    flavour = HeavyFlavour(
        pairs=("bb+bb",), origins=("splitting", "excitation"), forced=True, pair_mass_max=150.0
    )
    block = Simulation(
        pythia=("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on"),
        pt_hat_min=200.0,
        bias_power=4.0,
        events=30,
        heavy_flavour=flavour,
    )
    generator = Generator(block, 2)
    for batch in generator.batches():
        particles = batch.particles
        assert (batch.weight > 0).all()
        out = particles.select((particles.status == 23) & (particles.mother1 <= 3))
        for first, last in pairwise(out.offsets):
            pid, lines = out.pid[first:last], slice(first, last)
            assert sorted(pid) == [-5, -5, 5, 5]
            p = np.stack([getattr(out, name)[lines] for name in ("px", "py", "pz", "energy")])
            for pair in (p[:, :2].sum(axis=1), p[:, 2:].sum(axis=1)):
                mass = np.sqrt(pair[3] ** 2 - np.sum(pair[:3] ** 2))
                assert 20.0 * 0.999 <= mass <= 150.0 * 1.001
    assert generator.normalisation().events == 30


def test_strata_function_confirms_forced_events() -> None:
    """The function that sorts showers, told which pairs were forced, says bb+cc of each."""
    flavour = HeavyFlavour(pairs=("bb+cc",), origins=("splitting",), forced=True)
    block = Simulation(
        pythia=("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on"),
        pt_hat_min=200.0,
        events=1,
        heavy_flavour=flavour,
    )
    hard = start(block, 3, STOP)
    assert hard.init()
    les_houches = LesHouches(iter(ForcedSource(hard, flavour, None, 3)), (2212, 2212), 14000.0)
    pythia = start(block, 3, ABORT, showered_lines(block))
    pythia.setLHAupPtr(les_houches)
    found: Counter[str] = Counter()

    def look(event: pythia8mc.Event) -> None:
        process = find_hard(event, 2)
        assert process.outgoing == (21, 21)
        assert sorted(process.forced) == [4, 5]
        members = [[event[entry].id() for entry in pair] for pair in process.gluons]
        assert [sum(pair) for pair in members] == [0, 0]
        assert origin(process) == "splitting"
        found[pairs(event, process, *MASSES)] += 1

    hooks = Watch(look)
    pythia.setUserHooksPtr(hooks)
    assert pythia.init()
    for _ in range(150):
        pythia.next()
    # the shower may add a pair of b quarks to that of c quarks, and no sample counts that twice
    assert set(found) <= {"bb+cc", "bb+bb"}
    assert found["bb+cc"] >= 145
