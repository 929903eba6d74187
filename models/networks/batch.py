"""The input of a network, and how batches of it are fetched from arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from common.columns import Columns
from common.errors import ModelError
from models.networks.hypotheses import Hypotheses


@dataclass(frozen=True)
class Batch:
    """B events with J jets each: the only thing that a network sees.

    Attributes
    ----------
    constituents : Tensor [B, J, N, F] float32
        Constituent features, leading in pT first.
    constituent_mask : Tensor [B, J, N] bool
        True where there is a constituent, False where there is padding.
    subjets : Tensor [B, J, S, G] float32
    subjet_mask : Tensor [B, J, S] bool
    kinematics : Tensor [B, T, 6] float32
        (m, η, φ, pT, E, θ) of fat jet 1, fat jet 2 and their sum; of the jet alone where J = 1.
        GeV and radians.
    mass : Tensor [B] float32, optional
        Mass hypothesis m_H in GeV, of networks for all masses.
    objects : Tensor [B, M, F] float32, optional
        Features of the energy-flow objects of the whole event, leading in pT first, of networks
        that take them.
    object_mask : Tensor [B, M] bool, optional
    """

    constituents: Tensor
    constituent_mask: Tensor
    subjets: Tensor
    subjet_mask: Tensor
    kinematics: Tensor
    mass: Tensor | None = None
    objects: Tensor | None = None
    object_mask: Tensor | None = None

    def __len__(self) -> int:
        return len(self.kinematics)

    @classmethod
    def of_kinematics(cls, kinematics: Tensor, mass: Tensor | None = None) -> Batch:
        """Return a batch of events of which no more is known: without constituents or subjets."""
        nothing = kinematics.new_empty(len(kinematics), kinematics.shape[1] - 1, 0, 0)
        absent = nothing.bool().flatten(2)
        return cls(nothing, absent, nothing, absent, kinematics, mass)

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on `device`."""
        return self._each(lambda x: x.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """Return a copy in memory from which a GPU fetches while it computes."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        present = {name: value for name, value in vars(self).items() if value is not None}
        return Batch(**{name: change(x) for name, x in present.items()})

    def jet(self, index: int) -> Jet:
        """Return jet `index` of every event."""
        return Jet(
            self.constituents[:, index],
            self.constituent_mask[:, index],
            self.subjets[:, index],
            self.subjet_mask[:, index],
            self.kinematics[:, index],
        )

    def exchanged(self) -> Batch:
        """Return the events with fat jets 1 and 2 in each other's place; their sum stays."""
        swapped = {name: getattr(self, name) for name in NAMES}
        return self.replace(
            **{name: torch.cat([x[:, 1:2], x[:, :1], x[:, 2:]], 1) for name, x in swapped.items()}
        )

    def replace(self, **tensors: Tensor) -> Batch:
        """Return a copy with some tensors exchanged."""
        return replace(self, **tensors)


NAMES = tuple(field.name for field in fields(Batch) if field.default is MISSING)
OBJECTS = ("objects", "object_mask")
"""The arrays of the whole event, which not every dataset has."""


@dataclass(frozen=True)
class Jet:
    """One jet of every event: the tensors of `Batch` without the axis J."""

    constituents: Tensor
    constituent_mask: Tensor
    subjets: Tensor
    subjet_mask: Tensor
    kinematics: Tensor


class Events:
    """Events in arrays, fetched by index: in memory (NumPy) or lazily (h5py, memory maps).

    Parameters
    ----------
    arrays : mapping of array-likes
        At least the five names of `Batch`, and `OBJECTS` if the network takes them; each
        array-like takes a sorted index array.
    rows : ndarray of int, optional
        The rows of the arrays that make up this set, in any order; all by default.

    Raises
    ------
    ModelError
        If an array is missing, or the arrays differ in length.
    """

    def __init__(self, arrays: Mapping[str, Any], rows: np.ndarray | None = None) -> None:
        missing = [name for name in NAMES if name not in arrays]
        if missing:
            raise ModelError(
                f"the dataset has no array {', '.join(missing)}; a network needs {', '.join(NAMES)}"
            )
        self._arrays = {name: arrays[name] for name in (*NAMES, *OBJECTS) if name in arrays}
        lengths = {name: len(array) for name, array in self._arrays.items()}
        if len(set(lengths.values())) > 1:
            raise ModelError(f"the dataset's arrays differ in length: {lengths}; write it again")
        self._rows = np.arange(lengths["kinematics"]) if rows is None else np.asarray(rows)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays, in the order of `Batch`."""
        return tuple(self._arrays)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each array without the axis of events."""
        return {name: tuple(array.shape[1:]) for name, array in self._arrays.items()}

    def __getitem__(self, indices: np.ndarray | slice) -> Batch:
        """Return the events at `indices` of this set, in that order."""
        columns = self.columns(indices)
        return Batch(**{name: torch.from_numpy(array) for name, array in columns.items()})

    def columns(self, indices: np.ndarray | slice) -> Columns:
        """Return the arrays of the events at `indices` of this set, in that order."""
        rows = self._rows[indices]
        return {name: self._take(name, rows) for name in self._arrays}

    def _take(self, name: str, rows: np.ndarray) -> np.ndarray:
        stored = self._arrays[name]
        if isinstance(stored, np.ndarray):
            array = stored[rows]
        else:  # files want increasing rows
            order = np.argsort(rows, kind="stable")
            array = np.empty((len(rows), *stored.shape[1:]), stored.dtype)
            array[order] = stored[rows[order]]
        return array.astype(bool if name.endswith("_mask") else np.float32, copy=False)

    def array(self, name: str) -> np.ndarray:
        """Return the whole of one array of this set."""
        return np.asarray(self._arrays[name][:])[self._rows]


@dataclass(frozen=True)
class Sample:
    """Events, in memory or fetched by index, with what the training needs to know of them.

    Attributes
    ----------
    events : Events
    label : ndarray [N]
        1 for signal, 0 for background.
    weight : ndarray [N] float64
        Training weights, not negative.
    mass : ndarray [N], optional
        For one network for all m_H: m_H of signal events in GeV, NaN for background.
    """

    events: Events
    label: np.ndarray
    weight: np.ndarray
    mass: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not len(self.events) == len(self.label) == len(self.weight):
            raise ModelError(
                f"{len(self.events)} events with {len(self.label)} labels and "
                f"{len(self.weight)} weights: these must be equally many"
            )
        if not np.isfinite(self.weight).all() or (np.asarray(self.weight) < 0).any():
            raise ModelError("training weights must be finite and not negative")
        for value, kind in ((0, "background"), (1, "signal")):
            if not np.asarray(self.weight)[np.asarray(self.label) == value].sum() > 0:
                raise ModelError(
                    f"no {kind} event with a positive weight is left to train on or to validate "
                    "with; give more events, or loosen the selection"
                )
        if self.mass is not None and not np.isfinite(self.mass[np.asarray(self.label) == 1]).all():
            raise ModelError("signal events without a mass: give each signal sample its mass_gev")

    def __len__(self) -> int:
        return len(self.label)

    @property
    def mean_weight(self) -> float:
        """Mean of the training weights."""
        return float(np.asarray(self.weight, dtype=np.float64).mean())

    @cached_property
    def hypotheses(self) -> Hypotheses | None:
        """The masses that background events draw from; None where none are used."""
        if self.mass is None:
            return None
        signal = np.asarray(self.label) == 1
        weight = np.asarray(self.weight, dtype=np.float64)[signal]
        return Hypotheses.of_signal(np.asarray(self.mass)[signal], weight)

    def batches(self, size: int, rng: np.random.Generator, shuffle: bool) -> Iterator[Columns]:
        """Yield all events once, `size` at a time: the arrays of `Batch`, `label` and `weight`.

        In their order, or in a random one. `mass`, NaN for background, is added where the sample
        has masses.
        """
        order = rng.permutation(len(self)) if shuffle else np.arange(len(self))
        own = {"label": np.asarray(self.label), "weight": np.asarray(self.weight)}
        if self.mass is not None:
            own["mass"] = np.asarray(self.mass)
        for start in range(0, len(self), size):
            rows = order[start : start + size]
            yield self.events.columns(rows) | {name: array[rows] for name, array in own.items()}
