"""Subjets inside fat jets: all jets of a step are clustered in one batch."""

import warnings

import awkward as ak
import fastjet
import numpy as np

from analysis.config.reconstruction import Subjets
from analysis.reconstruction.fatjets import CARTESIAN, jet_definition, polar_lists
from common.angles import delta_phi
from common.lists import Lists

_UNBOUNDED = 100.0  # a radius beyond any jet's: constituents merge with each other alone


def find_subjets(constituents: ak.Array, config: Subjets) -> ak.Array:
    """Return the leading subjets of each jet.

    Parameters
    ----------
    constituents : ak.Array [jets][n]
        {px, py, pz, E} [GeV], and {eta, phi} for `hdbscan`.
    config : Subjets

    Returns
    -------
    ak.Array [jets][at most max_per_jet]
        {pt, eta, phi, mass, energy} in order of pT, all above `pt_min`.
    """
    if config.algorithm == "hdbscan":
        momenta = _density_clusters(constituents, config.min_cluster_size)
    else:
        momenta = _recombined(Lists.of(constituents, *CARTESIAN).array(), config)
    subjets = polar_lists(Lists.of(momenta))
    hard = subjets.where(subjets["pt"] > config.pt_min)
    return hard.descending("pt").leading(config.max_per_jet).array()


def _recombined(momenta: ak.Array, config: Subjets) -> ak.Array:
    if config.algorithm == "kt_exclusive":
        sequence = fastjet.ClusterSequence(momenta, jet_definition("kt", _UNBOUNDED))
        with warnings.catch_warnings():
            # fastjet's Python layer warns for every algorithm, kT included, where it is defined
            warnings.filterwarnings("ignore", message="dcut and exclusive jets")
            return sequence.exclusive_jets_up_to(config.count)
    definition = jet_definition(config.algorithm, config.radius)
    return fastjet.ClusterSequence(momenta, definition).inclusive_jets(config.pt_min)


def _density_clusters(constituents: ak.Array, min_cluster_size: int) -> ak.Array:
    """Return the summed four-momenta of the density clusters, noise left out.

    A jet without two distinct clusters is one subjet as a whole.
    """
    from analysis.reconstruction.hdbscan import (
        cluster_labels,  # compiles; the other algorithms need no compiler
    )

    counts = ak.to_numpy(ak.num(constituents))
    phi = delta_phi(constituents.phi, constituents.phi[:, 0])
    labels, n_clusters = cluster_labels(
        ak.to_numpy(ak.flatten(constituents.eta)).astype(np.float64),
        ak.to_numpy(ak.flatten(phi)).astype(np.float64),
        counts,
        min_cluster_size,
        min_cluster_size,
    )
    labels = np.where(np.repeat(n_clusters == 0, counts), 0, labels)
    n_clusters = np.maximum(n_clusters, 1)
    first = np.cumsum(n_clusters) - n_clusters
    clustered = labels >= 0
    slot = (np.repeat(first, counts) + labels)[clustered]
    sums = {
        name: np.bincount(
            slot, ak.to_numpy(ak.flatten(constituents[name]))[clustered], n_clusters.sum()
        )
        for name in ("px", "py", "pz", "E")
    }
    return ak.unflatten(ak.zip(sums), n_clusters)
