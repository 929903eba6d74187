"""From datasets to sources: the same events and weights, in memory and streamed."""

import numpy as np
import pytest

from analysis.config.dataset import Dataset as Config
from analysis.datasets.dataset import BLOCK, Dataset, Selection, Split, event_key, write_dataset
from models.networks.batch import Sample
from models.training.data import Batches
from models.training.stream import Stream
from tests.models.events import make_arrays
from workflow.pipeline.network_inputs import sources

CONFIG = Config(folds=3, validation=0.2)
MASSES = {"light": 700.0, "heavy": 1500.0, "background": np.nan}


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> list[Selection]:
    folder, datasets = tmp_path_factory.mktemp("datasets"), []
    for seed, (name, count) in enumerate(
        {"light": BLOCK + 90, "heavy": 700, "background": 2 * BLOCK}.items()
    ):
        rng = np.random.default_rng(seed)
        events = {
            **make_arrays(count, seed),
            "key": event_key(name, "0", np.arange(count)),
            "weight": rng.lognormal(0, 3, count),
            "tag_weight": rng.random((count, 2)),
        }
        label = "background" if name == "background" else "signal"
        attributes = {"sample": name, "process": name, "label": label}
        write_dataset(folder / f"{name}.h5", [events], attributes)
        datasets.append(Dataset(folder / f"{name}.h5"))
    return [Selection(datasets, Split(name, CONFIG, 1, 0)) for name in ("train", "validation")]


def epoch(source: Sample | Stream) -> list[np.ndarray]:
    """Return the batches of a shuffled epoch, one row per event."""
    return [
        np.column_stack([events.kinematics.flatten(1), label, weight])
        for events, label, weight in Batches(source, 64, 1, shuffle=True)
    ]


def test_the_memory_decides_and_changes_nothing_but_the_order(splits: list[Selection]) -> None:
    needed = sum(map(len, splits)) * splits[0].event_bytes / 1e6
    in_memory = sources(splits, 0.9, needed * 1.001)
    streamed = sources(splits, 0.9, needed * 0.999)
    assert all(isinstance(source, Sample) for source in in_memory)
    assert all(isinstance(source, Stream) for source in streamed)
    for one, other in zip(in_memory, streamed, strict=True):
        assert len(one) == len(other)
        assert one.mean_weight == pytest.approx(other.mean_weight, rel=1e-12)
        found, same = (np.concatenate(epoch(source)) for source in (one, other))
        assert not np.array_equal(found, same)
        assert np.array_equal(found[np.lexsort(found.T)], same[np.lexsort(same.T)])


def test_signals_of_several_masses_weigh_the_same_and_know_theirs(splits: list[Selection]) -> None:
    needed = sum(map(len, splits)) * splits[0].event_bytes / 1e6
    masses = np.array(list(MASSES.values()))
    for source in (sources(splits, 0.9, needed * f, masses)[0] for f in (1.001, 0.999)):
        assert source.hypotheses is not None
        assert source.hypotheses.masses.tolist() == [700.0, 1500.0]
        assert source.hypotheses.shares == pytest.approx([0.5, 0.5], rel=1e-5)
        mass, label, weight = (
            np.concatenate(arrays)
            for arrays in zip(
                *((e.mass, y, w) for e, y, w in Batches(source, 64, 1, shuffle=True)), strict=True
            )
        )
        assert set(mass) == {700.0, 1500.0}
        sums = [weight[(label == 1) & (mass == m)].sum() for m in (700.0, 1500.0)]
        assert sums[0] == pytest.approx(sums[1], rel=1e-4)
        assert weight[label == 1].sum() == pytest.approx(len(source) / 2, rel=1e-4)
