import numpy as np
import pytest

from analysis.evaluation.mixed_pairs import (
    FURTHEST,
    Momenta,
    Pairs,
    Window,
    candidates,
    chosen,
    paired_errors,
)
from common.features import KINEMATIC_FEATURES

PT, ETA, MASS = (KINEMATIC_FEATURES.index(name) for name in ("pt", "eta", "mass"))


def kinematics_of(count: int, rng: np.random.Generator) -> np.ndarray:
    kinematics = np.zeros((count, 3, 6))
    kinematics[..., MASS] = rng.uniform(80, 170, (count, 3))
    kinematics[:, :2, PT] = -np.sort(-rng.normal(400, 30, (count, 2)))
    kinematics[:, :2, ETA] = rng.normal(0, 0.8, (count, 2))
    return kinematics.astype(np.float32)


def test_partners_are_of_the_same_fold_alike_and_others() -> None:
    rng = np.random.default_rng(1)
    kinematics, fold = kinematics_of(600, rng), rng.integers(2, size=600)
    pairs = candidates(kinematics, rng.exponential(size=600), fold, rng)
    mixed = pairs.first != pairs.second
    assert mixed.mean() > 0.9
    assert (fold[pairs.first] == fold[pairs.second]).all()
    first, second = kinematics[pairs.first[mixed]], kinematics[pairs.second[mixed]]
    assert (first[:, 0, PT] >= second[:, 1, PT]).all()
    assert np.std(np.log(first[:, 1, PT] / second[:, 1, PT])) < 0.08
    assert np.std(np.abs(first[:, 1, ETA]) - np.abs(second[:, 1, ETA])) < 0.4


def test_pairs_of_an_event_weigh_what_it_weighs() -> None:
    rng = np.random.default_rng(2)
    kinematics, weight = kinematics_of(300, rng), rng.exponential(size=300)
    pairs = candidates(kinematics, weight, np.zeros(300, int), rng, per_event=400)
    sums = np.bincount(pairs.first, pairs.weight, 300)
    np.testing.assert_allclose(sums, weight, rtol=1e-6)  # drawn in proportion to their weights


def test_an_event_without_others_stays_as_it_is() -> None:
    kinematics = kinematics_of(3, np.random.default_rng(3))
    kinematics[2, :2, PT] = 2000
    fold = np.array([0, 1, 1])
    pairs = candidates(kinematics, np.array([1.0, 2.0, 3.0]), fold, np.random.default_rng(1))
    assert set(pairs.first[pairs.first == pairs.second]) == {0, 1, 2}
    assert pairs.weight.sum() == pytest.approx(6)
    nothing = candidates(kinematics[:0], np.empty(0), fold[:0], np.random.default_rng(1))
    assert len(nothing.first) == 0


def test_neighbourhoods_hold_all_that_are_near() -> None:
    rng = np.random.default_rng(6)
    momenta = Momenta.of(kinematics_of(3000, rng))
    rows = np.flatnonzero(rng.random(3000) < 0.7)
    parts = list(momenta.neighbourhoods(rows))
    np.testing.assert_array_equal(np.sort(np.concatenate([block for block, _ in parts])), rows)
    for block, near in parts:
        apart = momenta.coordinates[rows][None] - momenta.coordinates[block][:, None]
        alike = np.any(np.sum(apart**2, axis=2) < FURTHEST**2, axis=0)
        assert set(rows[alike]) <= set(near)
        assert np.count_nonzero(momenta.likeness(block, rows)) == np.count_nonzero(
            momenta.likeness(block, near)
        )


def test_pairs_that_were_drawn_twice_count_once_with_both_weights() -> None:
    pairs = Pairs(np.array([3, 1, 3, 3]), np.array([2, 2, 2, 4]), np.array([1.0, 5.0, 2.0, 7.0]))
    once = pairs.distinct()
    assert once.first.tolist() == [1, 3, 3]
    assert once.second.tolist() == [2, 2, 4]
    assert once.weight.tolist() == [5.0, 3.0, 7.0]
    assert len(Pairs(*(np.empty(0, t) for t in (int, int, float))).distinct().first) == 0


def test_choice_changes_no_sum() -> None:
    rng = np.random.default_rng(4)
    rows = np.arange(5000)
    pairs, value = Pairs(rows, rows, rng.exponential(size=5000)), rng.normal(size=5000)
    expected = value + rng.normal(0, 0.5, 5000)
    found = [
        [kept.weight.sum(), kept.weight[value[kept.first] > 2].sum(), len(kept.first)]
        for kept in (
            chosen(pairs, expected, 0.5, 1.5, 400, np.random.default_rng(s)) for s in range(400)
        )
    ]
    mean, error = np.mean(found, axis=0), np.std(found, axis=0) / 20
    wanted = pairs.weight.sum(), pairs.weight[value > 2].sum(), 400
    assert (np.abs(mean - wanted) < 4 * error).all()
    passing = pairs.weight[value > 2]
    plain = [passing[rng.random(len(passing)) < 0.08].sum() / 0.08 for _ in range(400)]
    assert np.std(found, axis=0)[1] < 0.5 * np.std(plain), "better than pairs kept at random"
    everything = chosen(pairs, expected, 0.5, 1.5, 10_000, rng)
    assert everything.weight.sum() == pytest.approx(pairs.weight.sum())


def test_where_all_are_chosen_no_weight_changes() -> None:
    """Whatever the worths are: their product with the scale is finite, and chances are 1."""
    rng = np.random.default_rng(9)
    rows = np.arange(3)
    with np.errstate(over="raise"):
        for weights in np.exp(rng.normal(0, 5, (300, 3))):
            pairs = Pairs(rows, rows, weights)
            kept = chosen(pairs, np.full(3, 99.0), 1.0, 0.0, 3, rng)
            np.testing.assert_array_equal(kept.weight, weights)


def test_window_holds_what_it_was_made_of() -> None:
    rng = np.random.default_rng(5)
    kinematics = kinematics_of(100, rng)
    window = Window.around(kinematics[:20])
    assert window.holds(kinematics[:20]).all()
    outside = kinematics[:1].copy()
    outside[0, 1, MASS] = 300
    assert not window.holds(outside).any()


def variance(value, weight, first, second, cut):
    """Σ over events of the squared weight that they take part in, less what is counted twice."""
    above = value >= cut
    total = np.zeros(20)
    for w, a, b in zip(weight[above], first[above], second[above], strict=True):
        total[a] += w
        total[b] += w * (a != b)
    return np.sum(total**2) - np.sum(weight[above & (first != second)] ** 2)


@pytest.mark.parametrize("seed", range(5))
def test_errors_add_up_to_the_variance_above_every_cut(seed: int) -> None:
    rng = np.random.default_rng(seed)
    value, weight = rng.normal(size=50), rng.exponential(size=50)
    first, second = rng.integers(20, size=(2, 50))
    error = paired_errors(value, weight, first, second)
    for cut in (-9.0, -0.5, 0.5, 1.5):
        found = np.sum(error[value >= cut] ** 2)
        assert found == pytest.approx(variance(value, weight, first, second, cut))


def mixture(seed: int, correlation: float) -> tuple[float, float, float]:
    """Yield above a cut: mixed, its error, and simulated; the score is the sum of both jets'."""
    rng = np.random.default_rng(seed)
    count = 1500
    own = (1 - correlation**2) ** 0.5
    both = rng.normal(size=(count, 2)) @ np.array([[1, correlation], [0, own]])
    weight = rng.exponential(size=count) + 0.2
    pairs = candidates(kinematics_of(count, rng), weight, np.zeros(count, int), rng)
    value = both[pairs.first, 0] + both[pairs.second, 1]
    pairs = chosen(pairs, value + rng.normal(0, 0.5, len(value)), 0.5, 3.0, 3000, rng)
    value = both[pairs.first, 0] + both[pairs.second, 1]
    error = paired_errors(value, pairs.weight, pairs.first, pairs.second)
    above = value >= 3.5
    own = weight[both.sum(axis=1) >= 3.5].sum()
    return pairs.weight[above].sum(), np.sqrt(np.sum(error[above] ** 2)), own


def test_mixed_events_tell_the_tail_and_their_error_covers_it() -> None:
    truth = 1500 * 1.2 * 0.00667  # P(x + y > 3.5) of two normal numbers
    found = np.array([mixture(seed, 0.0) for seed in range(150)])
    pulls = (found[:, 0] - truth) / found[:, 1]
    assert abs(pulls.mean()) < 0.45
    assert 0.7 < pulls.std() < 1.3
    assert np.std(found[:, 0]) < 0.6 * np.std(found[:, 2]), "better than the events themselves"


def test_jets_that_know_of_each_other_do_not_close() -> None:
    found = np.array([mixture(seed, 0.5) for seed in range(10)])
    assert found[:, 0].mean() < 0.6 * found[:, 2].mean()
