"""Streams: the same events as in memory, each once per epoch, in an order that seeds decide."""

import itertools
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.columns import resized
from models.config.specs import CrossAttention, HighLevelTrees, Training
from models.networks.batch import NAMES, Events, Sample
from models.training.data import Batches, Data, in_order, shared
from models.training.prefetch import ahead
from models.training.resume import STATE, Progress
from models.training.stream import Stream, interleaved, mixed
from models.training.training import train
from tests.models.events import FEATURES, make_arrays, make_sample

SPEC = CrossAttention(name="n", width=16, heads=2, dropout=0.0)
SHORT = Training(epochs=3, batch_size=64, accelerator="cpu")


def stream_of(sample: Sample, sizes: list[int], held: int) -> Stream:
    """Return a sample in blocks of some sizes, over and over; the classes are two strata."""
    edges = [0]
    for size in itertools.cycle(sizes):
        if edges[-1] >= len(sample):
            break
        edges.append(min(edges[-1] + size, len(sample)))

    def read(block: int) -> dict[str, np.ndarray]:
        rows = slice(edges[block], edges[block + 1])
        own = {"label": sample.label[rows], "weight": sample.weight[rows]}
        return sample.events.columns(rows) | own

    strata = np.arange(len(edges) - 1) % 2
    return Stream(read, strata, len(sample), sample.mean_weight, held)


def parts_of(numbers: np.ndarray, sizes: list[int]) -> list[dict[str, np.ndarray]]:
    edges = np.minimum(np.cumsum([0, *sizes]), len(numbers))
    parts = [numbers[a:b] for a, b in itertools.pairwise(edges)] + [numbers[edges[-1] :]]
    return [{"x": part, "y": np.stack([part, -part], axis=-1)} for part in parts]


@given(
    length=st.integers(0, 60),
    sizes=st.lists(st.integers(0, 20), max_size=6),
    size=st.integers(1, 25),
    first=st.integers(1, 30) | st.none(),
)
def test_resizing_keeps_rows_and_order(length, sizes, size, first):
    numbers = np.arange(length)
    found = list(resized(parts_of(numbers, sizes), size, first))
    assert [len(part["x"]) for part in found[:1]] == [min(first or size, length)] * bool(length)
    assert all(len(part["x"]) == size for part in found[1:-1])
    together = np.concatenate([numbers[:0], *(part["x"] for part in found)])
    np.testing.assert_array_equal(together, numbers)
    assert all((part["y"][:, 1] == -part["x"]).all() for part in found)


@given(
    length=st.integers(1, 300),
    sizes=st.lists(st.integers(0, 50), max_size=8),
    size=st.integers(1, 40),
    extra=st.integers(0, 100),
    seed=st.integers(0, 5),
)
@settings(deadline=None)
def test_mixing_yields_every_row_once_in_whole_batches(length, sizes, size, extra, seed):
    parts = parts_of(np.arange(length), sizes)
    rng = np.random.default_rng(seed)
    found = list(mixed(parts, length, size + extra, size, rng))
    assert [len(part["x"]) for part in found[:-1]] == [size] * (len(found) - 1)
    assert 1 <= len(found[-1]["x"]) <= size
    together = np.concatenate([part["x"] for part in found])
    np.testing.assert_array_equal(np.sort(together), np.arange(length))
    assert all((part["y"][:, 1] == -part["x"]).all() for part in found)


def places(held: int, length: int = 20_000, size: int = 50) -> np.ndarray:
    """Return the place of every row after mixing rows that come in parts of 100."""
    parts = parts_of(np.arange(length), [100] * (length // 100 - 1))
    found = mixed(parts, length, held, size, np.random.default_rng(1))
    return np.argsort(np.concatenate([part["x"] for part in found]))


def test_mixing_reaches_as_far_as_its_pool():
    """Drawn at random from `held` rows, a row waits for `held` others on average, exponentially."""
    moved = (places(held=1000) - np.arange(20_000))[2000:-4000]
    assert moved.mean() == pytest.approx(0, abs=100)
    assert moved.std() == pytest.approx(1000, rel=0.1)


def test_a_pool_for_all_rows_forgets_their_order():
    assert abs(np.corrcoef(places(held=20_000), np.arange(20_000))[0, 1]) < 0.03


@given(
    counts=st.lists(st.integers(1, 200), min_size=1, max_size=5),
    seed=st.integers(0, 100),
)
def test_blocks_are_all_there_and_every_stretch_has_the_composition_of_the_whole(counts, seed):
    strata = np.repeat(np.arange(len(counts)), counts)
    order = interleaved(strata, np.random.default_rng(seed))
    np.testing.assert_array_equal(np.sort(order), np.arange(len(strata)))
    for stratum, count in enumerate(counts):
        passed = np.cumsum(strata[order] == stratum)
        expected = np.arange(1, len(order) + 1) * count / len(order)
        assert np.abs(passed - expected).max() <= len(counts) + 1


def test_orders_depend_on_the_seed_alone():
    strata = np.repeat([0, 1], 50)
    one, same, other = (interleaved(strata, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_batches_have_the_composition_of_the_whole():
    """With twenty blocks in the pool, batches are as good as drawn from all events."""
    strata = np.repeat([0, 1], [280, 120])

    def read(block: int) -> dict[str, np.ndarray]:
        return {"label": np.full(50, strata[block]), "weight": np.ones(50)}

    stream = Stream(read, strata, 50 * len(strata), 1.0, held=1000)
    batches = stream.batches(64, np.random.default_rng(1), shuffle=True)
    counts = np.array([batch["label"].sum() for batch in batches])[:-1]
    assert counts.std() < 1.2 * np.sqrt(64 * 0.3 * 0.7)


@pytest.fixture(scope="module")
def sample() -> Sample:
    return make_sample(300, 1)


@pytest.fixture(scope="module")
def streamed(data) -> Data:
    parts = (stream_of(s, [7, 0, 31, 64], 100) for s in (data.train, data.validation))
    return Data(*parts, FEATURES)


def rows_of(batches: Batches) -> np.ndarray:
    """Return one row per event: its momenta, label and weight."""
    return np.concatenate(
        [
            np.column_stack([events.kinematics.numpy().reshape(len(events), -1), label, weight])
            for events, label, weight in batches
        ]
    )


def test_in_order_the_batches_are_those_of_events_in_memory(sample):
    stream = stream_of(sample, [7, 0, 31], 100)
    for one, other in zip(in_order(sample, 64, 1), in_order(stream, 64, 1), strict=True):
        for name in NAMES:
            assert torch.equal(getattr(one[0], name), getattr(other[0], name))
        assert torch.equal(one[1], other[1])
        assert torch.equal(one[2], other[2])


def test_every_event_comes_once_with_its_label_and_weight_in_an_order_of_the_seed(sample):
    stream = stream_of(sample, [7, 0, 31], 100)
    whole = rows_of(in_order(sample, 64, 1))
    orders = []
    for seed in (1, 2, 1):
        batches = Batches(stream, 64, np.random.SeedSequence([seed, 5]), shuffle=True)
        assert len(list(batches)) == len(batches)
        found = rows_of(batches)
        np.testing.assert_array_equal(found[np.lexsort(found.T)], whole[np.lexsort(whole.T)])
        orders.append(found)
    np.testing.assert_array_equal(orders[0], orders[2])
    assert (orders[0] != orders[1]).any()


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_an_interrupted_training_on_a_stream_ends_as_an_undisturbed_one(
    streamed, tmp_path, monkeypatch, ema
):
    settings = SHORT.model_copy(update={"ema": ema})
    train(SPEC, settings, streamed, 1, tmp_path / "undisturbed")
    store = Progress.store

    def store_and_die(self, *args):
        store(self, *args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "store", store_and_die)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            train(SPEC, settings, streamed, 1, tmp_path / "resumed")
    assert {path.name for path in (tmp_path / "resumed").iterdir()} == {STATE}
    train(SPEC, settings, streamed, 1, tmp_path / "resumed")
    for path in (tmp_path / "undisturbed").iterdir():
        assert path.read_bytes() == (tmp_path / "resumed" / path.name).read_bytes()


def test_a_stream_trains_like_events_in_memory(data, streamed, tmp_path):
    """The first step meets the same events with the same constants; only their order differs."""
    settings = SHORT.model_copy(update={"epochs": 1, "batch_size": 300, "exchange_jets": False})
    losses, constants = [], []
    for name, events in (("memory", data), ("stream", streamed)):
        network = train(SPEC, settings, events, 1, tmp_path / name).network
        constants.append({n: x for n, x in network.state_dict().items() if "standardise" in n})
        losses.append(np.genfromtxt(tmp_path / name / "history.csv", delimiter=",", names=True))
    assert losses[0]["train_loss"] == pytest.approx(losses[1]["train_loss"], rel=1e-5)
    assert constants[0].keys() == constants[1].keys()
    assert all(torch.equal(x, constants[1][name]) for name, x in constants[0].items())


def test_trees_grow_on_a_stream_as_on_events_in_memory(data, streamed, tmp_path):
    spec = HighLevelTrees(name="t", trees=5)
    for name, events in (("memory", data), ("stream", streamed)):
        train(spec, SHORT, events, 1, tmp_path / name)
    for file in ("model.safetensors", "history.csv"):
        assert (tmp_path / "memory" / file).read_bytes() == (
            tmp_path / "stream" / file
        ).read_bytes()


def peak_bytes(blocks: int) -> int:
    """Return the largest memory of arrays while an epoch goes by."""
    arrays = make_arrays(100)
    block = {**arrays, "label": np.arange(100) % 2, "weight": np.ones(100)}
    stream = Stream(lambda _: dict(block), np.zeros(blocks, int), 100 * blocks, 1.0, 1000)
    tracemalloc.start()
    try:
        for _ in Batches(stream, 64, 1, shuffle=True):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_events():
    few, many = peak_bytes(20), peak_bytes(200)
    assert many < 1.05 * few


@given(count=st.integers(1, 20), processes=st.integers(1, 5))
def test_shares_of_a_batch_hold_every_weight_once(count, processes):
    weight = np.arange(1, count + 1, dtype=np.float32)
    columns = {"label": np.zeros(count, int), "weight": weight, "x": np.arange(count)}
    shares = [shared(columns, rank, processes) for rank in range(processes)]
    assert len({len(share["weight"]) for share in shares}) == 1
    together = {name: np.concatenate([share[name] for share in shares]) for name in columns}
    sums = np.bincount(together["x"], together["weight"], minlength=count)
    np.testing.assert_array_equal(sums, weight)


def test_what_is_prepared_ahead_comes_in_order_and_no_further_ahead_than_asked():
    made = []

    def items():
        for number in range(20):
            made.append(number)
            yield number

    for number in (found := ahead(items(), 3)):
        assert len(made) <= number + 1 + 3 + 2  # one in work on either side
        if number == 10:
            found.close()
    assert len(made) < 20
    assert list(ahead(range(50), 4)) == list(range(50))


def test_an_error_ahead_is_raised_in_its_place():
    def items():
        yield 1
        raise ValueError("no more")

    found = ahead(items(), 4)
    assert next(found) == 1
    with pytest.raises(ValueError, match="no more"):
        next(found)


def test_batches_read_ahead_are_the_same(sample, monkeypatch):
    monkeypatch.setattr("models.training.data.pinned", lambda batch: batch)  # wants a GPU
    plain = rows_of(Batches(sample, 64, 3, shuffle=True))
    np.testing.assert_array_equal(rows_of(Batches(sample, 64, 3, shuffle=True, ahead=4)), plain)
    assert isinstance(sample.events, Events)
