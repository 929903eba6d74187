import numpy as np
import pytest

from analysis.evaluation.correlation import Moments, on_circle

RNG = np.random.default_rng(7)
N = 4000
ANGLE = RNG.uniform(-np.pi / 2, np.pi / 2, N)
X = RNG.normal(size=N)
Y = 0.6 * X + RNG.normal(size=N)
WEIGHT = RNG.uniform(0.1, 2.0, N)


def moments(weight=WEIGHT, **values):
    sizes = {name: 1 if v.ndim == 1 else v.shape[1] for name, v in values.items()}
    found = Moments(sizes)
    found.add(list(values.values()), weight)
    return found


def test_two_numbers_have_the_size_of_pearsons_r():
    found = moments(np.ones(N), x=X, y=-Y)
    assert found.correlation("x", "y") == pytest.approx(np.corrcoef(X, Y)[0, 1])


def test_weights_count_as_repetitions():
    times = RNG.integers(0, 4, N)
    weighted = moments(times.astype(float), x=X, y=Y).correlation("x", "y")
    repeated = np.corrcoef(np.repeat(X, times), np.repeat(Y, times))[0, 1]
    assert weighted == pytest.approx(repeated)


def test_steps_add_up():
    whole = moments(a=on_circle(ANGLE, np.pi), x=X)
    steps = Moments({"a": 2, "x": 1})
    for rows in (slice(0, 1000), slice(1000, None)):
        steps.add([on_circle(ANGLE[rows], np.pi), X[rows]], WEIGHT[rows])
    assert steps.correlation("a", "x") == pytest.approx(whole.correlation("a", "x"))
    assert steps.n_eff == pytest.approx(WEIGHT.sum() ** 2 / (WEIGHT**2).sum())


def test_an_angle_is_seen_in_its_cosine_whatever_its_zero():
    for shift in (0.0, 0.4, 1.3):
        found = moments(
            a=on_circle(ANGLE + shift, np.pi), b=on_circle(ANGLE, np.pi), x=np.cos(2 * ANGLE)
        )
        assert found.correlation("a", "x") == pytest.approx(1)
        assert found.correlation("a", "b") == pytest.approx(1)


def test_an_axis_has_no_direction():
    turned = ANGLE + np.pi * RNG.integers(0, 2, N)
    np.testing.assert_allclose(on_circle(turned, np.pi), on_circle(ANGLE, np.pi), atol=1e-12)


def test_independent_quantities_stay_near_what_chance_gives():
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        angle, x = rng.uniform(-np.pi, np.pi, 500), rng.normal(size=500)
        values = moments(rng.uniform(0.5, 1.5, 500), a=on_circle(angle, 2 * np.pi), x=x)
        found.append(values.correlation("a", "x") / values.by_chance("a", "x"))
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(1, abs=0.2)


def test_a_constant_or_nothing_has_no_correlation():
    assert np.isnan(moments(x=X, y=np.full(N, 3.0)).correlation("x", "y"))
    assert np.isnan(Moments({"x": 1, "y": 1}).correlation("x", "y"))
