"""Datasets: the folds, the training weights, and the round trip through HDF5."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analysis.config.dataset import Dataset as Config
from analysis.datasets.dataset import (
    BLOCK,
    CHUNK,
    SPLITS,
    TENSORS,
    Dataset,
    Selection,
    Split,
    assign_fold,
    event_key,
    write_dataset,
)
from analysis.datasets.training_weights import TrainingWeights, streamed_quantile, training_weights
from common.errors import EmptySampleError, InputFileError

CONFIG = Config(folds=3, validation=0.2)


def test_key_depends_on_sample_file_and_entry_alone() -> None:
    entries = np.arange(100)
    key = event_key("qcd", "file_1", entries)
    assert np.array_equal(key[40:], event_key("qcd", "file_1", entries[40:]))
    for other in (event_key("qcd", "file_2", entries), event_key("top", "file_1", entries)):
        assert not np.isin(key, other).any()


def test_folds_are_equal_and_follow_the_seed() -> None:
    key = event_key("qcd", "file", np.arange(200_000))
    fold = assign_fold(key, 1, 4)
    assert np.bincount(fold) / len(key) == pytest.approx([0.25] * 4, abs=0.005)
    both = np.mean((fold == 2) & (assign_fold(key, 2, 4) == 2))
    assert both == pytest.approx(0.25**2, abs=0.005), "folds of two seeds are independent"


@given(
    folds=st.integers(2, 6),
    validation=st.floats(0.01, 0.99),
    seed=st.integers(0, 1000),
    start=st.integers(0, 10**6),
)
def test_every_event_is_tested_by_the_one_network_that_has_not_seen_it(
    folds: int, validation: float, seed: int, start: int
) -> None:
    key = event_key("qcd", "file", np.arange(start, start + 3000))
    config = Config(folds=folds, validation=validation)
    holds = np.array(
        [[Split(name, config, seed, fold).holds(key) for name in SPLITS] for fold in range(folds)]
    )
    assert (holds.sum(axis=1) == 1).all(), "an event is in one split of each fold"
    assert (holds[:, 2].sum(axis=0) == 1).all(), "and tests one network"
    assert (np.argmax(holds[:, 2], axis=0) == assign_fold(key, seed, folds)).all()
    for fold in range(folds):
        train, stops, test = holds[fold].mean(axis=1)
        assert test == pytest.approx(1 / folds, abs=0.06)
        assert stops / (train + stops) == pytest.approx(validation, abs=0.07)
    part = slice(100, 200)
    assert (Split("train", config, seed, 0).holds(key[part]) == holds[0, 0, part]).all()


@given(
    weight=hnp.arrays(
        np.float64,
        st.integers(4, 60),
        elements=st.floats(1e-6, 1e9).flatmap(lambda x: st.sampled_from([x, -x])),
    ),
    quantile=st.floats(0, 1),
)
def test_training_weights_balance_and_keep_order(weight: np.ndarray, quantile: float) -> None:
    label = (np.arange(len(weight)) % 2).astype(np.uint8)
    result = training_weights(label, weight, quantile).astype(np.float64)
    assert result[label == 1].sum() == pytest.approx(result[label == 0].sum(), rel=1e-4)
    assert result.mean() == pytest.approx(1, rel=1e-4)
    size = np.abs(weight[label == 0])
    ranked = result[label == 0][np.argsort(size)]
    assert (np.diff(ranked) >= -1e-6 * ranked.max()).all()


def test_cap_bounds_the_share_of_one_event() -> None:
    weight = np.r_[np.ones(100), 1e6, np.ones(50)]
    label = np.r_[np.zeros(101), np.ones(50)].astype(np.uint8)
    share = [training_weights(label, weight, q)[100] / len(weight) * 2 for q in (1.0, 0.9)]
    assert share[0] > 0.99
    assert share[1] < 0.02


@pytest.mark.parametrize(("label", "missing"), [(0, "signal"), (1, "background")])
def test_training_weights_need_both_classes(label: int, missing: str) -> None:
    with pytest.raises(EmptySampleError, match=f"no {missing} event"):
        training_weights(np.full(5, label, np.uint8), np.ones(5), 1.0)


@given(
    values=hnp.arrays(
        np.float64, st.integers(1, 80), elements=st.floats(5e-324, 1e300, exclude_min=False)
    ),
    cuts=st.lists(st.integers(0, 80), max_size=4),
    quantile=st.floats(0, 1),
)
def test_quantile_of_parts_is_that_of_the_whole(
    values: np.ndarray, cuts: list[int], quantile: float
) -> None:
    parts = np.split(values, sorted(cuts))
    assert streamed_quantile(lambda: parts, quantile) == np.quantile(values, quantile)


def test_signals_share_the_weight_of_all_signals_equally() -> None:
    rng = np.random.default_rng(3)
    kind, weight = rng.integers(0, 4, 5000).astype(np.uint8), rng.lognormal(0, 1, 5000)
    fitted = TrainingWeights.fit(lambda: [(kind, weight)], 0.9, signals=3)
    sums = np.bincount(kind, fitted(kind, weight))
    assert sums / len(kind) == pytest.approx([1 / 2, 1 / 6, 1 / 6, 1 / 6])
    with pytest.raises(EmptySampleError, match="no signal event"):
        TrainingWeights.fit(lambda: [(kind, weight)], 0.9, signals=4)


def test_weights_from_parts_are_those_from_the_whole() -> None:
    rng = np.random.default_rng(3)
    label, weight = rng.integers(0, 2, 5000).astype(np.uint8), rng.lognormal(0, 4, 5000)
    whole = training_weights(label, weight, 0.9)
    parts = list(zip(np.split(label, [7, 3000]), np.split(weight, [7, 3000]), strict=True))
    fitted = TrainingWeights.fit(lambda: parts, 0.9)
    assert np.array_equal(np.concatenate([fitted(*part) for part in parts]), whole)
    assert fitted.cap == np.quantile(weight[label == 0], 0.9)


def part(count: int, first: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(first)
    shapes = {
        "constituents": (2, 5, 15),
        "constituent_mask": (2, 5),
        "subjets": (2, 3, 6),
        "subjet_mask": (2, 3),
        "kinematics": (3, 6),
    }
    tensors = {name: rng.random((count, *shape), np.float32) for name, shape in shapes.items()}
    return {
        **{n: t > 0.5 if n.endswith("mask") else t for n, t in tensors.items()},
        "key": event_key("s", "c", np.arange(first, first + count)),
        "weight": rng.random(count),
        "tag_weight": rng.random((count, 1)),
    }


def write(path: Path, label: str, parts: list[dict[str, np.ndarray]]) -> Dataset:
    attributes = {"sample": path.stem, "process": "p", "label": label, "categories": ["4b"]}
    write_dataset(path, iter(parts), attributes)
    return Dataset(path)


def test_round_trip_in_parts(tmp_path: Path) -> None:
    parts = [part(7), part(0), part(5, first=7)]
    dataset = write(tmp_path / "a.h5", "signal", parts)
    assert len(dataset) == 12
    read = dataset.read(np.ones(12, bool))
    for name in TENSORS:
        assert np.array_equal(read[name], np.concatenate([p[name] for p in parts]))


def test_chunks_do_not_depend_on_the_parts(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", "signal", [part(0), part(3), part(2000, first=3)])
    with h5py.File(tmp_path / "a.h5") as file:
        assert {file[name].chunks[0] for name in file} == {CHUNK}


def test_chosen_events_are_read_from_any_chunk(tmp_path: Path) -> None:
    whole = part(2 * BLOCK + 5)
    dataset = write(tmp_path / "a.h5", "signal", [whole])
    chosen = np.zeros(len(dataset), bool)
    chosen[[3, 2 * BLOCK, 2 * BLOCK + 4]] = True
    for name, found in dataset.read(chosen).items():
        assert np.array_equal(found, whole[name][chosen])


def test_blocks_of_a_side_hold_what_the_side_holds(tmp_path: Path) -> None:
    datasets = [
        write(tmp_path / "s.h5", "signal", [part(BLOCK + 300)]),
        write(tmp_path / "b.h5", "background", [part(2 * BLOCK + 1, first=5000)]),
    ]
    found = Selection(datasets, Split("train", CONFIG, 3, 1))
    blocks = [found.read(number) for number in range(len(found.blocks))]
    assert [len(block["key"]) for block in blocks][-1] <= 1
    split = found.all()
    assert len(found) == len(split["key"])
    for name in ("key", "label", "weight"):
        columns = np.concatenate([block[name] for block in blocks])
        assert np.array_equal(columns, split[name])
        assert np.array_equal(columns, np.concatenate([c[name] for c in found.columns()]))
    for name in TENSORS:
        assert np.array_equal(np.concatenate([block[name] for block in blocks]), split[name])
    places = np.flatnonzero(np.random.default_rng(1).random(len(found)) < 0.02)
    for name, array in found.take(places).items():
        assert np.array_equal(array, split[name][places])


def test_events_without_weight_are_on_no_side(tmp_path: Path) -> None:
    some = part(500)
    some["tag_weight"][::2] = 0
    datasets = [
        write(tmp_path / "s.h5", "signal", [part(100)]),
        write(tmp_path / "b.h5", "background", [some]),
    ]
    for split in (None, *(Split(name, CONFIG, 1, 0) for name in SPLITS)):
        split = Selection(datasets, split).all()
        assert not np.isin(split["key"][split["dataset"] == 1], some["key"][::2]).any()


def test_empty_sample_is_a_valid_dataset(tmp_path: Path) -> None:
    dataset = write(tmp_path / "a.h5", "background", [part(0)])
    assert len(dataset) == 0
    assert dataset.read(np.zeros(0, bool))["constituents"].shape == (0, 2, 5, 15)


def test_sides_are_disjoint_and_complete(tmp_path: Path) -> None:
    datasets = [
        write(tmp_path / "s.h5", "signal", [part(400)]),
        write(tmp_path / "b.h5", "background", [part(600, first=400)]),
    ]
    splits = [Selection(datasets, Split(name, CONFIG, 3, 0)).all() for name in SPLITS]
    keys = np.concatenate([split["key"] for split in splits])
    assert len(np.unique(keys)) == len(keys) == 1000
    total = sum(split["weight"].sum() for split in splits)
    assert total == pytest.approx(Selection(datasets).all()["weight"].sum())
    assert total == pytest.approx(sum(data.weight.sum() for data in datasets))
    assert set(splits[0]["dataset"][splits[0]["label"] == 1]) == {0}


def test_side_without_background_is_an_error(tmp_path: Path) -> None:
    datasets = [
        write(tmp_path / "s.h5", "signal", [part(40)]),
        write(tmp_path / "b.h5", "background", [part(0)]),
    ]
    with pytest.raises(EmptySampleError, match=r"no background event is in the test split.*b"):
        Selection(datasets, Split("test", CONFIG, 1, 0))


def test_truncated_dataset_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write(path, "signal", [part(10)])
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputFileError, match=r"a\.h5.*remove it"):
        Dataset(path)
