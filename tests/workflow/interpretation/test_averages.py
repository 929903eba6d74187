"""Averages of what networks look at: closed forms, and real jets in both frames."""

import awkward as ak
import numpy as np
import pytest

from analysis.config.reconstruction import Reconstruction
from analysis.datasets.features import tensors
from analysis.evaluation.metrics import area_error, area_influence
from analysis.reconstruction.reconstruct import reconstruct_file
from common.features import CONSTITUENT_FEATURES, SUBJET_FEATURES
from common.weighted import WeightedSample
from tests.delphes_files import SIGNAL
from workflow.interpretation.averages import (
    cka,
    importance,
    jackknife,
    near_subjets,
    on_plane,
    plane_positions,
    share,
    subjets_in_frame,
    weighted_mean,
)

RNG = np.random.default_rng(0)


def test_error_of_a_weighted_mean_is_its_spread():
    weight = RNG.uniform(0, 2, 300)
    means, errors = zip(
        *(weighted_mean(RNG.normal(3, 1, 300), weight) for _ in range(300)), strict=True
    )
    assert np.mean(means) == pytest.approx(3, abs=0.02)
    assert np.std(means) == pytest.approx(np.mean(errors), rel=0.15)


def test_missing_values_are_left_out_of_a_mean():
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    mean, error = weighted_mean(values, np.array([1.0, 3.0, 100.0]))
    assert mean[0] == 2.5
    assert np.isnan([mean[1], error[1]]).all()


def test_plane_holds_the_weighted_sum_and_the_error_of_each_bin():
    edges = np.linspace(-1, 1, 5)
    position = RNG.uniform(-1, 1, (50, 8, 2))
    values, weight = RNG.uniform(0, 1, (50, 8)), RNG.uniform(0, 2, 50)
    mean, error = on_plane(position, values, weight, edges)
    each = np.array(
        [
            np.histogram2d(*position[n].T, bins=(edges, edges), weights=values[n])[0]
            for n in range(50)
        ]
    )
    expected, spread = weighted_mean(each, weight)
    np.testing.assert_allclose(mean, expected)
    np.testing.assert_allclose(error, spread)


def test_similarity_is_that_of_the_gram_matrices():
    x, y = RNG.normal(size=(30, 4)), RNG.normal(size=(30, 6))
    y[:, 0] += x[:, 0]
    centring = np.eye(30) - 1 / 30

    def hsic(m, n):
        return np.trace(m @ centring @ n @ centring) / 29**2

    m, n = x @ x.T, y @ y.T
    assert cka(x, y) == pytest.approx(hsic(m, n) / np.sqrt(hsic(m, m) * hsic(n, n)))


def test_similarity_of_rotated_scaled_and_independent_layers():
    x = RNG.normal(size=(200, 4))
    rotation, _ = np.linalg.qr(RNG.normal(size=(4, 4)))
    assert cka(x, 3 * x @ rotation + 5) == pytest.approx(1)
    assert cka(x, RNG.normal(size=(200, 4))) < 0.1
    assert cka(x, x[:, :1]) < 0.9
    assert np.isnan(cka(x, np.ones((200, 1))))


def test_jackknife_of_a_mean_is_its_standard_error():
    x = RNG.normal(size=1000)
    value, error = jackknife(lambda rows: float(x[rows].mean()), 1000)
    assert value == pytest.approx(x.mean())
    assert error == pytest.approx(x.std() / np.sqrt(1000), rel=0.4)


def test_influences_add_up_to_the_error_of_the_area():
    signal = np.arange(200) % 2 == 0
    score, weight = RNG.normal(size=200) + signal, RNG.uniform(0, 2, 200)
    sample = WeightedSample.of_classes(score, weight, signal)
    found = area_influence(sample)
    assert found[signal].sum() == pytest.approx(0, abs=1e-12)
    assert np.sqrt((found**2).sum()) == area_error(sample)


def test_what_is_not_used_loses_nothing():
    signal = np.arange(400) % 2 == 0
    before, weight = RNG.normal(size=400) + signal, RNG.uniform(0, 2, 400)
    found = importance(before, np.stack([before, before]), signal, weight)
    assert found["loss"] == found["loss_error"] == 0
    noise = RNG.normal(size=(5, 400))
    found = importance(before, noise, signal, weight)
    assert found["loss"] == pytest.approx(found["auc"] - 0.5, abs=4 * found["loss_error"])
    assert found["loss_error"] > found["auc_error"] / 2


def test_error_of_the_loss_is_its_spread():
    losses, errors = [], []
    for _ in range(150):
        signal = np.arange(300) % 2 == 0
        first, second = RNG.normal(size=(2, 300)) + signal
        shuffled = np.stack([first + RNG.permutation(second) for _ in range(3)])
        found = importance(first + second, shuffled, signal, np.ones(300))
        losses.append(found["loss"])
        errors.append(found["loss_error"])
    assert np.std(losses) == pytest.approx(np.mean(errors), rel=0.25)


@pytest.fixture(scope="module")
def jets(tmp_path_factory):
    output = tmp_path_factory.mktemp("events") / "signal.parquet"
    reconstruct_file(str(SIGNAL), output, Reconstruction())
    return tensors(ak.from_parquet(output), 50, 6)


def test_subjets_turn_as_the_constituents_do(jets):
    """A subjet put onto a constituent lies on it in the frame of the jet as well."""
    there = jets["constituent_mask"].sum(-1) > 2
    moved = {name: array.copy() for name, array in jets.items()}
    for name in ("deta", "dphi"):
        column = CONSTITUENT_FEATURES.index(name)
        moved["subjets"][..., SUBJET_FEATURES.index(name)] = jets["constituents"][..., :6, column]
    found, expected = subjets_in_frame(moved), plane_positions(jets)[..., :6, :]
    present = jets["constituent_mask"][..., :6] & there[..., None]
    assert present.sum() > 100
    np.testing.assert_allclose(found[present], expected[present], atol=2e-5)


def test_constituents_near_subjets_hold_most_of_the_momentum(jets):
    momentum = np.exp(jets["constituents"][..., CONSTITUENT_FEATURES.index("log_pt")])
    momentum = np.where(jets["constituent_mask"], momentum, 0).astype(float)
    inside = [share(near_subjets(jets, radius), momentum) for radius in (0.0, 0.2, 10.0)]
    assert (inside[0] == 0).all()
    assert np.nanmean(inside[1]) > 0.6
    has_subjets = jets["subjet_mask"].any(-1)
    np.testing.assert_allclose(inside[2][has_subjets], 1)
    assert not near_subjets(jets, 10.0)[~jets["constituent_mask"]].any()
    assert np.isnan(share(np.ones((1, 3), bool), np.zeros((1, 3)))).all()
