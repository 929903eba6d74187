"""What passes the cuts of one file, by coffea's `PackedSelection`; counts of chunks add up.

Apart from `cutflow.py`, as the import of coffea takes half a second that only the jobs which apply
cuts should spend.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from coffea.analysis_tools import PackedSelection
from numpy.typing import NDArray

from analysis.reconstruction.cutflow import GENERATED, Step, added


@dataclass(frozen=True)
class CutCounts:
    """The cut flow of a file.

    Attributes
    ----------
    steps : tuple of Step
        The first one, `generated`, counts every event read.
    n_minus_one : tuple of Step
        What passes all cuts but the one that gives the name.
    weights : (float, float)
        The smallest and the largest size of a generator weight other than 0; (∞, 0) without any.
    """

    steps: tuple[Step, ...]
    n_minus_one: tuple[Step, ...]
    weights: tuple[float, float] = (math.inf, 0.0)

    @classmethod
    def of(
        cls,
        weight: NDArray[np.float64],
        cuts: Mapping[str, NDArray[np.bool_]],
        prerequisites: Sequence[str] = (),
    ) -> Self:
        """Return the cut flow of events.

        Parameters
        ----------
        weight : NDArray, [N]
            Generator weights.
        cuts : mapping of str to NDArray of bool, [N]
            What passes each cut, in the order in which they are applied.
        prerequisites : sequence of str
            Cuts without which others are not defined; these are never left out.
        """
        selection = PackedSelection()
        for name, mask in cuts.items():
            selection.add(name, mask)
        passing = selection.cutflow(*cuts).result().maskscutflow
        without = zip(cuts, selection.nminusone(*cuts).result().masks, strict=False)
        sizes = np.abs(weight[weight != 0])
        return cls(
            (_count(GENERATED, weight), *_counts(weight, zip(cuts, passing, strict=True))),
            _counts(weight, ((name, mask) for name, mask in without if name not in prerequisites)),
            (float(sizes.min(initial=math.inf)), float(sizes.max(initial=0.0))),
        )

    @classmethod
    def empty(cls, names: Sequence[str], prerequisites: Sequence[str] = ()) -> Self:
        """Return the cut flow of no events."""
        nothing = {name: np.zeros(0, dtype=bool) for name in names}
        return cls.of(np.zeros(0), nothing, prerequisites)

    def to_json(self) -> dict[str, list[dict[str, Any]]]:
        """Return the counts as JSON types."""
        return {
            "steps": [step._asdict() for step in self.steps],
            "n_minus_one": [step._asdict() for step in self.n_minus_one],
        }

    def __getitem__(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    def __add__(self, other: Self) -> Self:
        """Return the cut flow of the events of both.

        Raises
        ------
        ValueError
            If the two do not have the same steps.
        """
        return type(self)(
            added([self.steps, other.steps]),
            added([self.n_minus_one, other.n_minus_one]),
            (min(self.weights[0], other.weights[0]), max(self.weights[1], other.weights[1])),
        )


def _counts(
    weight: NDArray[np.float64], masks: Iterable[tuple[str, NDArray[np.bool_]]]
) -> tuple[Step, ...]:
    return tuple(_count(name, weight[mask]) for name, mask in masks)


def _count(name: str, weight: NDArray[np.float64]) -> Step:
    return Step(name, len(weight), float(weight.sum()), float((weight**2).sum()))
