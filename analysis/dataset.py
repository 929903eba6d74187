"""Datasets: which side of the split an event is on, what it weighs, and the HDF5 file of a sample.

A dataset holds every event of one sample behind the selection, as the padded tensors that networks
read. It holds no split: the split is a pure function of an event's key and the training's seed.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from analysis.config.dataset import Split
from analysis.errors import EmptySampleError, InputFileError
from analysis.hashing import mix, name_hash, uniform

TENSORS = ("constituents", "constituent_mask", "subjets", "subjet_mask", "kinematics")
COLUMNS = ("key", "weight", "tag_weight")
SPLITS = ("train", "validation", "test")


def event_key(sample: str, chunk: str, entry: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a 64-bit key for each event, a hash of its sample, file and entry number.

    The key depends on nothing else, so an event keeps its side of the split, and its random
    numbers, whatever other samples, files or events are in the run.
    """
    return mix(np.asarray(entry).astype(np.uint64) ^ name_hash(f"{sample}/{chunk}"))


def assign_split(key: NDArray[np.uint64], seed: int, split: Split) -> NDArray[np.uint8]:
    """Return the side of each event: 0 train, 1 validation, 2 test (index into `SPLITS`).

    Parameters
    ----------
    key : [N] uint64
        Keys of `event_key`.
    seed : int
        Seed of the training; another seed is another split.
    split : Split
        The fractions.
    """
    edges = np.cumsum([split.train, split.validation])
    return np.searchsorted(edges, uniform(key, seed), side="right").astype(np.uint8)


def training_weights(
    label: NDArray[np.uint8], weight: NDArray[np.float64], cap_quantile: float
) -> NDArray[np.float32]:
    """Return the weights of the loss: mean one, signal and background with equal sums.

    Within the background the absolute physical weights are capped at a quantile, so that no
    event dominates a batch; within the signal they are used as they are.

    Parameters
    ----------
    label : [N] uint8
        1 for signal, 0 for background.
    weight : [N] float64
        Physical weights; negative ones (NLO generators) count with their size.
    cap_quantile : float
        Quantile of the background's weights at which they are capped.

    Raises
    ------
    EmptySampleError
        If there is no signal or no background with weight.
    """
    size = np.abs(weight)
    result = np.zeros(len(size))
    for value, name in ((1, "signal"), (0, "background")):
        chosen = label == value
        values = size[chosen]
        if value == 0 and len(values):
            values = np.minimum(values, np.quantile(values[values > 0], cap_quantile))
        if not values.sum() > 0:
            raise EmptySampleError(
                f"no {name} event is left for training: provide more events or loosen the selection"
            )
        result[chosen] = values / values.sum() * len(size) / 2
    return result.astype(np.float32)


def write_dataset(
    path: Path, parts: Iterator[Mapping[str, np.ndarray]], attributes: Mapping[str, Any]
) -> int:
    """Append `parts` (tensors and columns of a few events each) to a new HDF5 file.

    Memory holds one part at a time. Returns the number of events written. `attributes` (strings,
    numbers, lists of strings) become the file's.
    """
    count = 0
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes)
        for part in parts:
            length = len(part["key"])
            for name, values in part.items():
                if name not in file:
                    file.create_dataset(
                        name,
                        shape=(0, *values.shape[1:]),
                        maxshape=(None, *values.shape[1:]),
                        chunks=(min(1024, max(length, 1)), *values.shape[1:]),
                        dtype=values.dtype,
                        compression="lzf",
                    )
                file[name].resize(count + length, axis=0)
                file[name][count:] = values
            count += length
    return count


class Dataset:
    """The dataset of one sample, read from HDF5 as its parts are asked for.

    Attributes
    ----------
    path : Path
        The file.
    attributes : dict
        `sample`, `process`, `label`, `mass_gev`, `categories` and the feature names.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with h5py.File(path) as file:
                self.attributes = dict(file.attrs)
                self.columns = {name: file[name][:] for name in COLUMNS}
        except (OSError, KeyError) as error:
            raise InputFileError(
                f"dataset {path} cannot be read ({error}): remove it and run again"
            ) from None

    def __len__(self) -> int:
        return len(self.columns["key"])

    @property
    def is_signal(self) -> bool:
        return bool(self.attributes["label"] == "signal")

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the tag categories, the default one first."""
        return tuple(str(name) for name in self.attributes["categories"])

    @property
    def weight(self) -> NDArray[np.float64]:
        """Physical weight [N, C] at the configured luminosity in each tag category."""
        weight: NDArray[np.float64] = self.columns["weight"][:, None] * self.columns["tag_weight"]
        return weight

    def read(self, chosen: NDArray[np.bool_]) -> dict[str, np.ndarray]:
        """Return the tensors of the chosen events ([N] bool)."""
        with h5py.File(self.path) as file:
            return {name: file[name][:][chosen] for name in TENSORS}

    def steps(
        self, size: int = 5000
    ) -> Iterator[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
        """Yield tensors and columns of `size` events at a time."""
        with h5py.File(self.path) as file:
            for start in range(0, len(self), size):
                rows = slice(start, start + size)
                tensors = {name: file[name][rows] for name in TENSORS}
                yield tensors, {name: found[rows] for name, found in self.columns.items()}


class Side(NamedTuple):
    """The events of several samples on one side of a split.

    Attributes
    ----------
    tensors : dict of arrays [N, ...]
        Network inputs by their names in the dataset.
    key : [N] uint64
    label : [N] uint8
        1 for signal, 0 for background.
    weight : [N, C] float64
        Physical weights in each tag category, the default one first, divided by the side's
        fraction: each side alone estimates all yields.
    sample, process : [N] str
    """

    tensors: dict[str, np.ndarray]
    key: NDArray[np.uint64]
    label: NDArray[np.uint8]
    weight: NDArray[np.float64]
    sample: NDArray[np.str_]
    process: NDArray[np.str_]


def read_side(datasets: Sequence[Dataset], seed: int, split: Split, side: str) -> Side:
    """Return the weighted events of all `datasets` on one side (of `SPLITS`) of a seed's split.

    Raises
    ------
    EmptySampleError
        If no signal or no background event is on this side.
    """
    parts = []
    for dataset in datasets:
        key, weight = dataset.columns["key"], dataset.weight
        on_side = assign_split(key, seed, split) == SPLITS.index(side)
        chosen = on_side & (weight != 0).any(axis=1)
        count = int(chosen.sum())
        parts.append(
            Side(
                dataset.read(chosen),
                key[chosen],
                np.full(count, dataset.is_signal, np.uint8),
                weight[chosen] / getattr(split, side),
                np.full(count, dataset.attributes["sample"]),
                np.full(count, dataset.attributes["process"]),
            )
        )
    for is_signal, name in ((True, "signal"), (False, "background")):
        of_kind = [n for n, data in enumerate(datasets) if data.is_signal == is_signal]
        if not sum(len(parts[n].key) for n in of_kind):
            samples = ", ".join(str(datasets[n].attributes["sample"]) for n in of_kind)
            raise EmptySampleError(
                f"no {name} event is on the {side} side of the split (samples: {samples}): "
                "provide more events or loosen the selection"
            )
    return Side(
        {name: np.concatenate([part.tensors[name] for part in parts]) for name in TENSORS},
        *(np.concatenate(column) for column in zip(*(part[1:] for part in parts), strict=True)),
    )
