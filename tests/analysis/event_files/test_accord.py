"""What IDWTUP makes of XWGTUP: every strategy of the accord, by what it has to preserve."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.event_files.accord import weigh
from analysis.event_files.les_houches import Init, Process, Weights
from common.errors import InputFileError

PATH = Path("events.lhe")
SIGMA = (3.0, 1.5)


def init(strategy: int, sigma: tuple[float, ...] = SIGMA) -> Init:
    processes = tuple(Process(k + 1, value, 0.1 * value) for k, value in enumerate(sigma))
    return Init((2212, 2212), (7000.0, 7000.0), strategy, processes, b"")


def weights(
    nominal: np.ndarray,
    process: np.ndarray | None = None,
    trials: np.ndarray | None = None,
    chosen: np.ndarray | None = None,
) -> Weights:
    n = len(nominal)
    return Weights(
        np.asarray(nominal, float),
        np.asarray(nominal if chosen is None else chosen, float),
        np.ones(n, np.int64) if process is None else process,
        np.full(n, np.nan) if trials is None else np.asarray(trials, float),
    )


values = st.lists(st.floats(0.1, 10.0), min_size=4, max_size=30)
signs = st.sampled_from((1, -1))


def drawn(found: list[float], sign: int) -> np.ndarray:
    """Return weights, every fourth of them negative where the strategy allows it."""
    w = np.array(found)
    w[::4] *= 0.01 * sign if sign < 0 else 1.0
    return w


@settings(max_examples=25)
@given(values, signs)
def test_unweighted_events_share_the_declared_cross_section(found: list[float], sign: int) -> None:
    w = drawn(found, sign)
    result = weigh([(PATH, init(3 * sign), weights(w))])
    assert result.cross_section_pb == pytest.approx(sum(SIGMA))
    assert result.error_pb == pytest.approx(0.1 * np.hypot(*SIGMA)), "that of the file"
    assert result.weight == pytest.approx(w / w.mean())


@settings(max_examples=25)
@given(values, signs)
def test_weighted_events_average_to_the_cross_section(found: list[float], sign: int) -> None:
    w = drawn(found, sign)
    result = weigh([(PATH, init(4 * sign, (float(w.mean()),)), weights(w))])
    assert result.cross_section_pb == pytest.approx(w.mean())
    assert result.error_pb == pytest.approx(w.std() / np.sqrt(len(w)))
    assert result.weight * result.cross_section_pb == pytest.approx(w), "XWGTUP is in pb"


@settings(max_examples=25)
@given(values, signs)
def test_processes_average_each_to_its_cross_section(found: list[float], sign: int) -> None:
    w, code = drawn(found, sign), 1 + (np.arange(len(found)) % 3 == 0)
    means = np.array([w[code == k].mean() for k in (1, 2)])
    if means.sum() <= 0:
        return
    result = weigh([(PATH, init(sign, (float(means.sum()), 0.0)), weights(w, code))])
    share = result.cross_section_pb * result.weight / len(w)
    assert result.cross_section_pb == pytest.approx(means.sum())
    assert [share[code == k].sum() for k in (1, 2)] == pytest.approx(means)


@settings(max_examples=25)
@given(values, signs)
def test_processes_get_each_its_declared_cross_section(found: list[float], sign: int) -> None:
    w, code = np.array(found), 1 + (np.arange(len(found)) % 3 == 0)
    w[code == 2] *= sign  # a process of the other sign stands for itself
    sigma = (SIGMA[0], sign * SIGMA[1])
    result = weigh([(PATH, init(2 * sign, sigma), weights(w, code))])
    share = result.cross_section_pb * result.weight / len(w)
    assert [share[code == k].sum() for k in (1, 2)] == pytest.approx(sigma)
    assert (np.sign(share) == np.sign(w)).all()


@pytest.mark.parametrize("strategy", [1, 2, 3, 4, -1, -2, -3, -4])
@settings(max_examples=25)
@given(values, st.floats(0.5, 1.5))
def test_another_weight_reweights_the_cross_section(
    strategy: int, found: list[float], factor: float
) -> None:
    w = np.array(found)
    given_init = init(strategy, (float(w.mean()),))
    nominal = weigh([(PATH, given_init, weights(w))])
    other = weigh([(PATH, given_init, weights(w, chosen=factor * w))])
    assert other.cross_section_pb == pytest.approx(factor * nominal.cross_section_pb)
    assert other.weight == pytest.approx(nominal.weight)


@pytest.mark.parametrize("strategy", [1, 3, 4, -4])
def test_trials_normalise_whatever_init_says(strategy: int) -> None:
    """Sherpa writes 1 pb in <init>, before it knows better."""
    rng = np.random.default_rng(1)
    trials = rng.geometric(0.01, 4000)
    result = weigh([(PATH, init(strategy, (1.0,)), weights(np.full(4000, 500.0), trials=trials))])
    assert result.cross_section_pb == pytest.approx(500.0 * 4000 / trials.sum())
    assert abs(result.cross_section_pb - 5.0) < 4 * result.error_pb
    assert result.error_pb == pytest.approx(5.0 / np.sqrt(4000), rel=0.05)


@pytest.mark.parametrize("strategy", [3, 4])
def test_two_halves_are_one_file(strategy: int) -> None:
    w = np.random.default_rng(2).uniform(1, 2, 60)
    head = init(strategy, (1.5,))
    whole = weigh([(PATH, head, weights(w))])
    halves = weigh([(PATH, head, weights(w[:40])), (PATH, head, weights(w[40:]))])
    assert halves.cross_section_pb == pytest.approx(whole.cross_section_pb)
    assert halves.weight.mean() == pytest.approx(1.0)
    if strategy == 4:
        assert halves.weight == pytest.approx(whole.weight)


def test_given_cross_section_replaces_that_of_the_file() -> None:
    w = np.array([1.0, 2.0, 3.0])
    for strategy, sigma in ((3, (0.0,)), (4, (50.0,)), (2, (0.0,)), (-2, (0.0, 0.0)), (2, (50.0,))):
        head = init(strategy, sigma)
        result = weigh([(PATH, head, weights(w))], cross_section_pb=7.0)
        assert result.cross_section_pb == pytest.approx(7.0)
        assert result.weight == pytest.approx(w / 2)


@pytest.mark.parametrize(
    ("head", "w", "message"),
    [
        (init(3, (0.0,)), [1.0, 1.0], "simulation.cross_section_pb"),
        (init(-3), [1.0, -1.0], "sum to 0"),
        (init(-4, (-0.5,)), [-1.0, 0.5], "simulation.cross_section_pb"),
        (init(4, (10.0,)), [0.1] * 100, "event_norm = average"),
        (init(2, (3.0,)), [1.0, 1.0], None),
    ],
)
def test_no_normalisation_without_a_cross_section(
    head: Init, w: list[float], message: str | None
) -> None:
    if message is None:
        code = np.array([1, 7])
        with pytest.raises(InputFileError, match=r"events.lhe: events are of the process 7"):
            weigh([(PATH, head, weights(np.array(w), code))])
        return
    with pytest.raises(InputFileError, match=message):
        weigh([(PATH, head, weights(np.array(w)))])


def test_files_of_two_processes_are_two_samples() -> None:
    one = (Path("one.lhe"), init(3), weights(np.ones(5)))
    for other in (init(4), init(3, (9.0, 2.0))):
        with pytest.raises(InputFileError, match=r"two.lhe.*make two samples"):
            weigh([one, (Path("two.lhe"), other, weights(np.full(5, 11.0)))])
