"""Subjets inside fat jets: all jets of a step are clustered in one batch."""

import warnings

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

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
        momenta = _density_clusters(constituents, config)
    else:
        momenta = _recombined(Lists.of(constituents, *CARTESIAN).array(), config)
    subjets = polar_lists(Lists.of(momenta))
    hard = subjets.filter(subjets["pt"] > config.pt_min)
    return hard.descending("pt").head(config.max_per_jet).array()


def _recombined(momenta: ak.Array, config: Subjets) -> ak.Array:
    if config.algorithm == "kt_exclusive":
        sequence = fastjet.ClusterSequence(momenta, jet_definition("kt", _UNBOUNDED))
        with warnings.catch_warnings():
            # fastjet's Python layer warns for every algorithm, kT included, where it is defined
            warnings.filterwarnings("ignore", message="dcut and exclusive jets")
            return sequence.exclusive_jets_up_to(config.count)
    definition = jet_definition(config.algorithm, config.radius)
    return fastjet.ClusterSequence(momenta, definition).inclusive_jets(config.pt_min)


def _density_clusters(constituents: ak.Array, config: Subjets) -> ak.Array:
    """Return the summed four-momenta of the density clusters, noise left out.

    A jet without two distinct clusters is one subjet as a whole. Where points share a core
    distance, scikit-learn's clusters depend on the order of the points: it is that of falling pT.
    """
    lists = Lists.of(constituents, *CARTESIAN, "eta", "phi")
    lists = lists.with_columns(pt=np.hypot(lists["px"], lists["py"])).descending("pt")
    phi = delta_phi(lists["phi"], np.repeat(lists["phi"][lists.firsts], lists.counts))
    points = np.stack([lists["eta"], phi], axis=-1).astype(np.float64)
    jets = np.split(points, lists.firsts)[1:]
    labels_of = [density_labels(jet, config.min_cluster_size, config.cut) for jet in jets]
    n_clusters = np.array([labels.max(initial=-1) + 1 for labels in labels_of], np.int64)
    labels = np.concatenate([np.zeros(0, np.int64), *labels_of])
    labels = np.where(np.repeat(n_clusters == 0, lists.counts), 0, labels)
    n_clusters = np.maximum(n_clusters, 1)
    first = np.cumsum(n_clusters) - n_clusters
    clustered = labels >= 0
    slot = (np.repeat(first, lists.counts) + labels)[clustered]
    sums = {name: np.bincount(slot, lists[name][clustered], n_clusters.sum()) for name in CARTESIAN}
    return ak.unflatten(ak.zip(sums), n_clusters)


def density_labels(
    points: NDArray[np.float64], min_cluster_size: int, cut: float = 0.0
) -> NDArray[np.int64]:
    """Return the HDBSCAN cluster of each point of a jet [n, 2] (η, φ), from 0; −1 for noise.

    The tree of mutual reachability distances is cut at `cut`, or where clusters persist longest if
    that is 0.
    """
    from sklearn.cluster import HDBSCAN  # slow to import; the other algorithms do without

    if len(points) < min_cluster_size:
        return np.full(len(points), -1)
    hdbscan = HDBSCAN(min_cluster_size=min_cluster_size, algorithm="brute", copy=True).fit(points)
    labels = hdbscan.dbscan_clustering(cut, min_cluster_size) if cut else hdbscan.labels_
    return np.asarray(labels, dtype=np.int64)
