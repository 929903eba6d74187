"""Subjets: every algorithm against single-jet references and conservation."""

import awkward as ak
import fastjet
import numpy as np
import pytest

from analysis.config.reconstruction import FatJets, Subjets
from analysis.delphes.reader import open_delphes
from analysis.reconstruction.fatjets import find_fatjets, jet_definition, polar
from analysis.reconstruction.subjets import density_labels, find_subjets
from tests.delphes_files import SIGNAL

ALGORITHMS = ["cambridge", "antikt", "kt_exclusive", "hdbscan"]


@pytest.fixture(scope="module")
def jets() -> ak.Array:
    with open_delphes(str(SIGNAL)) as file:
        _, jets = find_fatjets(next(file.steps(1000)), FatJets())
    return ak.to_packed(ak.flatten(jets, axis=1))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_subjets_are_ordered_bounded_and_inside_their_jet(jets: ak.Array, algorithm: str) -> None:
    config = Subjets(algorithm=algorithm, max_per_jet=3)
    subjets = find_subjets(jets.constituent, config)
    assert len(subjets) == len(jets)
    assert ak.max(ak.num(subjets)) <= 3
    assert ak.all(ak.num(subjets) >= 1)
    assert ak.all(subjets.pt > config.pt_min)
    assert ak.all(subjets.pt[:, 1:] <= subjets.pt[:, :-1])
    assert ak.all(ak.sum(subjets.energy, axis=1) <= jets.energy * (1 + 1e-9))
    assert ak.all(ak.max(subjets.mass, axis=1) <= jets.mass * (1 + 1e-6))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_batch_is_the_same_as_jet_by_jet(jets: ak.Array, algorithm: str) -> None:
    config = Subjets(algorithm=algorithm)
    batch = find_subjets(jets.constituent, config)
    for i in range(0, len(jets), 7):
        alone = find_subjets(jets.constituent[i : i + 1], config)
        np.testing.assert_allclose(alone.pt[0], batch.pt[i], rtol=1e-12)


def test_exclusive_kt_keeps_the_whole_jet(jets: ak.Array) -> None:
    config = Subjets(algorithm="kt_exclusive", pt_min=1e-6)
    subjets = find_subjets(jets.constituent, config)
    assert ak.all(ak.num(subjets) == 2)
    np.testing.assert_allclose(ak.sum(subjets.energy, axis=1), jets.energy, rtol=1e-9)


def test_cambridge_against_one_fastjet_call_per_jet(jets: ak.Array) -> None:
    subjets = find_subjets(jets.constituent, Subjets(radius=0.2))
    for i in range(0, len(jets), 9):
        parts = jets.constituent[i]
        particles = [
            fastjet.PseudoJet(*p)
            for p in zip(*(parts[name].tolist() for name in ("px", "py", "pz", "E")), strict=True)
        ]
        sequence = fastjet.ClusterSequence(particles, jet_definition("cambridge", 0.2))
        reference = sorted((j.pt() for j in sequence.inclusive_jets(20.0)), reverse=True)
        np.testing.assert_allclose(subjets.pt[i], reference[:6], rtol=1e-9)


def test_density_clusters_find_two_prongs_across_the_seam() -> None:
    """Two dense prongs on either side of φ = π are two subjets with all of the momentum."""
    rng = np.random.default_rng(5)
    phi = np.concatenate(
        [np.pi - 0.3 + rng.normal(0, 0.02, 8), 0.3 - np.pi + rng.normal(0, 0.02, 8)]
    )
    px, py, pz = 10 * np.cos(phi), 10 * np.sin(phi), rng.normal(0, 0.2, 16)
    parts = {"px": px, "py": py, "pz": pz, "E": np.sqrt(px**2 + py**2 + pz**2)}
    parts |= {"eta": np.arcsinh(pz / 10), "phi": np.arctan2(py, px)}
    jet = ak.zip({name: ak.Array([x]) for name, x in parts.items()})
    subjets = find_subjets(jet, Subjets(algorithm="hdbscan", min_cluster_size=4))
    assert ak.num(subjets)[0] == 2
    np.testing.assert_allclose(abs(subjets.phi[0]), np.pi - 0.3, atol=0.03)


def test_density_clusters_of_a_jet_without_any_are_the_jet(jets: ak.Array) -> None:
    few = jets.constituent[:, :2]
    subjets = find_subjets(few, Subjets(algorithm="hdbscan", pt_min=1e-6))
    whole = polar(
        ak.zip({name: ak.sum(few[name], axis=1, keepdims=True) for name in ("px", "py", "pz", "E")})
    )
    assert ak.all(ak.num(subjets) == 1)
    np.testing.assert_allclose(subjets.pt[:, 0], whole.pt[:, 0], rtol=1e-12)


def test_density_clusters_do_not_depend_on_the_order_of_constituents(jets: ak.Array) -> None:
    """Those of scikit-learn do, in a fifth of the jets: core distances make edges of one length."""
    config = Subjets(algorithm="hdbscan")
    in_order = find_subjets(jets.constituent, config)
    reversed_order = find_subjets(jets.constituent[:, ::-1], config)
    np.testing.assert_array_equal(ak.num(reversed_order), ak.num(in_order))
    np.testing.assert_allclose(ak.flatten(reversed_order.pt), ak.flatten(in_order.pt), rtol=1e-12)


def test_density_clusters_leave_noise_out() -> None:
    prong = np.random.default_rng(3).normal(0, 0.02, (10, 2))
    labels = density_labels(np.concatenate([prong, prong + 0.6, [[-2.0, 2.0]]]), 4)
    assert sorted({tuple(labels[:10]), tuple(labels[10:20])}) == [(0,) * 10, (1,) * 10]
    assert labels[20] == -1


def test_density_clusters_of_few_none_and_coincident_points(jets: ak.Array) -> None:
    assert density_labels(np.zeros((2, 2)), 3).tolist() == [-1, -1]
    assert density_labels(np.zeros((0, 2)), 3).tolist() == []
    labels = density_labels(np.repeat([[0.0, 0.0], [1.0, 0.0]], 3, axis=0), 3)
    assert len(set(labels)) == 2
    assert len(find_subjets(jets.constituent[:0], Subjets(algorithm="hdbscan"))) == 0
