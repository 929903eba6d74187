import numpy as np
import pytest

from analysis.evaluation.distributions import Shares, Variable


def variable(bins=4):
    """A quantity of each token of an event."""

    def values(tensors):
        event, token = np.nonzero(tensors["mask"])
        return tensors["x"][event, token], event

    return Variable("x", "x", (0.0, 1.0), bins, values)


def events(rng, number, tokens):
    """Events whose tokens lie together, about a place of their own; some have fewer tokens."""
    place = rng.uniform(0, 1, (number, 1))
    x = np.clip(place + rng.normal(0, 0.02, (number, tokens)), 0, 0.999)
    return {"x": x, "mask": rng.uniform(size=x.shape) < 0.8}


def shares(tensors, weight):
    filled = Shares(variable())
    for part in np.array_split(np.arange(len(weight)), 3):
        filled.add({name: array[part] for name, array in tensors.items()}, weight[part])
    return filled


@pytest.mark.parametrize("tokens", [1, 30])
def test_errors_are_the_spread_of_independent_samples(tokens):
    rng = np.random.default_rng(1)
    weight = rng.uniform(0.5, 2, 300)
    found = [shares(events(rng, 300, tokens), weight) for _ in range(300)]
    spread = np.std([one.content for one in found], axis=0)
    quoted = np.sqrt(np.mean([one.error**2 for one in found], axis=0))
    np.testing.assert_allclose(quoted, spread, rtol=0.15)


def test_tokens_alike_in_all_events_have_shares_without_error():
    x = np.tile([0.1, 0.4, 0.45, 0.9], (50, 1))
    weight = np.random.default_rng(1).uniform(0.5, 2, 50)
    filled = shares({"x": x, "mask": np.ones_like(x, bool)}, weight)
    np.testing.assert_allclose(filled.content, [0.25, 0.5, 0, 0.25])
    np.testing.assert_allclose(filled.error, 0, atol=1e-8)


def test_entries_beyond_the_edges_count_among_all():
    x = np.array([[-1.0], [0.1], [0.9], [1.0]])
    filled = shares({"x": x, "mask": np.ones_like(x, bool)}, np.ones(4))
    np.testing.assert_allclose(filled.content, [0.25, 0, 0, 0.25])


def test_without_events_there_is_nothing():
    filled = shares({"x": np.empty((0, 2)), "mask": np.empty((0, 2), bool)}, np.empty(0))
    assert not filled.content.any()
    assert not filled.error.any()
