"""Counting what passes each cut, raw and weighted, step by step through a file."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from analysis.cutflow import Step

GENERATED = "generated"


@dataclass(frozen=True)
class CutCounts:
    """The cut flow of a file.

    Attributes
    ----------
    steps : tuple of Step
        The first one, `generated`, counts every event read.
    weights : (float, float)
        The smallest and the largest size of a generator weight other than 0; (∞, 0) without any.
    """

    steps: tuple[Step, ...]
    weights: tuple[float, float] = (math.inf, 0.0)

    @classmethod
    def of(cls, weight: np.ndarray, cuts: Mapping[str, np.ndarray]) -> Self:
        """Return the cut flow of events.

        Parameters
        ----------
        weight : np.ndarray [events]
            Generator weights.
        cuts : mapping of str to np.ndarray [events]
            What passes each cut, in the order in which they are applied.
        """
        passed = np.ones(len(weight), dtype=bool)
        steps = [_count(GENERATED, weight)]
        for name, mask in cuts.items():
            passed = passed & mask
            steps.append(_count(name, weight[passed]))
        sizes = np.abs(weight[weight != 0])
        return cls(
            tuple(steps), (float(sizes.min(initial=math.inf)), float(sizes.max(initial=0.0)))
        )

    @classmethod
    def empty(cls, names: Sequence[str]) -> Self:
        """Return the cut flow of no events."""
        return cls.of(np.zeros(0), {name: np.zeros(0, dtype=bool) for name in names})

    def to_steps(self) -> list[dict[str, Any]]:
        """Return the steps as plain dictionaries, for JSON."""
        return [step._asdict() for step in self.steps]

    def __getitem__(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    def __add__(self, other: Self) -> Self:
        """Return the cut flow of the events of both.

        Raises
        ------
        ValueError
            If the two do not have the same steps.
        """
        mine, its = ([step.name for step in flow.steps] for flow in (self, other))
        if mine != its:
            raise ValueError(f"cut flows with different steps cannot be added: {mine}, {its}")
        return type(self)(
            tuple(
                Step(a.name, a.raw + b.raw, a.sum_w + b.sum_w, a.sum_w2 + b.sum_w2)
                for a, b in zip(self.steps, other.steps, strict=True)
            ),
            (min(self.weights[0], other.weights[0]), max(self.weights[1], other.weights[1])),
        )


def _count(name: str, weight: np.ndarray) -> Step:
    return Step(name, len(weight), float(weight.sum()), float((weight**2).sum()))
