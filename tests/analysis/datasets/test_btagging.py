import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.config.statistics import BTagging, TagEfficiency
from analysis.datasets.btagging import (
    category_weights,
    jet_tag_probabilities,
    subjet_efficiencies,
    tag_weights,
)
from common.errors import ConfigError

ALL = ("4b", "3b", "2b")
flavours = arrays(np.int8, (7, 2, 2), elements=st.sampled_from([5, 4, 0, -1]))


@pytest.mark.parametrize(
    ("flavour", "expected"),
    [([5, 5, 5, 5], 0.75**4), ([5, 4, 0, 5], 0.75**2 * 0.1 * 0.01), ([5, 5, 5, -1], 0.0)],
)
def test_four_tags_multiply_the_efficiencies(flavour, expected):
    weight = tag_weights(np.reshape(flavour, (1, 2, 2)), BTagging())
    np.testing.assert_allclose(weight, [[expected]])


@given(flavours)
def test_categories_are_sums_over_the_sixteen_tag_patterns(flavour):
    p = subjet_efficiencies(flavour, TagEfficiency())
    expected = np.zeros((len(p), 3))
    for pattern in itertools.product([0, 1], repeat=4):
        tags = np.reshape(pattern, (2, 2))
        chance = np.prod(np.where(tags, p, 1 - p), axis=(1, 2))
        per_jet = tuple(tags.sum(axis=1))
        if per_jet == (2, 2):
            expected[:, 0] += chance
        elif sum(per_jet) == 3:
            expected[:, 1] += chance
        elif per_jet == (1, 1):
            expected[:, 2] += chance
    np.testing.assert_allclose(
        category_weights(jet_tag_probabilities(p), ALL), expected, atol=1e-15
    )


@given(flavours)
def test_order_of_jets_and_subjets_is_irrelevant(flavour):
    config = BTagging(categories=ALL)
    expected = tag_weights(flavour, config)
    np.testing.assert_allclose(tag_weights(flavour[:, ::-1], config), expected)
    np.testing.assert_allclose(tag_weights(flavour[:, :, ::-1], config), expected)


def test_cut_mode_keeps_the_fraction_that_truth_mode_weights():
    rng = np.random.default_rng(1)
    flavour = rng.choice([5, 4, 0], size=(40_000, 2, 2), p=[0.7, 0.2, 0.1])
    key = rng.integers(0, 2**64, len(flavour), dtype=np.uint64)
    cut = tag_weights(flavour, BTagging(mode="cut", categories=ALL), key)
    truth = tag_weights(flavour, BTagging(categories=ALL))
    assert set(np.unique(cut)) == {0.0, 1.0}
    error = np.sqrt((truth * (1 - truth)).sum(axis=0))
    assert (np.abs(cut.sum(axis=0) - truth.sum(axis=0)) < 4 * error).all()


def test_cut_mode_depends_on_key_and_seed_alone():
    key = np.arange(5000, dtype=np.uint64)
    flavour = np.full((5000, 2, 2), 5)
    drawn = tag_weights(flavour, BTagging(mode="cut", seed=3), key)
    backwards = tag_weights(flavour, BTagging(mode="cut", seed=3), key[::-1])
    np.testing.assert_array_equal(backwards[::-1], drawn)
    assert (tag_weights(flavour, BTagging(mode="cut", seed=4), key) != drawn).any()


def test_unknown_flavours_and_map_mode_are_errors():
    with pytest.raises(ValueError, match="flavours"):
        tag_weights(np.full((1, 2, 2), 21), BTagging())
    with pytest.raises(ConfigError, match="map"):
        tag_weights(np.zeros((1, 2, 2), int), BTagging(mode="map"))
