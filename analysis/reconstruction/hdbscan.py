"""HDBSCAN of many jets at once, in the (η, φ) plane.

Campello, Moulavi and Sander, "Density-based clustering based on hierarchical density estimates"
(2013), with the conventions of scikit-learn, which clusters one set of points per call: a point
counts among its own neighbours, clusters are selected by excess of mass, and the root is never a
cluster. Edges of the same length, of which a point's core distance makes many, are removed at the
same time, as the authors define it: the clusters then do not depend on the order of the points.
"""

import numpy as np
from numba import njit

_CLOSEST = 1e-12  # distances [rad] below this count as this, so that densities stay finite


@njit(cache=True)
def cluster_labels(
    eta: np.ndarray,
    phi: np.ndarray,
    counts: np.ndarray,
    min_cluster_size: int,
    min_samples: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cluster of each constituent, and the number of clusters of each jet.

    Parameters
    ----------
    eta, phi : np.ndarray [total], float64
        Constituents of all jets one after the other, φ unwrapped about each jet.
    counts : np.ndarray [jets]
        Constituents of each jet.
    min_cluster_size : int
        Fewest constituents of a cluster.
    min_samples : int
        The core distance of a point is that to its `min_samples`-th neighbour.

    Returns
    -------
    labels : np.ndarray [total], int64
        Number of the cluster in its jet, from 0; −1 for noise.
    n_clusters : np.ndarray [jets], int64
    """
    labels = np.full(len(eta), -1)
    n_clusters = np.zeros(len(counts), np.int64)
    start = 0
    for jet, count in enumerate(counts):
        stop = start + count
        if count >= max(min_cluster_size, min_samples):
            distance = _mutual_reachability(eta[start:stop], phi[start:stop], min_samples)
            tree = _single_linkage(*_spanning_tree(distance))
            owner, parent, stability = _condense(*tree, min_cluster_size)
            n_clusters[jet] = _label(owner, parent, stability, labels[start:stop])
        start = stop
    return labels, n_clusters


@njit(cache=True)
def _mutual_reachability(eta: np.ndarray, phi: np.ndarray, neighbours: int) -> np.ndarray:
    """Return max(core_i, core_j, d_ij) [n, n]; core is the distance to the k-th neighbour."""
    n = len(eta)
    distance = np.full((n, n), _CLOSEST)
    for i in range(n):
        for j in range(i):
            length = np.sqrt((eta[i] - eta[j]) ** 2 + (phi[i] - phi[j]) ** 2)
            distance[i, j] = distance[j, i] = max(length, _CLOSEST)
    core = np.empty(n)
    for i in range(n):
        core[i] = np.partition(distance[i], neighbours - 1)[neighbours - 1]
    for i in range(n):
        for j in range(n):
            distance[i, j] = max(distance[i, j], core[i], core[j])
    return distance


@njit(cache=True)
def _spanning_tree(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the minimum spanning tree (Prim): ends and lengths of its edges, in growing order."""
    n = len(distance)
    first, second = np.empty(n - 1, np.int64), np.empty(n - 1, np.int64)
    length = np.empty(n - 1)
    nearest, to_tree = np.zeros(n, np.int64), np.full(n, np.inf)
    inside = np.zeros(n, np.bool_)
    current = 0
    for edge in range(n - 1):
        inside[current] = True
        following = -1
        for j in range(n):
            if inside[j]:
                continue
            if distance[current, j] < to_tree[j]:
                to_tree[j], nearest[j] = distance[current, j], current
            if following < 0 or to_tree[j] < to_tree[following]:
                following = j
        first[edge], second[edge], length[edge] = nearest[following], following, to_tree[following]
        current = following
    order = np.argsort(length, kind="mergesort")
    return first[order], second[order], length[order]


@njit(cache=True)
def _single_linkage(
    first: np.ndarray, second: np.ndarray, length: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return children [n − 1, 2], heights [n − 1] and sizes [2n − 1] of the dendrogram.

    Nodes below n are points; node n + k joins the two sides of edge k.
    """
    n = len(first) + 1
    children, size = np.empty((n - 1, 2), np.int64), np.ones(2 * n - 1, np.int64)
    above = np.arange(2 * n - 1)
    for k in range(n - 1):
        node = n + k
        for side, point in enumerate((first[k], second[k])):
            root = point
            while above[root] != root:
                root = above[root]
            while above[point] != root:
                above[point], point = root, above[point]
            children[k, side] = root
        size[node] = size[children[k, 0]] + size[children[k, 1]]
        above[children[k, 0]] = above[children[k, 1]] = node
    return children, length, size


@njit(cache=True)
def _condense(
    children: np.ndarray, height: np.ndarray, size: np.ndarray, min_cluster_size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each point's last cluster [n], each cluster's parent, and each cluster's stability.

    Going down the dendrogram, a cluster splits where two or more of its parts are large enough;
    else it goes on in the one large part, if any. The points of small parts fall out. Cluster 0 is
    the root.
    """
    n = len(children) + 1
    owner, fallen = np.zeros(2 * n - 1, np.int64), np.zeros(2 * n - 1, np.bool_)
    parent, birth, stability = np.zeros(n, np.int64), np.zeros(n), np.zeros(n)
    handled = np.zeros(2 * n - 1, np.bool_)
    parts = np.empty(n, np.int64)
    n_clusters = 1
    for node in range(2 * n - 2, n - 1, -1):
        if handled[node]:
            continue
        n_parts = _split(node, children, height, handled, parts)
        n_large = 0
        for part in parts[:n_parts]:
            n_large += size[part] >= min_cluster_size
        cluster, density = owner[node], 1 / height[node - n]
        for part in parts[:n_parts]:
            large = size[part] >= min_cluster_size
            owner[part], fallen[part] = cluster, fallen[node] or not large
            if fallen[node] or (large and n_large == 1):
                continue
            stability[cluster] += size[part] * (density - birth[cluster])
            if large:
                owner[part] = n_clusters
                parent[n_clusters], birth[n_clusters] = cluster, density
                n_clusters += 1
    return owner[:n], parent[:n_clusters], stability[:n_clusters]


@njit(cache=True)
def _split(
    node: int, children: np.ndarray, height: np.ndarray, handled: np.ndarray, parts: np.ndarray
) -> int:
    """Fill `parts` with what is left of `node` without its longest edges; return their number."""
    n = len(children) + 1
    parts[0], n_parts, looked_at = node, 1, 0
    while looked_at < n_parts:
        part = parts[looked_at]
        if part >= n and height[part - n] == height[node - n]:
            handled[part] = True
            parts[looked_at], parts[n_parts] = children[part - n]
            n_parts += 1
        else:
            looked_at += 1
    return n_parts


@njit(cache=True)
def _label(owner: np.ndarray, parent: np.ndarray, stability: np.ndarray, labels: np.ndarray) -> int:
    """Select the clusters by excess of mass and label the points in place; return their number."""
    n_clusters = len(parent)
    below = np.zeros(n_clusters)  # summed stability of the best clusters below each
    chosen = np.zeros(n_clusters, np.bool_)
    for cluster in range(n_clusters - 1, 0, -1):
        chosen[cluster] = stability[cluster] >= below[cluster]
        below[parent[cluster]] += max(stability[cluster], below[cluster])
    label = np.full(n_clusters, -1)
    count = 0
    for cluster in range(1, n_clusters):  # parents come before their children
        if label[parent[cluster]] >= 0:
            label[cluster] = label[parent[cluster]]
        elif chosen[cluster]:
            label[cluster] = count
            count += 1
    for point in range(len(labels)):
        labels[point] = label[owner[point]]
    return count
