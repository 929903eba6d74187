"""The energy flow of the whole event, in fat jets or not: what jet-free networks see."""

import awkward as ak
import numpy as np

from analysis.reconstruction.event_table import IMPACT
from common.lists import Lists, concatenate

PLACE = "place"
"""Field of an energy-flow object: its number in the event, by which jets are told from the rest."""
FIELDS = ("pt", "eta", "phi", "energy", "charge", "kind", *IMPACT)


def with_places(events: ak.Array) -> ak.Array:
    """Return the events with `PLACE` in their energy-flow objects, which their jets inherit."""
    objects = Lists.of(events.eflow)
    place = np.arange(len(objects.owners)) - objects.firsts[objects.owners]
    return ak.with_field(events, objects.with_columns(**{PLACE: place}).array(), "eflow")


def event_objects(eflow: ak.Array, constituents: ak.Array, count: int) -> ak.Array:
    """Return the leading energy-flow objects of each event, those of its fat jets as these have it.

    Where the energy of fat jets is varied, that of their constituents is, too; objects outside the
    two fat jets stay as the detector measured them.

    Parameters
    ----------
    eflow : ak.Array [N][n]
        All objects of the event, {pt, eta, phi, mass, charge, kind, place} [GeV, rad].
    constituents : ak.Array [N][2][m]
        The same objects as the constituents of its fat jets, with `E`.
    count : int
        Objects kept.

    Returns
    -------
    ak.Array [N][at most count]
        {pt, eta, phi, energy, charge, kind} in falling pT, massive objects with their own energy;
        with impact parameters where `eflow` has them.
    """
    objects = Lists.of(eflow)
    in_jets = Lists.of(ak.flatten(constituents, axis=2))
    taken = np.zeros(len(objects.owners), dtype=bool)
    taken[objects.firsts[in_jets.owners] + in_jets[PLACE]] = True
    rest = objects.filter(~taken & (objects["pt"] > 0))
    momentum = rest["pt"].astype(np.float64) * np.cosh(rest["eta"].astype(np.float64))
    rest = rest.with_columns(energy=np.hypot(momentum, rest["mass"]))
    in_jets = in_jets.with_columns(energy=in_jets["E"])
    kept = [name for name in FIELDS if name in rest.columns]
    parts = [Lists(part.counts, {name: part[name] for name in kept}) for part in (in_jets, rest)]
    leading = concatenate(parts).descending("pt").head(count)
    return leading.with_columns(charge=leading["charge"].astype(np.int8)).array()
