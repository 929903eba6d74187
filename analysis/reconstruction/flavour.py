"""Truth flavour: heavy hadrons of the generator record, and the subjets they are in.

Some cards of Delphes filter the record (`StatusPidFilter`): charm hadrons, in older versions b
hadrons, too, are not written, and quarks are. In an event that has heavy quarks and no hadron of
their flavour, the quarks stand for the hadrons; a complete record has no such event. A quark is in
the record many times, each time softer: of copies that are near each other the softest counts.
"""

import awkward as ak
import numpy as np

from common.angles import delta_r
from common.lists import Lists, ranges

# Hadrons that decay weakly (PDG Monte Carlo numbering scheme). Excited states pass their heavy
# quark on to one of these, so no mother or daughter index is needed.
B_HADRONS = (
    511, 521, 531, 541, 5122, 5132, 5232, 5332, 5142, 5242, 5342, 5512, 5522, 5532, 5542,
)  # fmt: skip
C_HADRONS = (411, 421, 431, 4122, 4132, 4232, 4332, 4412, 4422, 4432)
BOTTOM, CHARM, LIGHT = 5, 4, 0
COPIES = 0.4  # ΔR of quarks of one sign that are taken for the same
PT_MIN = 5.0  # GeV; slimmed samples keep no softer particles
ABS_ETA_MAX = 2.5  # counted hadrons are within the reach of b tagging

_CODE = np.zeros(6000, np.int8)
_CODE[list(B_HADRONS)] = BOTTOM
_CODE[list(C_HADRONS)] = CHARM
_QUARK = np.zeros(6000, np.int8)
_QUARK[[BOTTOM, CHARM]] = BOTTOM, CHARM


def heavy_hadrons(particles: ak.Array) -> ak.Array:
    """Return the weakly decaying b and c hadrons with pT above 5 GeV, each once.

    Of a flavour that an event has quarks of and no hadron, the quarks.

    Parameters
    ----------
    particles : ak.Array [events][n]
        {pid, pt, eta, phi} of the generator record [GeV, rad].

    Returns
    -------
    ak.Array [events][m]
        {eta, phi, flavour}, the flavour being 5 or 4. A neutral meson that oscillated is in the
        record twice with the same momentum; the copy is dropped.
    """
    record = Lists.of(particles, "pid", "pt", "eta", "phi")
    pid = abs(record["pid"].astype(np.int64))
    pid = np.where(pid < len(_CODE), pid, 0)
    code = _CODE[pid].copy()
    for flavour in (BOTTOM, CHARM):
        missing = np.bincount(record.owners, code == flavour, len(record.counts)) == 0
        quarks = (_QUARK[pid] == flavour) & missing[record.owners] & (record["pt"] > PT_MIN)
        code[np.flatnonzero(quarks)[_last_copies(record.filter(quarks))]] = flavour
    heavy = record.with_columns(flavour=code).filter(code > 0)
    event, found, pt, phi = heavy.owners, heavy["flavour"], heavy["pt"], heavy["phi"]
    order = np.lexsort((phi, pt, found, event))
    key = np.stack([event, found, pt, phi])[:, order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (key[:, 1:] != key[:, :-1]).any(axis=0)
    hadrons = heavy.take(order, heavy.counts)
    return hadrons.filter(first & (hadrons["pt"] > PT_MIN)).array()[["eta", "phi", "flavour"]]


def _last_copies(quarks: Lists) -> np.ndarray:
    """Return which quarks {pid, pt, eta, phi} have no softer one of their sign near them."""
    others = quarks.counts[quarks.owners]
    own = np.repeat(np.arange(len(others)), others)
    other = ranges(quarks.firsts[quarks.owners], others)
    pid, pt, eta, phi = (quarks[name] for name in ("pid", "pt", "eta", "phi"))
    softer = (pid[other] == pid[own]) & (pt[other] < pt[own])
    near = delta_r(eta[own], phi[own], eta[other], phi[other]) < COPIES
    return np.bincount(own, softer & near, len(others)) == 0


def count_b_hadrons(hadrons: ak.Array) -> np.ndarray:
    """Return the number of b hadrons with |η| < 2.5 of each event."""
    lists = Lists.of(hadrons, "eta", "flavour")
    counted = (lists["flavour"] == BOTTOM) & (abs(lists["eta"]) < ABS_ETA_MAX)
    return lists.filter(counted).counts.astype(np.int32)


def subjet_flavour(
    subjets: ak.Array, hadrons: ak.Array, cone: float, *, exclusive: bool
) -> ak.Array:
    """Return 5, 4 or 0: the heaviest flavour with a hadron within ΔR < `cone` of a subjet's axis.

    Parameters
    ----------
    subjets : ak.Array [jets][n]
        {eta, phi}.
    hadrons : ak.Array [jets][m]
        {eta, phi, flavour} of the jet's event.
    cone : float
        Largest ΔR [rad].
    exclusive : bool
        Whether a hadron counts for the nearest subjet alone. Otherwise one hadron between two
        subjets labels both, and a collinear g → bb̄ passes for two b subjets.
    """
    axes, truth = Lists.of(subjets, "eta", "phi"), Lists.of(hadrons, "eta", "phi", "flavour")
    # every subjet beside every hadron of its event
    n_hadrons = truth.counts[axes.owners]
    axis = np.repeat(np.arange(len(n_hadrons)), n_hadrons)
    hadron = ranges(truth.firsts[axes.owners], n_hadrons)
    distance = delta_r(
        axes["eta"][axis], axes["phi"][axis], truth["eta"][hadron], truth["phi"][hadron]
    )
    near = distance < cone
    if exclusive:
        nearest = np.full(len(truth["eta"]), np.inf)
        np.minimum.at(nearest, hadron, distance)
        near &= distance == nearest[hadron]
    heaviest = np.full(len(n_hadrons), LIGHT, dtype=np.int8)
    np.maximum.at(heaviest, axis[near], truth["flavour"][hadron[near]])
    return Lists(axes.counts, {"flavour": heaviest}).array()["flavour"]
