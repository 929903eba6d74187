"""Energy-flow polynomials: sums over tuples, written out, and what they do not depend on."""

from itertools import combinations, product

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.evaluation.energy_flow import NAMES, energy_flow

GRAPHS = {
    "line": [(0, 1)],
    "wedge": [(0, 1), (1, 2)],
    "triangle": [(0, 1), (1, 2), (2, 0)],
    "star": [(0, 1), (0, 2), (0, 3)],
    "chain": [(0, 1), (1, 2), (2, 3)],
    "square": [(0, 1), (1, 2), (2, 3), (3, 0)],
    "diamond": [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)],
}

Jets = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]


@pytest.fixture
def jets() -> Jets:
    """Three jets of two, five and six constituents."""
    rng = np.random.default_rng(1)
    mask = np.arange(6) < np.array([2, 5, 6])[:, None]
    return rng.exponential(20, (3, 6)), *rng.normal(0, 0.3, (2, 3, 6)), mask


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("beta", [1.0, 0.5])
def test_matrices_give_the_sum_over_tuples(jets: Jets, name: str, beta: float) -> None:
    found = energy_flow(*jets, beta)[name]
    for jet, (pt, eta, phi, mask) in enumerate(zip(*jets, strict=True)):
        z = pt[mask] / pt[mask].sum()
        theta = np.hypot(*(np.subtract.outer(x[mask], x[mask]) for x in (eta, phi))) ** beta
        points = 1 + max(max(edge) for edge in GRAPHS[name])
        expected = sum(
            np.prod(z[list(tuple_)])
            * np.prod([theta[tuple_[a], tuple_[b]] for a, b in GRAPHS[name]])
            for tuple_ in product(range(len(z)), repeat=points)
        )
        assert found[jet] == pytest.approx(expected, rel=1e-12)


def test_n2_takes_the_two_smaller_distances_of_three(jets: Jets) -> None:
    found = energy_flow(*jets)
    for jet, (pt, eta, phi, mask) in enumerate(zip(*jets, strict=True)):
        z = pt[mask] / pt[mask].sum()
        theta = np.hypot(*(np.subtract.outer(x[mask], x[mask]) for x in (eta, phi)))
        e3 = sum(
            z[a] * z[b] * z[c] * np.prod(sorted([theta[a, b], theta[b, c], theta[a, c]])[:2])
            for a, b, c in combinations(range(len(z)), 3)
        )
        e2 = sum(z[a] * z[b] * theta[a, b] for a, b in combinations(range(len(z)), 2))
        assert found["n2"][jet] == pytest.approx(e3 / e2**2, rel=1e-12)


def test_scale_order_padding_shift_and_turns_change_nothing(jets: Jets) -> None:
    pt, eta, phi, mask = jets
    expected = energy_flow(*jets)
    turn = 0.7
    turned = (
        3 * np.where(mask, pt, np.nan),
        np.where(mask, 1.0 + eta * np.cos(turn) - phi * np.sin(turn), 99.0),
        eta * np.sin(turn) + phi * np.cos(turn),
        mask,
    )
    found = energy_flow(*(array[:, ::-1] for array in turned))
    for name in NAMES:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9)


def test_soft_and_collinear_constituents_change_nothing(jets: Jets) -> None:
    pt, eta, phi, mask = (np.concatenate([array, array[:, :1]], axis=1) for array in jets)
    expected = energy_flow(*jets)
    pt[:, 0], pt[:, -1] = 0.3 * pt[:, 0], 0.7 * pt[:, 0]
    for name, found in energy_flow(pt, eta, phi, mask).items():
        np.testing.assert_allclose(found, expected[name], rtol=1e-9)
    added = zip(jets, (1e-9, 3.0, 3.0, True), strict=True)
    soft = energy_flow(*(np.insert(array, 6, value, axis=1) for array, value in added))
    for name in NAMES:
        np.testing.assert_allclose(soft[name], expected[name], rtol=1e-5, atol=1e-6)


def test_a_lone_constituent_and_no_jets_are_zeros_without_warnings() -> None:
    lone = energy_flow(np.ones((1, 3)), np.ones((1, 3)), np.ones((1, 3)), np.eye(3, dtype=bool)[:1])
    assert {name: values.tolist() for name, values in lone.items()} == {n: [0.0] for n in NAMES}
    none = np.ones((0, 3))
    assert all(len(v) == 0 for v in energy_flow(none, none, none, none > 0).values())
