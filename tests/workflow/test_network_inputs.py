"""From datasets to sources: the same events and weights, in memory and streamed."""

import numpy as np
import pytest

from analysis.config.dataset import Split
from analysis.dataset import BLOCK, Dataset, Selection, event_key, write_dataset
from models.batch import Sample
from models.data import Batches
from models.stream import Stream
from tests.models.events import make_arrays
from workflow.network_inputs import sources

SPLIT = Split(train=0.5, validation=0.2, test=0.3)


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> list[Selection]:
    folder, datasets = tmp_path_factory.mktemp("datasets"), []
    for seed, (name, count) in enumerate({"signal": BLOCK + 90, "background": 2 * BLOCK}.items()):
        rng = np.random.default_rng(seed)
        events = {
            **make_arrays(count, seed),
            "key": event_key(name, "0", np.arange(count)),
            "weight": rng.lognormal(0, 3, count),
            "tag_weight": rng.random((count, 2)),
        }
        attributes = {"sample": name, "process": name, "label": name}
        write_dataset(folder / f"{name}.h5", [events], attributes)
        datasets.append(Dataset(folder / f"{name}.h5"))
    return [Selection(datasets, 1, SPLIT, name) for name in ("train", "validation")]


def epoch(source: Sample | Stream) -> list[np.ndarray]:
    """Return the batches of a shuffled epoch, one row per event."""
    return [
        np.column_stack([events.kinematics.flatten(1), label, weight])
        for events, label, weight in Batches(source, 64, 1, shuffle=True)
    ]


def test_the_memory_decides_and_changes_nothing_but_the_order(sides: list[Selection]) -> None:
    needed = sum(map(len, sides)) * sides[0].event_bytes / 1e6
    in_memory = sources(sides, 0.9, needed * 1.001)
    streamed = sources(sides, 0.9, needed * 0.999)
    assert all(isinstance(source, Sample) for source in in_memory)
    assert all(isinstance(source, Stream) for source in streamed)
    for one, other in zip(in_memory, streamed, strict=True):
        assert len(one) == len(other)
        assert one.mean_weight == pytest.approx(other.mean_weight, rel=1e-12)
        found, same = (np.concatenate(epoch(source)) for source in (one, other))
        assert not np.array_equal(found, same)
        assert np.array_equal(found[np.lexsort(found.T)], same[np.lexsort(same.T)])
