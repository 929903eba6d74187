import awkward as ak
import numpy as np
import pytest

from analysis.config.statistics import BTagging, TagEfficiency, TagMapBinning
from analysis.datasets.btagging import jet_tag_probabilities, subjet_efficiencies
from analysis.datasets.tag_closure import TaggedJets, map_with_closure, whole_map
from analysis.datasets.tag_map import ONE_SUBJET, TagMap, build_map, leading_distance, sum_jets
from common.errors import EmptySampleError

BINNING = TagMapBinning()
CONFIG = BTagging(mode="map", categories=("4b", "3b", "2b"))


def draw_jets(seed: int, n: int = 4000, double_b: float = 0.05) -> TaggedJets:
    """Jets whose flavours depend on the mass; the two jets of an event are independent."""
    rng = np.random.default_rng(seed)
    pt, mass = rng.exponential(150, (n, 2)) + 250, rng.exponential(60, (n, 2)) + 50
    delta_r = np.where(rng.random((n, 2)) < 0.3, ONE_SUBJET, rng.uniform(0.2, 0.9, (n, 2)))
    b = rng.random((n, 2)) < double_b * np.where(mass > 110, 2, 0.5)
    flavour = np.where(b[..., None], 5, rng.choice([0, 4], p=[0.9, 0.1], size=(n, 2, 2)))
    flavour[..., 1] = np.where(delta_r < 0, -1, flavour[..., 1])
    tags = jet_tag_probabilities(subjet_efficiencies(flavour, TagEfficiency()))
    return TaggedJets(pt, mass, delta_r, tags, rng.lognormal(0, 0.5, n))


def map_of(*parts: TaggedJets):
    """Return the map of jets that come in parts, and its closure."""
    return map_with_closure(lambda: iter(parts), CONFIG)


def test_parts_do_not_change_the_map_or_its_closure():
    jets = draw_jets(8, 1000)
    cuts = [slice(0, 7), slice(7, 640), slice(640, None)]
    parts = [TaggedJets(*(column[rows] for column in vars(jets).values())) for rows in cuts]
    (one, report), (other, of_parts) = map_of(jets), map_of(*parts)
    np.testing.assert_allclose(other.probabilities, one.probabilities, rtol=1e-12)
    for name, value in report["4b"].items():
        assert of_parts["4b"][name] == pytest.approx(value, rel=1e-9), name


def test_map_keeps_the_yield_of_single_jets_and_probabilities_sum_to_one():
    jets = draw_jets(1)
    everyone = np.ones(len(jets.weight), bool)
    found = build_map(jets.sums(CONFIG, everyone), BINNING)
    np.testing.assert_allclose(found.probabilities.sum(axis=-1), 1)
    mapped = found.jet_tags(jets.pt, jets.mass, jets.delta_r)
    weight = jets.weight[:, None]
    # bins are drawn towards coarser means, so the yields agree to the strength of the prior
    for k in range(3):
        assert (weight * mapped[..., k]).sum() == pytest.approx(
            (weight * jets.tags[..., k]).sum(), rel=0.1
        )


def test_sums_of_chunks_add_up():
    jets = draw_jets(2)
    first = np.arange(len(jets.weight)) < 1000
    whole, parts = jets.sums(CONFIG, first | True), jets.sums(CONFIG, first)
    parts = parts + jets.sums(CONFIG, ~first)
    for name in ("weight", "weight2", "tags", "products"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name))


def test_single_subjets_are_never_double_tagged():
    found, _ = map_of(draw_jets(3))
    probabilities = found.jet_tags(np.array(300.0), np.array(100.0), np.array(ONE_SUBJET))
    assert probabilities[2] == 0


def test_closure_and_gain_in_effective_events():
    found, report = map_of(draw_jets(4))
    assert isinstance(found, TagMap)
    for name in CONFIG.categories:
        result = report[name]
        assert abs(result["ratio"] - 1) < 4 * np.hypot(result["error"], result["map_error"])
        assert result["uncertainty"] >= max(result["error"], abs(result["ratio"] - 1))
    assert report["4b"]["map_n_eff"] > 5 * report["4b"]["truth_n_eff"]


def test_quoted_closure_error_covers_independent_jets():
    pulls = []
    for seed in range(60):
        result = map_of(draw_jets(seed, 1000, 0.03))[1]["4b"]
        pulls.append((result["ratio"] - 1) / np.hypot(result["error"], result["map_error"]))
    assert np.mean(np.abs(pulls) < 1) > 0.6
    assert np.max(np.abs(pulls)) < 4


def test_correlated_jets_do_not_close():
    jets = draw_jets(5, 20_000)
    both = jets.tags.copy()
    both[:, 1] = both[:, 0]  # the second jet is tagged like the first
    result = map_of(TaggedJets(jets.pt, jets.mass, jets.delta_r, both, jets.weight))
    assert result[1]["4b"]["ratio"] - 1 > 4 * result[1]["4b"]["error"]


def test_empty_bins_take_the_coarser_mean():
    jets = draw_jets(6)
    low = (jets.pt < 500).all(axis=1)
    found = build_map(jets.sums(CONFIG, low), BINNING)
    empty, full = found.probabilities[-1], found.probabilities[0]
    assert (empty[:, 1:] > 0).all()
    assert np.abs(empty - full).max() < 0.2


def test_map_survives_its_json():
    found, _ = map_of(draw_jets(7))
    again = TagMap.from_json(found.to_json())
    np.testing.assert_array_equal(again.probabilities, found.probabilities)
    np.testing.assert_array_equal(again.products, found.products)


def test_distance_of_the_two_leading_subjets():
    jets = [
        [[{"eta": 0.0, "phi": 3.1}, {"eta": 0.3, "phi": -3.1}, {"eta": 9.0, "phi": 0.0}], []],
        [[{"eta": 1.0, "phi": 0.0}], [{"eta": 0.0, "phi": 0.0}, {"eta": 0.0, "phi": 0.5}]],
    ]
    across = np.hypot(0.3, 2 * np.pi - 6.2)
    expected = [[across, ONE_SUBJET], [ONE_SUBJET, 0.5]]
    table = ak.Array([{"subjet": event} for event in jets])
    np.testing.assert_allclose(leading_distance(table), expected)


def test_no_jets_is_an_error():
    empty = np.zeros((0, 2))
    sums = sum_jets(empty, empty, empty, np.zeros((0, 2, 3)), np.zeros(0), BINNING)
    with pytest.raises(EmptySampleError, match="no tag map"):
        build_map(sums, BINNING)


def test_map_without_closure_is_the_same_map():
    jets = draw_jets(8, 1000)
    parts = [TaggedJets(*(c[rows] for c in vars(jets).values())) for rows in np.s_[:300, 300:]]
    one, other = map_of(jets)[0], whole_map(iter(parts), CONFIG)
    np.testing.assert_allclose(other.probabilities, one.probabilities, rtol=1e-12)
