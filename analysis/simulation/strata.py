"""Which stratum of a process an event belongs to: origin, pairs of the hard gluons, class.

All is decided on the partons that are there when the shower has come down to the same scale, by
the same functions in every sample, so that samples of different strata add up.
"""

from dataclasses import dataclass
from itertools import combinations

import pythia8mc

BOTTOM, CHARM, GLUON = 5, 4, 21
HEAVY = frozenset((BOTTOM, -BOTTOM, CHARM, -CHARM))
INCOMING, OUTGOING, SHOWERED = 21, 23, 51
"""Pythia's status codes (without sign): of the hard process, and of a branching in the shower."""
PAIRS = {
    (5, 5): "bb+bb",
    (5, 4): "bb+cc",
    (4, 4): "cc+cc",
    (5, 0): "bb",
    (4, 0): "cc",
    (0, 0): "none",
}


@dataclass(frozen=True)
class Hard:
    """The hard process in an event record.

    Attributes
    ----------
    incoming, outgoing : tuple of int
        PDG codes; the quarks of a forced pair do not count as outgoing.
    gluons : tuple of tuple of int
        Entries that each outgoing gluon consists of: itself, or the two quarks it was made to
        split into.
    forced : tuple of int
        Flavour that each of these gluons was made to split into, 0 where it was not.
    """

    incoming: tuple[int, ...]
    outgoing: tuple[int, ...]
    gluons: tuple[tuple[int, ...], ...]
    forced: tuple[int, ...]


def find_hard(event: pythia8mc.Event, pairs: int = 0) -> Hard:
    """Return the hard process of an event; the first `pairs` pairs that go out were forced."""
    incoming, outgoing = [], []
    for entry in range(3, min(event.size(), 20)):
        parton = event[entry]
        status = abs(parton.status())
        if status == INCOMING:
            incoming.append(parton.id())
        elif status == OUTGOING:
            outgoing.append((entry, parton.id()))
        elif outgoing:  # they stand in a row
            break
    quarks, rest = outgoing[: 2 * pairs], outgoing[2 * pairs :]
    entries = [entry for entry, _ in quarks]
    made = zip(entries[::2], entries[1::2], strict=True)
    gluons = [(entry,) for entry, code in rest if code == GLUON]
    return Hard(
        incoming=tuple(incoming),
        outgoing=(*(GLUON,) * pairs, *(code for _, code in rest)),
        gluons=(*made, *gluons),
        forced=(*(abs(code) for _, code in quarks[::2]), *(0,) * len(gluons)),
    )


def origin(hard: Hard) -> str:
    """Return where b quarks come from by the hard process.

    `excitation`: one comes in; `creation`: they go out of gg, qq̄ → bb̄; `splitting`: neither.
    """
    if any(abs(code) == BOTTOM for code in hard.incoming):
        return "excitation"
    if any(abs(code) == BOTTOM for code in hard.outgoing):
        return "creation"
    return "splitting"


def pairs(
    event: pythia8mc.Event,
    hard: Hard,
    mass_min: float,
    mass_max: float,
    heavy: list[int] | None = None,
) -> str:
    """Return which heavy pairs the outgoing gluons have, one of `PAIRS`.

    A gluon has a pair of b (else of c) quarks if one of its descendants split into them with a
    mass in the range, taken right behind the splitting [GeV]. `heavy` is what `heavy_entries`
    returns, if that is known already.
    """
    flavours = list(hard.forced)
    if len(flavours) == 2 and set(flavours) == {BOTTOM}:
        return PAIRS[BOTTOM, BOTTOM]
    heavy = heavy_entries(event) if heavy is None else heavy
    roots = {entry: k for k, entries in enumerate(hard.gluons) for entry in entries}
    for entry in heavy:
        parton = event[entry]
        flavour = parton.id()
        if flavour < 0 or abs(parton.status()) != SHOWERED:
            continue
        mother = parton.mother1()
        if event[mother].id() != GLUON or parton.mother2() > 0:
            continue
        other = event[mother].daughter1() + event[mother].daughter2() - entry
        if event[other].id() != -flavour:
            continue
        root = _root(event, mother, roots)
        if root is None or flavours[root] >= flavour:
            continue
        mass = (parton.p() + event[other].p()).mCalc()
        if mass_min <= mass <= mass_max:
            flavours[root] = flavour
    first, second = (*sorted(flavours, reverse=True), 0, 0)[:2]
    return PAIRS[first, second]


def _root(event: pythia8mc.Event, entry: int, roots: dict[int, int]) -> int | None:
    """Return which gluon of the hard process an entry descends from, if any."""
    while entry > 0:
        if entry in roots:
            return roots[entry]
        entry = event[entry].mother1()
    return None


def heavy_entries(event: pythia8mc.Event) -> list[int]:
    """Return the entries of all b and c quarks, those that went on to something else among them."""
    codes = map(pythia8mc.Particle.id, event)
    return [entry for entry, code in enumerate(codes) if code in HEAVY]


def heavy_quarks(
    event: pythia8mc.Event,
    pt_min: float,
    flavours: tuple[int, ...],
    heavy: list[int] | None = None,
) -> list[int]:
    """Return the entries of the heavy quarks that are there so far, above `pt_min` [GeV].

    `heavy` is what `heavy_entries` returns, if that is known already.
    """
    found = []
    for entry in heavy_entries(event) if heavy is None else heavy:
        quark = event[entry]
        if quark.isFinal() and abs(quark.id()) in flavours and quark.pT() > pt_min:
            found.append(entry)
    return found


def content(
    event: pythia8mc.Event, quarks: list[int], jets: pythia8mc.SlowJet, separation: float
) -> int:
    """Return the class of an event by its b quarks in jets, 0 … 4 (see `HeavyFlavour`)."""
    counts = [
        1
        + any(
            pythia8mc.REtaPhi(event[a].p(), event[b].p()) > separation
            for a, b in combinations(inside, 2)
        )
        for inside in members(quarks, jets).values()
    ]
    return sum(sorted(counts)[-2:])


def members(quarks: list[int], jets: pythia8mc.SlowJet) -> dict[int, list[int]]:
    """Return the quarks in each jet, by the jet's number."""
    found: dict[int, list[int]] = {}
    for quark in quarks:
        jet = jets.jetAssignment(quark)
        if 0 <= jet < jets.sizeJet():
            found.setdefault(jet, []).append(quark)
    return found
