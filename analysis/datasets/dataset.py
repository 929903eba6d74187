"""Datasets: the fold an event is in, what it weighs, and the HDF5 file of a sample.

A dataset holds every event of one sample after the selection, as the padded tensors that networks
read. It holds no folds: these are a pure function of an event's key and the training's seed.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from analysis.config.dataset import Dataset as Config
from common.columns import Columns, resized
from common.errors import EmptySampleError, InputFileError
from common.files import require_space
from common.hashing import mix, name_hash, uniform

TENSORS = ("constituents", "constituent_mask", "subjets", "subjet_mask", "kinematics")
OBJECTS = ("objects", "object_mask")
"""Tensors of the whole event, which only networks that take them read; few datasets have them."""
COLUMNS = ("key", "weight", "tag_weight")
SPLITS = ("train", "validation", "test")
STREAM = 9
"""Stream of the random numbers that choose validation events, apart from those of the folds."""
CHUNK = 256
"""Events that lie together in a file."""
BLOCK = 4 * CHUNK
"""Events that are written and read at a time."""
STEP = 64 * BLOCK
"""Events whose columns, without tensors, are read at a time."""
_ROOM = 1 << 16
"""Bytes that HDF5 wants for itself: it cannot even close a file on a disk that is full."""


def event_key(sample: str, chunk: str, entry: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a 64-bit key for each event, a hash of its sample, file and entry number.

    The key depends on nothing else, so an event keeps its fold, and its random
    numbers, whatever other samples, files or events are in the run.
    """
    return mix(np.asarray(entry).astype(np.uint64) ^ name_hash(f"{sample}/{chunk}"))


def assign_fold(key: NDArray[np.uint64], seed: int, folds: int) -> NDArray[np.uint8]:
    """Return the fold of each event, 0 … `folds` − 1.

    Parameters
    ----------
    key : [N] uint64
        Keys of `event_key`.
    seed : int
        Seed of the training; another seed deals the events anew.
    folds : int
    """
    return (uniform(key, seed) * folds).astype(np.uint8)


@dataclass(frozen=True)
class Split:
    """The events that have one part in the training of a fold's network.

    Attributes
    ----------
    name : str
        "test": the events of the fold; "validation" and "train": those outside it.
    config : analysis.config.dataset.Dataset
    seed : int
        Of the training.
    fold : int
    """

    name: str
    config: Config
    seed: int
    fold: int

    def holds(self, key: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return whether each event [N] is in this split, by its key alone."""
        test = assign_fold(key, self.seed, self.config.folds) == self.fold
        if self.name == "test":
            return test
        validation = uniform(key, self.seed, STREAM) < self.config.validation
        return ~test & (validation == (self.name == "validation"))

    def __str__(self) -> str:
        return f"the {self.name} split of fold {self.fold}"


def write_dataset(path: Path, parts: Iterable[Columns], attributes: Mapping[str, Any]) -> int:
    """Write `parts` (tensors and columns of a few events each) one after the other as HDF5.

    The first part, which may be empty, tells names, types and shapes. Memory holds one part and
    one block. Returns the number of events written. `attributes` (strings, numbers, lists of
    strings) become the file's. Nothing is compressed: a training may read its events again in
    every epoch, which costs a fourth so.

    Raises
    ------
    OSError
        If the disk has no room for the next block.
    """
    count = 0
    with h5py.File(path, "w", rdcc_nbytes=0) as file:  # no cache: the next block needs no more
        file.attrs.update(attributes)
        for part in resized(_announced(file, parts), BLOCK):
            length = len(part["key"])
            chunks = math.ceil(length / CHUNK)
            rows = sum(values[:1].nbytes for values in part.values())
            require_space(path, _ROOM + chunks * CHUNK * rows)
            for name, values in part.items():
                file[name].resize(count + length, axis=0)
                file[name][count:] = values
            count += length
    return count


def _announced(file: h5py.File, parts: Iterable[Columns]) -> Iterator[Columns]:
    """Pass the parts on; the first one creates the arrays of the file."""
    for part in parts:
        for name in [name for name in part if name not in file]:  # a set has no order
            shape = part[name].shape[1:]
            file.create_dataset(
                name,
                shape=(0, *shape),
                maxshape=(None, *shape),
                chunks=(CHUNK, *shape),
                dtype=part[name].dtype,
            )
        yield part


class Dataset:
    """The dataset of one sample, read from HDF5 as its parts are asked for.

    Attributes
    ----------
    path : Path
        The file.
    attributes : dict
        `sample`, `process`, `label`, `mass_gev`, `categories`, the feature names,
        and `weights`, the columns of tag weights, where there are more than the categories.
    event_bytes : int
        Memory that `TENSORS` of one event take.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with h5py.File(path) as file:
                self.attributes = dict(file.attrs)
                self._length = min(len(file[name]) for name in (*TENSORS, *COLUMNS))
                self._bytes = {
                    name: file[name].dtype.itemsize * math.prod(file[name].shape[1:])
                    for name in (*TENSORS, *OBJECTS)
                    if name in file
                }
        except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
            raise InputFileError(
                f"dataset {path} cannot be read ({error}): remove it and run again"
            ) from None
        self.event_bytes = self.bytes_of(TENSORS)

    def bytes_of(self, tensors: Sequence[str]) -> int:
        """Return the memory that some tensors of one event take.

        Raises
        ------
        InputFileError
            If the file has no such tensor.
        """
        missing = [name for name in tensors if name not in self._bytes]
        if missing:
            raise InputFileError(
                f"dataset {self.path} has no {', '.join(missing)}: a network takes the energy flow "
                "of the whole event (`objects`), so put it into the configuration that the "
                "dataset is made with, and make it again"
            )
        return sum(self._bytes[name] for name in tensors)

    def __len__(self) -> int:
        return self._length

    @property
    def is_signal(self) -> bool:
        return bool(self.attributes["label"] == "signal")

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the tag categories, the default one first."""
        return tuple(str(name) for name in self.attributes["categories"])

    @property
    def weight_names(self) -> tuple[str, ...]:
        """Names of the columns of tag weights: the categories, and they in shifts of tag rates."""
        held = "weights" if "weights" in self.attributes else "categories"
        return tuple(str(name) for name in self.attributes[held])

    @cached_property
    def columns(self) -> Columns:
        """Key, weight and tag weights of all events: 24 bytes each with one tag category."""
        return self.rows(slice(None), COLUMNS)

    @property
    def weight(self) -> NDArray[np.float64]:
        """Physical weight [N, C] at 1 fb⁻¹ in each tag category."""
        return tagged_weight(self.columns)

    def rows(self, rows: slice, names: Sequence[str] = TENSORS) -> Columns:
        """Return the named arrays of some successive events."""
        try:
            with h5py.File(self.path) as file:
                return {name: file[name][rows] for name in names}
        except (OSError, KeyError, RuntimeError, ValueError) as error:
            raise InputFileError(
                f"dataset {self.path} cannot be read ({error}): remove it and run again"
            ) from None

    def read(self, chosen: NDArray[np.bool_]) -> Columns:
        """Return the tensors of the chosen events ([N] bool)."""
        parts = (
            {name: array[mask] for name, array in self.rows(slice(start, start + BLOCK)).items()}
            for start in range(0, len(self), BLOCK)
            if (mask := chosen[start : start + BLOCK]).any()
        )
        return next(resized(parts, int(chosen.sum())), self.rows(slice(0, 0)))

    def steps(self, size: int = 4 * BLOCK) -> Iterator[tuple[Columns, Columns]]:
        """Yield tensors and columns of `size` events at a time."""
        for start in range(0, len(self), size):
            rows = slice(start, start + size)
            yield self.rows(rows), self.rows(rows, COLUMNS)

    def column_steps(self, size: int = STEP) -> Iterator[Columns]:
        """Yield the columns alone, `size` events at a time."""
        for start in range(0, len(self), size):
            yield self.rows(slice(start, start + size), COLUMNS)


def tagged_weight(columns: Columns) -> NDArray[np.float64]:
    """Return the physical weight [N, C] in each tag category from the columns of a dataset."""
    weight: NDArray[np.float64] = columns["weight"][:, None] * columns["tag_weight"]
    return weight


def blocks_of(datasets: Sequence[Dataset]) -> NDArray[np.int64]:
    """Return index of the dataset and first row of each block of all datasets, [K, 2]."""
    starts = [range(0, len(data), BLOCK) for data in datasets]
    blocks = [(number, start) for number, rows in enumerate(starts) for start in rows]
    return np.array(blocks, dtype=np.int64).reshape(-1, 2)


class Selection:
    """The events of several samples, all or those in one split of a fold, read a block at a time.

    Events without weight in every tag category are left out.

    Attributes
    ----------
    datasets : sequence of Dataset
    blocks : ndarray [K, 2] int
        Index of the dataset and first row of each block.
    event_bytes : int
        Memory that the tensors of one event take.
    tensors : sequence of str
        Those that are read.

    Parameters
    ----------
    datasets : sequence of Dataset
    split : Split, optional
        All events, if absent.
    labels : sequence of int, optional
        Label of the events of each dataset, in place of 1 for signal and 0 for background.
    kinds : (str or None, str or None)
        What the labels 0 and 1 stand for; None where it does not matter if there are any.

    Raises
    ------
    EmptySampleError
        If there is no event of one of the labels.
    InputFileError
        If a dataset lacks one of the tensors.
    """

    def __init__(
        self,
        datasets: Sequence[Dataset],
        split: Split | None = None,
        tensors: Sequence[str] = TENSORS,
        labels: Sequence[int] | None = None,
        kinds: Sequence[str | None] = ("background", "signal"),
    ) -> None:
        self.datasets = datasets
        self.tensors = tensors
        self._labels = [data.is_signal for data in datasets] if labels is None else labels
        self.event_bytes = max(data.bytes_of(tensors) for data in datasets)
        self._split = split
        self.blocks = blocks_of(datasets)
        counts, sizes = np.zeros(2, np.int64), [np.zeros(0, np.int64)]
        for number, data in enumerate(datasets):
            for rows in data.column_steps():
                chosen, columns = self._chosen(number, rows)
                counts += np.bincount(columns["label"], minlength=2)
                sizes.append(np.add.reduceat(chosen, range(0, len(chosen), BLOCK), dtype=np.int64))
        self._starts = np.append(0, np.cumsum(np.concatenate(sizes)))
        for label, kind in enumerate(kinds):
            if kind and not counts[label]:
                of_kind = [d for d, own in zip(datasets, self._labels, strict=True) if own == label]
                samples = ", ".join(str(data.attributes["sample"]) for data in of_kind)
                raise EmptySampleError(
                    f"no {kind} event is in {split or 'any split'} (samples: {samples}): provide "
                    "more events or loosen the selection"
                )

    def __len__(self) -> int:
        return int(self._starts[-1])

    def columns(self) -> Iterator[Columns]:
        """Yield all events in their order without their tensors, many at a time.

        `key` uint64, `label` uint8 (1 = signal), `weight` [n, C] float64 (physical), `dataset`
        int16 (an index into `datasets`).
        """
        for number, data in enumerate(self.datasets):
            for columns in data.column_steps():
                yield self._chosen(number, columns)[1]

    def read(self, block: int) -> Columns:
        """Return the events of a block, at most `BLOCK`: their tensors and `columns`."""
        number, start = self.blocks[block]
        data, rows = self.datasets[number], slice(start, start + BLOCK)
        chosen, columns = self._chosen(number, data.rows(rows, COLUMNS))
        tensors = data.rows(rows, self.tensors)
        return {name: array[chosen] for name, array in tensors.items()} | columns

    def all(self) -> Columns:
        """Return all events, as `read` does for one block."""
        return next(resized(map(self.read, range(len(self.blocks))), len(self)))

    def take(self, places: NDArray[np.intp]) -> Columns:
        """Return some events by their places in the order, which must rise; see `read`."""
        block = np.searchsorted(self._starts, places, side="right") - 1

        def chosen(number: int, rows: NDArray[np.intp]) -> Columns:
            return {name: array[rows] for name, array in self.read(number).items()}

        parts = (chosen(k, places[block == k] - self._starts[k]) for k in np.unique(block))
        return next(resized(parts, len(places)), chosen(0, np.empty(0, np.intp)))

    def _chosen(self, number: int, columns: Columns) -> tuple[NDArray[np.bool_], Columns]:
        weight = tagged_weight(columns)
        chosen = (weight != 0).any(axis=1)
        if self._split is not None:
            chosen &= self._split.holds(columns["key"])
        count = int(np.count_nonzero(chosen))
        return chosen, {
            "key": columns["key"][chosen],
            "label": np.full(count, self._labels[number], np.uint8),
            "weight": weight[chosen],
            "dataset": np.full(count, number, np.int16),
        }
