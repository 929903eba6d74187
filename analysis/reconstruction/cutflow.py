"""Cut flows: what passes each cut of a file, and the sums over all files of a sample."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from common.errors import EmptySampleError, InputFileError, NormalisationError
from common.weights import effective_number_of_sums

STRATUM = "b hadrons"
"""The step of samples that keep numbers of b hadrons."""
WEIGHT_FACTOR = 2.0
"""Cross sections of one process differ by less from file to file."""


class Step(NamedTuple):
    """One line of a cut flow: raw count, sum of generator weights and sum of their squares."""

    name: str
    raw: int
    sum_w: float
    sum_w2: float

    @property
    def n_eff(self) -> float:
        """Effective number of events (Σw)² / Σw²."""
        return float(effective_number_of_sums(self.sum_w, self.sum_w2))


class Cutflow(NamedTuple):
    """The merged cut flow of a sample.

    Attributes
    ----------
    skipped : tuple of (file, reason)
        Files that had to be left out.
    first_events : tuple of (digest, file)
        Digest of the first event of each file that was read
        (`analysis.delphes.reader.first_event`).
    remarks : tuple of str
        What is odd about its files, in words.
    """

    sample: str
    steps: tuple[Step, ...]
    skipped: tuple[tuple[str, str], ...]
    first_events: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def generated(self) -> Step:
        return self.steps[0]


def read_cutflow(path: Path) -> dict[str, Any]:
    """Return the cut flow that the reconstruction of one chunk wrote."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputFileError(
            f"cut flow {path} cannot be read ({error}): remove it and run again"
        ) from None
    return found


def merge(sample: str, chunks: Sequence[dict[str, Any]]) -> Cutflow:
    """Add the cut flows of all chunks of a sample.

    Raises
    ------
    EmptySampleError
        If every file of the sample was skipped.
    InputFileError
        If two files begin with the same event.
    NormalisationError
        If the sum of all generator weights is not positive.
    """
    read = [chunk for chunk in chunks if chunk["status"] == "read"]
    skipped = tuple(
        (chunk["file"], chunk["reason"]) for chunk in chunks if chunk["status"] == "skipped"
    )
    if not read:
        raise EmptySampleError(
            f"sample {sample}: all {len(skipped)} files were skipped; the first, {skipped[0][0]}: "
            f"{skipped[0][1]}"
        )
    steps = tuple(
        Step(
            rows[0]["name"],
            sum(row["raw"] for row in rows),
            float(np.sum([row["sum_w"] for row in rows])),
            float(np.sum([row["sum_w2"] for row in rows])),
        )
        for rows in zip(*(chunk["steps"] for chunk in read), strict=True)
    )
    if not steps[0].sum_w > 0:
        raise NormalisationError(
            f"sample {sample}: the generator weights add up to {steps[0].sum_w:g} over all "
            f"{len(read)} files; a normalisation needs a positive sum (check `Event.Weight` of its "
            "files)"
        )
    firsts = [(chunk.get("first_event", ""), chunk["file"]) for chunk in read]
    first_events = tuple((digest, file) for digest, file in firsts if digest)
    require_distinct([(sample, first_events)])
    return Cutflow(sample, steps, skipped, first_events, tuple(_differing_weights(read)))


def _differing_weights(chunks: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Say so where the weights of one file are a multiple of another's, all of them."""
    known = [(*chunk["weights"], chunk["file"]) for chunk in chunks if chunk.get("weights")]
    if not known:
        return
    least, most = min(known), max(known)
    factor = min(most[0] / least[0], most[1] / least[1])
    if factor > WEIGHT_FACTOR:
        yield (
            f"the generator weights of {most[2]} are {factor:.3g} times those of {least[2]}: files "
            "of one sample need one normalisation of the weights (MadGraph's event_norm); else "
            "some files count for more than their events"
        )


def require_distinct(samples: Iterable[tuple[str, Iterable[tuple[str, str]]]]) -> None:
    """Raise an InputFileError if two files of some samples begin with the same event.

    Parameters
    ----------
    samples : iterable of (name, first events)
        As in `Cutflow.first_events`.
    """
    seen: dict[str, tuple[str, str]] = {}
    for sample, first_events in samples:
        for digest, file in first_events:
            if digest in seen:
                other, source = seen[digest]
                raise InputFileError(
                    f"{file} (sample {sample}) and {source} (sample {other}) begin with the same "
                    "generated event: they were made with the same seeds, or one is a part of the "
                    "other; leave one of them out"
                )
            seen[digest] = sample, file


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
