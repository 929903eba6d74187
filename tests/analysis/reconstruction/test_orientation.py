"""The orientation of jets: rotation, reflection, degenerate jets."""

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.reconstruction.orientation import orient
from common.angles import delta_phi, delta_r, wrap
from tests.delphes_files import SIGNAL, real_branches

ANGLES = st.floats(-10, 10)


def random_jets(seed: int, n_jets: int = 30) -> tuple[ak.Array, ak.Array, ak.Array]:
    rng = np.random.default_rng(seed)
    counts = rng.integers(3, 60, n_jets)
    eta, phi = rng.normal(0, 0.3, (2, counts.sum())) * np.array([[1.0], [0.5]])
    pt = rng.exponential(10, counts.sum()) + 0.1
    return tuple(ak.unflatten(x, counts) for x in (eta, phi, pt))


def real_jets() -> tuple[ak.Array, ak.Array, ak.Array]:
    """Return the photons of real events as if those of one hemisphere were a jet."""
    branches = real_branches(SIGNAL)
    eta, phi, pt = (branches[f"EFlowPhoton.{leaf}"] for leaf in ("Eta", "Phi", "ET"))
    near = (abs(phi) < 1) & (abs(eta) < 1)
    jets = ak.values_astype(ak.zip({"eta": eta, "phi": phi, "pt": pt})[near], np.float64)
    return ak.unzip(jets[ak.num(jets) >= 3])


def turned(eta: ak.Array, phi: ak.Array, angle: float) -> tuple[ak.Array, ak.Array]:
    cos, sin = np.cos(angle), np.sin(angle)
    return cos * eta - sin * phi, sin * eta + cos * phi


def assert_same(one: ak.Array, other: ak.Array, atol: float = 1e-5) -> None:
    np.testing.assert_allclose(ak.flatten(one), ak.flatten(other), atol=atol)


@given(st.integers(0, 10_000), ANGLES)
@settings(max_examples=50, deadline=None)
def test_rotating_a_jet_changes_theta_alone(seed: int, angle: float) -> None:
    eta, phi, pt = random_jets(seed)
    before, after = orient(eta, phi, pt), orient(*turned(eta, phi, angle), pt)
    difference = ak.to_numpy(before.theta - angle - after.theta)
    np.testing.assert_allclose(np.sin(difference), 0, atol=1e-5)
    assert_same(before.eta, after.eta)
    assert_same(before.phi, after.phi)


@pytest.mark.parametrize("angle", [-2.0, 0.3, np.pi / 2, 3.0])
def test_rotating_real_jets(angle: float) -> None:
    eta, phi, pt = real_jets()
    before, after = orient(eta, phi, pt), orient(*turned(eta, phi, angle), pt)
    assert_same(before.eta, after.eta)
    assert_same(before.phi, after.phi)


@given(st.integers(0, 10_000), st.sampled_from([(1, -1), (-1, 1), (-1, -1)]))
@settings(max_examples=30, deadline=None)
def test_mirroring_a_jet_changes_flips_alone(seed: int, signs: tuple[int, int]) -> None:
    eta, phi, pt = random_jets(seed)
    before, after = orient(eta, phi, pt), orient(signs[0] * eta, signs[1] * phi, pt)
    assert_same(before.eta, after.eta)
    assert_same(before.phi, after.phi)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_order_of_constituents_does_not_matter(seed: int) -> None:
    eta, phi, pt = random_jets(seed)
    order = ak.argsort(np.sin(1e3 * pt))
    before, after = orient(eta, phi, pt), orient(eta[order], phi[order], pt[order])
    np.testing.assert_allclose(before.theta, after.theta, atol=1e-9)
    assert_same(before.phi[order], after.phi, 1e-9)


def test_oriented_jets_are_centred_aligned_and_heavier_above() -> None:
    eta, phi, pt = random_jets(1)
    jets = orient(eta, phi, pt)
    weight = pt / ak.sum(pt, axis=1)
    for x in (jets.eta, jets.phi):
        np.testing.assert_allclose(ak.sum(weight * x, axis=1), 0, atol=1e-12)
        assert ak.all(ak.sum(weight * (x > 0), axis=1) >= 0.5)
    np.testing.assert_allclose(ak.sum(weight * jets.eta * jets.phi, axis=1), 0, atol=1e-12)
    assert ak.all(ak.sum(weight * jets.phi**2, axis=1) >= ak.sum(weight * jets.eta**2, axis=1))
    assert ak.all((jets.theta > -np.pi / 2) & (jets.theta <= np.pi / 2))


@pytest.mark.parametrize(
    ("direction", "theta"), [(0, 0.0), (90, np.pi / 2), (45, np.pi / 4), (-30, -np.pi / 6)]
)
def test_theta_takes_a_known_axis_to_phi(direction: float, theta: float) -> None:
    """Two prongs along the φ axis, and turned from φ towards η by `direction` degrees."""
    along = np.deg2rad(direction)
    eta, phi = (ak.Array([[-s, s]]) for s in (0.3 * np.sin(along), 0.3 * np.cos(along)))
    jets = orient(eta, phi, ak.Array([[100.0, 50.0]]))
    assert jets.theta[0] == pytest.approx(theta)
    np.testing.assert_allclose(jets.eta[0], 0, atol=1e-12)
    np.testing.assert_allclose(jets.phi[0], [0.2, -0.4], atol=1e-12)


@pytest.mark.parametrize(
    ("eta", "phi"),
    [
        ([0.7], [-0.2]),
        ([0.1, 0.1, 0.1], [3.0, 3.0, 3.0]),
        ([0.4, -0.4, 0.0, 0.0], [0.0, 0.0, 0.4, -0.4]),
    ],
    ids=["one particle", "one point", "square"],
)
def test_jets_without_a_direction_have_theta_zero(eta: list[float], phi: list[float]) -> None:
    jets = orient(ak.Array([eta]), ak.Array([phi]), ak.Array([[10.0] * len(eta)]))
    assert jets.theta[0] == 0
    assert np.isfinite(ak.to_numpy(ak.flatten(jets.eta))).all()


@given(st.lists(st.tuples(*[st.floats(-1e-3, 1e-3)] * 2, st.floats(1e-3, 1e4)), min_size=1))
@settings(deadline=None)
def test_theta_is_always_a_number(particles: list[tuple[float, float, float]]) -> None:
    eta, phi, pt = (ak.Array([list(x)]) for x in zip(*particles, strict=True))
    theta = orient(eta, phi, pt).theta[0]
    assert -np.pi / 2 < theta <= np.pi / 2


@given(st.floats(-20, 20))
def test_wrap(angle: float) -> None:
    assert -np.pi <= wrap(angle) <= np.pi
    assert np.cos(wrap(angle) - angle) == pytest.approx(1)


def test_distances_are_those_of_the_shorter_way_round() -> None:
    assert delta_phi(3.0, -3.0) == pytest.approx(6 - 2 * np.pi)
    assert delta_r(0.3, 3.0, 0.0, -3.0) == pytest.approx(np.hypot(0.3, 2 * np.pi - 6))
