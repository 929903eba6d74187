"""Single fat jets with their labels and weights: of the run's datasets, or of the public files."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.config.dataset import Dataset as DatasetConfig
from analysis.datasets.dataset import BLOCK, STEP, TENSORS, Dataset, Split, blocks_of
from common.columns import Columns, resized
from common.errors import EmptySampleError
from common.features import KINEMATIC_FEATURES
from models.config.specs_jets import JetTask
from models.networks.jets import single_jets

PT = KINEMATIC_FEATURES.index("pt")


@dataclass(frozen=True)
class Jets:
    """Single fat jets, read a block at a time, as `analysis.datasets.dataset.Selection` has events.

    Attributes
    ----------
    datasets : sequence of Dataset
    part : callable
        From a dataset and some of its rows to the jets that are chosen: `label` [N] uint8 (its
        class; of two, 1 is signal), `weight` [N, 1] float64 (physical weights before b tags; 1 for
        the public files) and, if wanted, the tensors [N, 1, …].
    event_bytes : int
        Memory that the tensors of one jet take.
    """

    datasets: Sequence[Dataset]
    part: Callable[[Dataset, slice, bool], Columns]
    event_bytes: int

    @cached_property
    def blocks(self) -> NDArray[np.int64]:
        """Index of the dataset and first row of each block, [K, 2]."""
        return blocks_of(self.datasets)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Number of jets of each label, which is a byte: background, signal."""
        return sum(
            (np.bincount(part["label"], minlength=256) for part in self.columns()),
            np.zeros(256, np.int64),
        )

    def __len__(self) -> int:
        return int(self.counts.sum())

    def columns(self) -> Iterator[Columns]:
        """Yield all jets in their order without their tensors, many at a time."""
        for data in self.datasets:
            for start in range(0, len(data), STEP):
                yield self.part(data, slice(start, start + STEP), False)

    def read(self, block: int) -> Columns:
        """Return the jets of a block."""
        number, start = self.blocks[block]
        return self.part(self.datasets[number], slice(start, start + BLOCK), True)

    def all(self) -> Columns:
        """Return all jets, as `read` does for one block."""
        return next(self.steps(len(self)))

    def steps(self, size: int) -> Iterator[Columns]:
        """Yield all jets in their order, `size` at a time."""
        return resized(map(self.read, range(len(self.blocks))), size)


def jets_of_events(
    datasets: Sequence[Dataset],
    task: JetTask,
    split: str,
    seed: int,
    config: DatasetConfig,
    pt_range: tuple[float, float] = (0.0, np.inf),
) -> Jets:
    """Return both fat jets of all events in one split of a seed's first fold.

    A tagger is trained once a seed: it learns outside that fold and is tested in it.

    Parameters
    ----------
    datasets : sequence of Dataset
        Of the processes of the task.
    task : JetTask
    split : str
        train, validation or test.
    seed : int
    config : analysis.config.dataset.Dataset
    pt_range : (low, high)
        Of the jets [GeV].

    Raises
    ------
    EmptySampleError
        If no jet of the signal or of the background is left.
    """

    def part(data: Dataset, rows: slice, with_tensors: bool) -> Columns:
        columns = data.rows(rows, ("key", "weight", "kinematics"))
        weight = columns["weight"]
        chosen = Split(split, config, seed, fold=0).holds(columns["key"]) & (weight != 0)
        momentum = columns["kinematics"][chosen, :2, PT].ravel()
        kept = (momentum >= pt_range[0]) & (momentum < pt_range[1])
        is_signal = str(data.attributes["process"]) in task.signal
        columns_of_jets = {
            "label": np.full(int(kept.sum()), is_signal, np.uint8),
            "weight": np.repeat(weight[chosen], 2)[kept, None],
        }
        if with_tensors:
            jets = single_jets({n: array[chosen] for n, array in data.rows(rows).items()})
            columns_of_jets |= {name: array[kept] for name, array in jets.items()}
        return columns_of_jets

    jets = Jets(datasets, part, datasets[0].event_bytes // 2)
    for kind, name in ((1, "signal"), (0, "background")):
        if not jets.counts[kind]:
            raise EmptySampleError(
                f"jets.tasks {task.name}: no {name} jet is in the {split} split; "
                "provide more events or widen jets.pt_min_gev and jets.pt_max_gev"
            )
    return jets


def jets_of_file(path: Path) -> Jets:
    """Return the jets of a file that rule top_tagging or jet_class wrote."""

    def part(data: Dataset, rows: slice, with_tensors: bool) -> Columns:
        columns_of_jets = data.rows(rows, ("label", "weight", *(TENSORS if with_tensors else ())))
        return columns_of_jets | {"weight": columns_of_jets["weight"][:, None]}

    dataset = Dataset(path)
    return Jets([dataset], part, dataset.event_bytes)


def jets_of_split(files: Sequence[Path], split: str) -> Jets:
    """Return the jets of the one of these public files that holds a split."""
    return jets_of_file(next(p for p in files if Dataset(p).attributes["sample"] == split))


def read_split_of_jets(
    sources: Sequence[Path],
    task: JetTask | None,
    split: str,
    seed: int,
    config: DatasetConfig,
    pt_range: tuple[float, float],
) -> Jets:
    """Return the jets of one split: of datasets for a task, else of the file named by the split."""
    if task is None:
        return jets_of_split(sources, split)
    return jets_of_events([Dataset(path) for path in sources], task, split, seed, config, pt_range)
