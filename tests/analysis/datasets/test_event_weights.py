"""Weights of a dataset: what a shift of a tag rate does to them, and none without one."""

import numpy as np
import pytest
from pydantic import ValidationError

from analysis.config.statistics import BTagging, TagEfficiency
from analysis.datasets.btagging import tag_weights
from analysis.datasets.event_weights import column_names, physical_weight, tag_columns

CATEGORIES = ("4b", "3b", "2b")
RNG = np.random.default_rng(3)
FLAVOUR = RNG.choice([-1, 0, 4, 5], size=(400, 2, 2))
ERRORS = {"b": 0.05, "c": 0.1, "light": 0.25}


def columns(config: BTagging) -> dict[str, np.ndarray]:
    """Return the tag weights of the events by name."""
    shifted = {name: tag_weights(FLAVOUR, block) for name, block in config.variations.items()}
    found = tag_columns(tag_weights(FLAVOUR, config), shifted, config)
    return dict(zip(column_names(config), found.T, strict=True))


def test_without_uncertainty_there_are_the_categories_alone_and_to_the_bit() -> None:
    config = BTagging(categories=CATEGORIES)
    found = columns(config)
    assert tuple(found) == CATEGORIES
    np.testing.assert_array_equal(list(found.values()), tag_weights(FLAVOUR, config).T)
    generator = RNG.normal(1, 2, 50)
    np.testing.assert_array_equal(physical_weight(generator, 0.3), generator * 0.3)


@pytest.mark.parametrize("flavour", list(ERRORS))
@pytest.mark.parametrize(("side", "sign"), [("up", 1), ("down", -1)])
def test_a_shifted_column_is_the_weight_at_the_rate_shifted_by_hand(
    flavour: str, side: str, sign: int
) -> None:
    found = columns(BTagging(categories=CATEGORIES, uncertainty=ERRORS))
    rate = getattr(TagEfficiency(), flavour) * (1 + sign * ERRORS[flavour])
    by_hand = tag_weights(FLAVOUR, BTagging(categories=CATEGORIES, efficiency={flavour: rate}))
    for number, category in enumerate(CATEGORIES):
        shifted = found[f"{category}_btag_{flavour}_{side}"]
        np.testing.assert_allclose(shifted, by_hand[:, number], rtol=1e-12)
    assert len(found) == len(CATEGORIES) * (1 + 2 * len(ERRORS))


def test_a_rate_does_not_exceed_one() -> None:
    config = BTagging(efficiency={"b": 0.98}, uncertainty={"b": 0.05})
    assert config.variations["btag_b_up"].efficiency.b == 1
    assert config.variations["btag_b_down"].efficiency.b == pytest.approx(0.98 * 0.95)
    assert config.nuisances == ("btag_b",)


def test_a_weight_of_zero_has_the_shifts_of_its_rate() -> None:
    """At a rate of exactly 1 four b subjets are never three tags; at a lower one they are."""
    config = BTagging(categories=CATEGORIES, efficiency={"b": 1.0}, uncertainty={"b": 0.1})
    found = columns(config)
    four = (FLAVOUR == 5).all(axis=(1, 2))
    assert four.any()
    np.testing.assert_array_equal(found["3b"][four], 0)
    np.testing.assert_array_equal(found["3b_btag_b_up"][four], 0)
    np.testing.assert_allclose(found["3b_btag_b_down"][four], 4 * 0.9**3 * 0.1)


def test_drawn_tags_have_no_shifted_weights() -> None:
    with pytest.raises(ValidationError, match="take mode `truth` or `map`"):
        BTagging(mode="cut", uncertainty={"c": 0.1})


def test_no_event_has_as_many_columns() -> None:
    config = BTagging(uncertainty=ERRORS)
    nothing = np.empty((0, 1))
    found = tag_columns(nothing, dict.fromkeys(config.variations, nothing), config)
    assert found.shape == (0, len(column_names(config))) == (0, 7)
