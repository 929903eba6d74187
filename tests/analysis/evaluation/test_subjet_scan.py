"""The scan of subjets: what is a match, what the tree is, and how radii behave on real jets."""

import awkward as ak
import numpy as np
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree

from analysis.config.reconstruction import FatJets, Subjets, SubjetScan
from analysis.delphes.reader import open_delphes
from analysis.evaluation.subjet_scan import (
    COLUMNS,
    dendrogram_lines,
    higgs_jets,
    matched_subjets,
    scan,
    spanning_tree,
)
from analysis.reconstruction.subjets import density_labels
from common.angles import delta_r
from tests.delphes_files import SIGNAL


@pytest.fixture(scope="module")
def jets() -> ak.Array:
    with open_delphes(str(SIGNAL)) as file:
        return higgs_jets(next(file.steps(1000)), FatJets(mass_min=20.0))


def subjet(pt: float, eta: float, phi: float) -> dict[str, float]:
    return {"pt": pt, "eta": eta, "phi": phi, "mass": 0.0, "energy": pt * np.cosh(eta)}


def test_higgs_jets_hold_two_b_hadrons(jets: ak.Array) -> None:
    assert len(jets) > 15
    assert ak.all(ak.num(jets["hadron"]) == 2)
    near = delta_r(jets["hadron"].eta, jets["hadron"].phi, jets["eta"], jets["phi"])
    assert ak.all(near < 1.0)
    assert 80 < np.median(jets["mass"]) < 150


def test_a_match_is_two_subjets_with_a_hadron_each() -> None:
    pair = [{"eta": 0.0, "phi": 3.1}, {"eta": 0.4, "phi": -3.1}]
    good = [subjet(100, 0.0, 3.1), subjet(60, 0.4, -3.1)]
    cases = ak.Array(
        [
            {"hadron": pair, "subjet": good},
            {"hadron": pair, "subjet": good[::-1]},
            {"hadron": pair, "subjet": [subjet(160, 0.2, np.pi)]},  # both are nearest to one
            {"hadron": pair, "subjet": [good[0], subjet(60, 0.9, -3.1)]},  # one is too far away
            {"hadron": pair, "subjet": []},
        ]
    )
    matched, mass = matched_subjets(cases, cases["subjet"], 0.3)
    assert matched.tolist() == [True, True, False, False, False]
    dphi = 2 * np.pi - 6.2
    expected = np.sqrt(2 * 100 * 60 * (np.cosh(0.4) - np.cos(dphi)))
    np.testing.assert_allclose(mass[:2], expected, rtol=1e-9)
    assert np.isnan(mass[2:]).all()


@pytest.mark.parametrize("neighbours", [1, 3])
def test_tree_is_the_shortest_one(neighbours: int) -> None:
    points = np.random.default_rng(neighbours).normal(size=(30, 2))
    tree = spanning_tree(points, neighbours)
    distance = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    core = np.sort(distance, axis=1)[:, neighbours - 1]
    reach = np.maximum(distance, np.maximum.outer(core, core))
    np.fill_diagonal(reach, 0)
    assert tree[:, 2].sum() == pytest.approx(minimum_spanning_tree(reach).sum())
    assert set(tree[:, :2].astype(int).ravel()) == set(range(30))


def test_clusters_at_a_cut_are_what_the_tree_falls_into(jets: ak.Array) -> None:
    """HDBSCAN's labels at a cut, noise aside, are the branches below it of three points or more."""
    compared = 0
    for jet in jets[:10]:
        parts = jet["constituent"]
        points = np.column_stack([ak.to_numpy(parts["eta"]), ak.to_numpy(parts["phi"])])
        points = points.astype(np.float64)
        if len(points) < 4 or np.ptp(points[:, 1]) > 3:
            continue
        owner = np.arange(len(points))
        for i, j, distance in spanning_tree(points, 3):
            if distance <= 0.12:
                owner[owner == owner[int(j)]] = owner[int(i)]
        labels = density_labels(points, 3, 0.12)
        for label in set(labels) - {-1}:
            (branch,) = set(owner[labels == label])
            assert (owner == branch).sum() == (labels == label).sum() >= 3
            compared += 1
    assert compared > 5


def test_dendrogram_joins_all_points_at_the_distances_of_the_tree() -> None:
    points = np.random.default_rng(5).normal(size=(12, 2))
    tree = spanning_tree(points, 2)
    lines = dendrogram_lines(tree, np.ones(12))
    assert len(lines) == 11
    assert [heights[1] for _, heights in lines] == sorted(tree[:, 2])
    leaves = [
        x for xs, heights in lines for x, h in ((xs[0], heights[0]), (xs[3], heights[3])) if h == 0
    ]
    assert sorted(leaves) == list(range(12))


def test_scan_of_real_jets(jets: ak.Array) -> None:
    rows = scan(jets, Subjets(), SubjetScan(events=1, radii=(0.1, 0.3, 0.6)))
    assert len(rows) == 9
    assert set(rows[0]) == set(COLUMNS)
    for algorithm in ("cambridge", "antikt", "hdbscan"):
        own = [row for row in rows if row["algorithm"] == algorithm]
        number = [row["subjets"] for row in own]
        assert number == sorted(number, reverse=True), "wider subjets are fewer"
        assert own[2]["matched"] < own[0]["matched"]
    narrow = next(row for row in rows if row["algorithm"] == "cambridge" and row["radius"] == 0.3)
    assert narrow["matched"] > 0.6
    assert 80 < narrow["median_mass_gev"] < 140
    assert 0 < narrow["mass_resolution_error"] < narrow["mass_resolution"] < 0.4
