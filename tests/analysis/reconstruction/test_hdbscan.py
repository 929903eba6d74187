"""The batched HDBSCAN: scikit-learn as reference, and invariances that ties must not break."""

import numpy as np
import pytest
from sklearn.cluster import HDBSCAN

from analysis.reconstruction.hdbscan import cluster_labels


def points(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return [2, n] points around one to four centres of different density, with outliers."""
    centres = rng.normal(0, 0.5, (2, rng.integers(1, 5)))
    spread = rng.exponential(0.15, n)
    return centres[:, rng.integers(0, centres.shape[1], n)] + spread * rng.normal(size=(2, n))


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len(set(one)) == len(set(other)) and all(
        (a == -1) == (b == -1) for a, b in pairs
    )


@pytest.mark.parametrize("min_cluster_size", [2, 3, 5, 8])
def test_batch_agrees_with_scikit_learn_jet_by_jet(min_cluster_size: int) -> None:
    """With min_samples = 1 no two edges are equal, and the clustering is unique."""
    rng = np.random.default_rng(min_cluster_size)
    jets = [points(rng, n) for n in rng.integers(min_cluster_size, 120, 60)]
    counts = np.array([jet.shape[1] for jet in jets])
    labels, n_clusters = cluster_labels(*np.hstack(jets), counts, min_cluster_size, 1)
    for jet, found, n in zip(
        jets, np.split(labels, np.cumsum(counts)[:-1]), n_clusters, strict=True
    ):
        reference = HDBSCAN(min_cluster_size=min_cluster_size, min_samples=1, copy=True)
        assert same_partition(reference.fit(jet.T).labels_, found)
        assert set(found) - {-1} == set(range(n))


def test_order_of_points_does_not_matter() -> None:
    """Core distances make equal edges; scikit-learn's answer depends on their order."""
    rng = np.random.default_rng(7)
    for _ in range(100):
        jet = points(rng, 80)
        order = rng.permutation(80)
        counts = np.array([80])
        labels, _ = cluster_labels(*jet, counts, 3, 3)
        permuted, _ = cluster_labels(*np.ascontiguousarray(jet[:, order]), counts, 3, 3)
        assert same_partition(labels[order], permuted)


def test_two_far_prongs_are_two_clusters_and_a_lone_particle_is_noise() -> None:
    rng = np.random.default_rng(3)
    prong = rng.normal(0, 0.02, (2, 10))
    jet = np.hstack([prong, prong + 0.6, [[-2.0], [2.0]]])
    labels, n_clusters = cluster_labels(*jet, np.array([21]), 4, 4)
    assert n_clusters[0] == 2
    assert same_partition(labels, np.repeat([0, 1, -1], [10, 10, 1]))


def test_small_empty_and_coincident_jets() -> None:
    eta = np.concatenate([np.zeros(6), np.arange(2.0)])
    labels, n_clusters = cluster_labels(eta, np.zeros(8), np.array([6, 0, 2]), 3, 3)
    assert labels[6:].tolist() == [-1, -1]
    assert n_clusters[1:].tolist() == [0, 0]
    assert np.all((labels >= -1) & (labels < 2))
