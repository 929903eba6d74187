"""From a Delphes file to the table of events with two oriented fat jets."""

import logging
from pathlib import Path

import awkward as ak
import numpy as np

from analysis.config.reconstruction import BHadrons, Reconstruction
from analysis.delphes.reader import open_delphes
from analysis.reconstruction.cut_counts import CutCounts
from analysis.reconstruction.cutflow import B_HADRONS, GENERATED
from analysis.reconstruction.event_objects import event_objects, with_places
from analysis.reconstruction.event_table import IMPACT, EventTableWriter
from analysis.reconstruction.fatjets import find_fatjets, pairs
from analysis.reconstruction.flavour import count_b_hadrons, heavy_hadrons, subjet_flavour
from analysis.reconstruction.orientation import orient
from analysis.reconstruction.subjets import find_subjets
from analysis.reconstruction.variations import loosened, vary_fatjets
from common.angles import delta_phi
from common.lists import Lists

log = logging.getLogger(__name__)

PAIR = "two fat jets"
CUTS = (PAIR, "eta", "mass")
PREREQUISITES = (B_HADRONS, PAIR)
"""What must pass before the fat jets of an event are looked at."""


def no_counts(b_hadron_range: BHadrons | None) -> CutCounts:
    """Return the cut flow of no events."""
    return CutCounts.empty(CUTS if b_hadron_range is None else (B_HADRONS, *CUTS), PREREQUISITES)


def reconstruct(
    events: ak.Array, config: Reconstruction, b_hadron_range: BHadrons | None = None
) -> tuple[ak.Array, CutCounts]:
    """Reconstruct and select the events of one step.

    Parameters
    ----------
    events : ak.Array
        Records of `DelphesFile.steps`.
    config : Reconstruction
    b_hadron_range : BHadrons, optional
        Numbers of b hadrons to keep; all if not given.

    Returns
    -------
    table : ak.Array
        The selected events, `event_table.event_type`.
    flow : CutCounts
        `generated`, the range of b hadrons if given, two fat jets above `pt_min`, their |η|, mass.
    """
    if config.event_objects:
        events = with_places(events)
    hadrons = heavy_hadrons(events.particle)
    b_hadrons = count_b_hadrons(hadrons)
    masks, positions = {}, np.arange(len(events))
    if b_hadron_range is not None:
        most = np.inf if b_hadron_range.max is None else b_hadron_range.max
        masks[B_HADRONS] = (b_hadrons >= b_hadron_range.min) & (b_hadrons <= most)
        positions = np.flatnonzero(masks[B_HADRONS])
    block = loosened(config.fatjets, config.variation)
    with_pair, fatjets = find_fatjets(
        events if b_hadron_range is None else events[positions], block
    )
    positions = positions[with_pair]
    if not config.variation.is_nominal:
        varied = (config.fatjets, config.variation)
        positions, fatjets = vary_fatjets(positions, fatjets, *varied)
    eta, mass = (ak.to_numpy(fatjets[name]) for name in ("eta", "mass"))
    cuts = {
        "eta": abs(eta) < config.fatjets.abs_eta_max,
        "mass": mass > config.fatjets.mass_min,
    }
    passed = {name: cut.all(axis=1) for name, cut in cuts.items()}
    masks[PAIR] = _mask(len(events), positions)
    masks |= {name: _mask(len(events), positions[mask]) for name, mask in passed.items()}

    selected = np.logical_and.reduce(list(passed.values()))
    positions, fatjets = positions[selected], fatjets[selected]
    table = ak.zip(
        {
            "entry": events.entry[positions],
            "generator_weight": events.weight[positions],
            "b_hadrons": b_hadrons[positions],
            **_jet_columns(fatjets, hadrons[positions], config),
            **_event_columns(events[positions], fatjets, config),
        },
        depth_limit=1,
    )
    return table, CutCounts.of(ak.to_numpy(events.weight), masks, PREREQUISITES)


def _mask(length: int, positions: np.ndarray) -> np.ndarray:
    mask = np.zeros(length, dtype=bool)
    mask[positions] = True
    return mask


def _jet_columns(
    fatjets: ak.Array, hadrons: ak.Array, config: Reconstruction
) -> dict[str, ak.Array]:
    """Return the columns `fatjet`, `constituent` and `subjet` [N][2]."""
    jets = ak.flatten(fatjets)
    parts = Lists.of(jets.constituent)
    eta, phi = (ak.to_numpy(jets[name])[parts.owners] for name in ("eta", "phi"))
    parts = parts.with_columns(deta=parts["eta"] - eta, dphi=delta_phi(parts["phi"], phi))
    constituents = parts.array()
    oriented = orient(constituents.deta, constituents.dphi, constituents.pt)

    subjets = find_subjets(constituents, config.subjets)
    of_event = hadrons[np.repeat(np.arange(len(hadrons)), 2)]
    flavour = subjet_flavour(
        subjets,
        of_event,
        config.subjets.flavour_cone,
        exclusive=config.subjets.flavour_matching == "nearest",
    )

    fatjet = ak.zip(
        {
            **{name: jets[name] for name in ("pt", "eta", "phi", "mass", "energy")},
            **{name: oriented[name] for name in ("theta", "flip_eta", "flip_phi")},
            "multiplicity": parts.counts,
        }
    )
    columns = {
        "eta": ak.to_numpy(ak.flatten(oriented.eta)),
        "phi": ak.to_numpy(ak.flatten(oriented.phi)),
        "energy": parts["E"],
        **{name: parts[name] for name in ("deta", "dphi", "pt", "kind")},
        "charge": parts["charge"].astype(np.int8),  # checked to be small
        **{name: parts[name] for name in IMPACT if config.impact_parameters},
    }
    constituent = Lists(parts.counts, columns).head(config.max_constituents)
    return {
        "fatjet": pairs(fatjet),
        "constituent": pairs(constituent.array()),
        "subjet": pairs(ak.with_field(subjets, flavour, "flavour")),
    }


def _event_columns(
    events: ak.Array, fatjets: ak.Array, config: Reconstruction
) -> dict[str, ak.Array]:
    """Return the column `object` [N][n], where it is wanted."""
    if not config.event_objects:
        return {}
    constituents = fatjets["constituent"]
    return {"object": event_objects(events.eflow, constituents, config.event_objects)}


def reconstruct_file(
    path: str, output: Path, config: Reconstruction, b_hadron_range: BHadrons | None = None
) -> CutCounts:
    """Reconstruct one Delphes file step by step into one Parquet file; return its cut flow.

    Raises
    ------
    InputFileError
        If the file, or what is in it, cannot be used.
    NormalisationError
        If a generator weight is NaN or infinite.
    """
    flow = no_counts(b_hadron_range)
    with_fatjets = config.fatjets.source == "delphes"
    opened = open_delphes(
        path, fatjets=with_fatjets, names=config.branches, impact=config.impact_parameters
    )
    with opened as file, EventTableWriter(output, config) as writer:
        for events in file.steps(config.step_size):
            table, step_flow = reconstruct(events, config, b_hadron_range)
            writer.write(table)
            flow += step_flow
            log.info("%d of %d events", flow[GENERATED].raw, file.tree.num_entries)
    return flow
