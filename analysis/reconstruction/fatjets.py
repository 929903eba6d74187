"""The two leading fat jets of each event, and their constituents."""

from typing import NamedTuple

import awkward as ak
import fastjet
import numpy as np

from analysis.config.reconstruction import FatJets
from common.lists import Lists

POLAR = ("pt", "eta", "phi", "mass")
CARTESIAN = ("px", "py", "pz", "E")

_ALGORITHMS = {
    "antikt": fastjet.antikt_algorithm,
    "cambridge": fastjet.cambridge_algorithm,
    "kt": fastjet.kt_algorithm,
}


def jet_definition(algorithm: str, radius: float) -> fastjet.JetDefinition:
    """Return fastjet's definition of a sequential recombination (E scheme)."""
    return fastjet.JetDefinition(_ALGORITHMS[algorithm], radius)


def momenta(objects: ak.Array) -> ak.Array:
    """Return the Cartesian four-momenta of `objects` as fastjet takes them.

    Parameters
    ----------
    objects : ak.Array [lists][n]
        {pt, eta, phi, mass} [GeV, rad].

    Returns
    -------
    ak.Array [lists][n]
        {px, py, pz, E}, float64 [GeV].
    """
    return _cartesian(Lists.of(objects, *POLAR)).array()


def polar(jets: ak.Array) -> ak.Array:
    """Return {pt, eta, phi, mass, energy} of lists of {px, py, pz, E}; mass² < 0 counts as 0."""
    return polar_lists(Lists.of(jets, *CARTESIAN)).array()


def _cartesian(objects: Lists) -> Lists:
    pt, eta, phi, mass = (objects[name].astype(np.float64) for name in POLAR)
    pz = pt * np.sinh(eta)
    p4 = {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pz}
    return Lists(objects.counts, p4 | {"E": np.sqrt(pt**2 + pz**2 + mass**2)})


def polar_lists(jets: Lists) -> Lists:
    """Return what `polar` does, for lists taken apart."""
    px, py, pz, energy = (jets[name].astype(np.float64) for name in CARTESIAN)
    pt = np.hypot(px, py)
    columns = {
        "pt": pt,
        "eta": np.arcsinh(pz / pt),
        "phi": np.arctan2(py, px),
        "mass": np.sqrt(np.maximum(energy**2 - pt**2 - pz**2, 0)),
        "energy": energy,
    }
    return Lists(jets.counts, columns)


def find_fatjets(events: ak.Array, config: FatJets) -> tuple[np.ndarray, ak.Array]:
    """Return the two leading fat jets of the events that have two above `pt_min`.

    Parameters
    ----------
    events : ak.Array
        Records with `eflow`, and `fatjet` for source `delphes`.
    config : FatJets

    Returns
    -------
    positions : np.ndarray [N]
        Where in `events` the events with two fat jets are, ascending.
    jets : ak.Array [N][2]
        {pt, eta, phi, mass, energy, constituent}; jets and their constituents in order of pT, each
        constituent an energy-flow object with its {px, py, pz, E}.
    """
    candidates = (
        _stored(events, config) if config.source == "delphes" else _clustered(events, config)
    )
    positions = np.flatnonzero(candidates.jets.counts >= 2)
    numbered = candidates.jets.with_columns(number=np.arange(len(candidates.members.counts)))
    leading = numbered.select_lists(positions).descending("pt").head(2)
    members = candidates.members.select_lists(leading["number"])
    constituents = candidates.objects.take(members["object"], members.counts).descending("pt")
    constituents = constituents.with_columns(**_cartesian(constituents).columns)
    fields = {name: leading[name] for name in candidates.jets.columns}
    fields["constituent"] = constituents.array()
    return positions, pairs(ak.zip(fields, depth_limit=1))


class _Candidates(NamedTuple):
    """Jets above threshold.

    Attributes
    ----------
    jets : Lists [events][n]
        {pt, eta, phi, mass, energy}.
    members : Lists [all jets][m]
        {object}, the places of a jet's constituents among the objects of all events.
    objects : Lists [events][k]
        The energy-flow objects.
    """

    jets: Lists
    members: Lists
    objects: Lists


def _stored(events: ak.Array, config: FatJets) -> _Candidates:
    objects = Lists.of(events.eflow)
    jets = Lists.of(events.fatjet, *POLAR)
    hard = jets["pt"] > np.float64(config.pt_min)
    members = _members(events.fatjet.constituent_index, objects).select_lists(np.flatnonzero(hard))
    return _Candidates(polar_lists(_cartesian(jets.filter(hard))), members, objects)


def _clustered(events: ak.Array, config: FatJets) -> _Candidates:
    objects = Lists.of(events.eflow)
    usable = abs(objects["eta"]) < np.float64(config.input_abs_eta_max)
    usable &= objects["pt"] > 0
    # a jet's pT never exceeds the sum of its constituents' pT, and no object is in two jets
    total = np.bincount(objects.owners, objects["pt"] * usable, len(events))
    objects = objects.filter(usable & (total >= 2 * config.pt_min)[objects.owners])
    sequence = fastjet.ClusterSequence(
        _cartesian(objects).array(), jet_definition(config.algorithm, config.radius)
    )
    jets = polar_lists(Lists.of(sequence.inclusive_jets(config.pt_min)))
    members = _members(sequence.constituent_index(config.pt_min), objects)
    return _Candidates(jets, members, objects)


def _members(index: ak.Array, objects: Lists) -> Lists:
    """Return `_Candidates.members` from positions in the event's list of objects [events][n][m]."""
    jets = ak.flatten(index)
    counts = ak.to_numpy(ak.num(jets))
    first = np.repeat(objects.firsts, ak.to_numpy(ak.num(index)))
    return Lists(counts, {"object": ak.to_numpy(ak.flatten(jets)) + np.repeat(first, counts)})


def pairs(jets: ak.Array) -> ak.Array:
    """Return a list of jets, two of each event, as [N][2]."""
    return ak.Array(ak.contents.RegularArray(jets.layout, 2))
