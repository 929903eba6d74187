"""The two leading fat jets of each event, and their constituents."""

import awkward as ak
import fastjet
import numpy as np

from analysis.config.reconstruction import FatJets

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
    pt, eta, phi, mass = _flat(objects, ("pt", "eta", "phi", "mass"))
    pz = pt * np.sinh(eta)
    p4 = {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pz}
    return ak.unflatten(ak.zip(p4 | {"E": np.sqrt(pt**2 + pz**2 + mass**2)}), ak.num(objects))


def polar(jets: ak.Array) -> ak.Array:
    """Return {pt, eta, phi, mass, energy} of lists of {px, py, pz, E}; mass² < 0 counts as 0."""
    px, py, pz, energy = _flat(jets, ("px", "py", "pz", "E"))
    pt = np.hypot(px, py)
    fields = {
        "pt": pt,
        "eta": np.arcsinh(pz / pt),
        "phi": np.arctan2(py, px),
        "mass": np.sqrt(np.maximum(energy**2 - pt**2 - pz**2, 0)),
        "energy": energy,
    }
    return ak.unflatten(ak.zip(fields), ak.num(jets))


def _flat(lists: ak.Array, names: tuple[str, ...]) -> list[np.ndarray]:
    """Return fields of lists as float64, all lists one after the other."""
    records = ak.flatten(lists)
    return [ak.to_numpy(records[name]).astype(np.float64) for name in names]


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
    if config.source == "delphes":
        positions, jets, index = _stored(events, config)
        objects = events.eflow[positions]
    else:
        positions, objects, jets, index = _clustered(events, config)
    leading = ak.argsort(jets.pt, ascending=False, stable=True)[:, :2]
    constituents = _constituents(objects, index[leading])
    return positions, ak.with_field(jets[leading], constituents, "constituent")


def _stored(events: ak.Array, config: FatJets) -> tuple[np.ndarray, ak.Array, ak.Array]:
    jets = events.fatjet[events.fatjet.pt > config.pt_min]
    positions = np.flatnonzero(ak.num(jets) >= 2)
    jets = jets[positions]
    p4 = momenta(jets[["pt", "eta", "phi", "mass"]])
    return positions, polar(p4), jets.constituent_index


def _clustered(
    events: ak.Array, config: FatJets
) -> tuple[np.ndarray, ak.Array, ak.Array, ak.Array]:
    objects = events.eflow
    objects = objects[(abs(objects.eta) < config.input_abs_eta_max) & (objects.pt > 0)]
    # a jet's pT never exceeds the sum of its constituents' pT, and no object is in two jets
    possible = np.flatnonzero(ak.sum(objects.pt, axis=1) >= 2 * config.pt_min)
    objects = ak.to_packed(objects[possible])
    sequence = fastjet.ClusterSequence(
        momenta(objects), jet_definition(config.algorithm, config.radius)
    )
    jets = sequence.inclusive_jets(config.pt_min)
    two = np.flatnonzero(ak.num(jets) >= 2)
    index = sequence.constituent_index(config.pt_min)[two]
    return possible[two], objects[two], polar(jets[two]), index


def _constituents(objects: ak.Array, index: ak.Array) -> ak.Array:
    """Return the objects [N][n] at `index` [N][2][m] with their momenta, each list in pT order."""
    picked = ak.unflatten(objects[ak.flatten(index, axis=2)], ak.flatten(ak.num(index, axis=2)), 1)
    jets = ak.flatten(picked, axis=1)
    jets = ak.to_packed(jets[ak.argsort(jets.pt, ascending=False, stable=True)])
    p4 = momenta(jets)
    for name in p4.fields:
        jets = ak.with_field(jets, p4[name], name)
    return pairs(jets)


def pairs(jets: ak.Array) -> ak.Array:
    """Return a list of jets, two of each event, as [N][2]."""
    return ak.Array(ak.contents.RegularArray(ak.to_packed(jets).layout, 2))
