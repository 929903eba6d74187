"""How well subjets find the two b quarks of a Higgs boson: a scan of algorithms and radii."""

from collections.abc import Sequence
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from analysis.config.reconstruction import FatJets, Subjets, SubjetScan
from analysis.reconstruction.fatjets import find_fatjets
from analysis.reconstruction.flavour import BOTTOM, heavy_hadrons
from analysis.reconstruction.subjets import find_subjets
from common.angles import delta_r

REPLICAS = 200
"""Bootstrap replicas behind the error of a resolution."""
COLUMNS = (
    "algorithm",
    "radius",
    "jets",
    "matched",
    "matched_error",
    "subjets",
    "subjets_error",
    "median_mass_gev",
    "mass_resolution",
    "mass_resolution_error",
)


def higgs_jets(events: ak.Array, config: FatJets) -> ak.Array:
    """Return the fat jets that hold the b hadrons of one Higgs boson.

    Parameters
    ----------
    events : ak.Array
        Records of `DelphesFile.steps`, of a signal.
    config : FatJets

    Returns
    -------
    ak.Array [jets]
        {pt, eta, phi, mass, energy, constituent, hadron}: of the two leading fat jets that pass the
        cuts those with exactly two b hadrons within R of their axis; `hadron` [2] {eta, phi}.
    """
    positions, pairs = find_fatjets(events, config)
    hadrons = heavy_hadrons(events.particle)[positions]
    bottom = hadrons[hadrons.flavour == BOTTOM][:, np.newaxis]
    near = delta_r(bottom.eta, bottom.phi, pairs["eta"], pairs["phi"]) < config.radius
    inside = ak.broadcast_arrays(bottom, near)[0][near]
    jets = ak.flatten(ak.with_field(pairs, inside[["eta", "phi"]], "hadron"))
    passed = (abs(jets["eta"]) < config.abs_eta_max) & (jets["mass"] > config.mass_min)
    return jets[passed & (ak.num(jets["hadron"]) == 2)]


def matched_subjets(
    jets: ak.Array, subjets: ak.Array, cone: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return whether two subjets have a b hadron each [jets], and the mass of their sum [GeV].

    A hadron belongs to the nearest subjet, if that is within `cone` in ΔR. Masses are those of
    matched jets, the others' are NaN.
    """
    first, second = (_nearest(jets["hadron"][:, k], subjets, cone) for k in (0, 1))
    matched = (first >= 0) & (second >= 0) & (first != second)
    mass = np.full(len(matched), np.nan)
    if matched.any():
        chosen = subjets[matched]
        rows = np.arange(len(chosen))
        sums = np.zeros((4, len(chosen)))
        for place in (first[matched], second[matched]):
            one = chosen[rows, place]
            pt, eta, phi, energy = (
                ak.to_numpy(one[name]).astype(np.float64) for name in ("pt", "eta", "phi", "energy")
            )
            sums += np.stack([energy, pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)])
        mass[matched] = np.sqrt(np.maximum(sums[0] ** 2 - (sums[1:] ** 2).sum(0), 0))
    return matched, mass


def _nearest(hadron: ak.Array, subjets: ak.Array, cone: float) -> NDArray[np.int64]:
    """Return the place of the subjet nearest to one hadron of each jet; −1 if none is near."""
    distance = delta_r(subjets["eta"], subjets["phi"], hadron["eta"], hadron["phi"])
    place = ak.to_numpy(ak.fill_none(ak.argmin(distance, axis=1), -1))
    near = ak.to_numpy(ak.fill_none(ak.min(distance, axis=1), np.inf)) < cone
    return np.where(near, place, -1)


def scan(jets: ak.Array, subjets: Subjets, config: SubjetScan) -> list[dict[str, Any]]:
    """Return one row per algorithm and radius, with `COLUMNS`.

    `matched` is the fraction of Higgs jets whose two b hadrons are in two subjets, `subjets` their
    mean number per jet; `median_mass_gev` is the median mass of the sum of the two matched subjets,
    and `mass_resolution` half of the central 68% of that mass over the median, with the error of a
    bootstrap of the jets. For `hdbscan` the radius is the distance at which its tree is cut.

    Parameters
    ----------
    jets : ak.Array
        `higgs_jets`.
    subjets : Subjets
        All settings but algorithm and radius.
    config : SubjetScan
    """
    rows = []
    for algorithm in config.algorithms:
        key = "cut" if algorithm == "hdbscan" else "radius"
        for radius in config.radii:
            block = subjets.model_copy(update={"algorithm": algorithm, key: radius})
            found = find_subjets(jets["constituent"], block)
            matched, mass = matched_subjets(jets, found, subjets.flavour_cone)
            number = ak.to_numpy(ak.num(found))
            rows.append(
                {"algorithm": algorithm, "radius": radius, "jets": len(jets)}
                | _summary(matched, number, mass[matched], config.seed)
            )
    return rows


def _summary(
    matched: NDArray[np.bool_], number: NDArray[np.int64], mass: NDArray[np.float64], seed: int
) -> dict[str, float]:
    count, share = len(matched), float(matched.mean())
    median, resolution = _resolution(mass)
    rng = np.random.default_rng(seed)
    drawn = [_resolution(rng.choice(mass, len(mass)))[1] for _ in range(REPLICAS) if len(mass)]
    return {
        "matched": share,
        "matched_error": float(np.sqrt(share * (1 - share) / count)),
        "subjets": float(number.mean()),
        "subjets_error": float(number.std() / np.sqrt(count)),
        "median_mass_gev": median,
        "mass_resolution": resolution,
        "mass_resolution_error": float(np.std(drawn)) if drawn else np.nan,
    }


def _resolution(mass: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median, and half of the central 68% over it."""
    if not len(mass):
        return np.nan, np.nan
    low, median, high = np.quantile(mass, (0.16, 0.5, 0.84))
    return float(median), float((high - low) / (2 * median))


def spanning_tree(points: NDArray[np.float64], neighbours: int) -> NDArray[np.float64]:
    """Return the minimum spanning tree that HDBSCAN cuts: [n − 1, 3], rows of (i, j, distance).

    Of all trees through the points the one whose summed mutual reachability distances are
    smallest; that of two points is max(κ(a), κ(b), d(a, b)), with d their ΔR and κ the core
    distance, that to the `neighbours`-th nearest point, itself counted (Campello, Moulavi and
    Sander, PAKDD 2013, LNCS 7819, p. 160).

    Parameters
    ----------
    points : [n, 2]
        (η, φ) [rad], φ unwrapped.
    neighbours : int

    Examples
    --------
    >>> line = np.array([[0.0, 0.0], [0.1, 0.0], [0.3, 0.0]])
    >>> spanning_tree(line, 1).round(3).tolist()  # core distances are zero
    [[0.0, 1.0, 0.1], [1.0, 2.0, 0.2]]
    """
    distance = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    core = np.sort(distance, axis=1)[:, min(neighbours, len(points)) - 1]
    reach = np.maximum(distance, np.maximum(core[:, None], core[None]))
    edges, inside = [], np.zeros(len(points), dtype=bool)
    inside[0] = True
    while not inside.all():  # Prim: a jet has some fifty points
        from_, to = np.flatnonzero(inside), np.flatnonzero(~inside)
        between = reach[np.ix_(from_, to)]
        i, j = np.unravel_index(np.argmin(between), between.shape)
        edges.append((from_[i], to[j], between[i, j]))
        inside[to[j]] = True
    return np.array(edges, dtype=np.float64).reshape(-1, 3)


def dendrogram_lines(tree: NDArray[np.float64], weight: NDArray[np.float64]) -> Sequence[Any]:
    """Return a single-linkage dendrogram as lines: (x [4], height [4]) of each merging.

    Parameters
    ----------
    tree : [n − 1, 3]
        `spanning_tree`.
    weight : [n]
        pT of the points [GeV]: of two branches the harder one is on the left.
    """
    count = len(tree) + 1
    members = {k: [k] for k in range(count)}
    owner = np.arange(count)
    merges: list[tuple[int, int, float]] = []
    for i, j, height in tree[np.argsort(tree[:, 2], kind="stable")]:
        a, b = owner[int(i)], owner[int(j)]
        if weight[members[a]].sum() < weight[members[b]].sum():
            a, b = b, a
        new = count + len(merges)
        members[new] = members[a] + members[b]
        owner[members[new]] = new
        merges.append((a, b, height))
    leaves = members[count + len(merges) - 1] if merges else [0]
    x = {leaf: float(place) for place, leaf in enumerate(leaves)}
    top = dict.fromkeys(range(count), 0.0)
    lines = []
    for k, (a, b, height) in enumerate(merges):
        lines.append(((x[a], x[a], x[b], x[b]), (top[a], height, height, top[b])))
        x[count + k], top[count + k] = (x[a] + x[b]) / 2, float(height)
    return lines
