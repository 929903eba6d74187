"""Cut flows: what passes each cut of a file, and the sums over all files of a sample."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from common.errors import EmptySampleError, InputFileError, NormalisationError
from common.weights import effective_number_of_sums

GENERATED = "generated"
B_HADRONS = "b hadrons"
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


def added(flows: Sequence[Sequence[Step]]) -> tuple[Step, ...]:
    """Return the sums of cut flows with the same steps.

    Raises
    ------
    ValueError
        If their steps differ.

    Examples
    --------
    >>> added([[Step("eta", 2, 3.0, 5.0)], [Step("eta", 1, 1.0, 1.0)]])
    (Step(name='eta', raw=3, sum_w=4.0, sum_w2=6.0),)
    """
    names = [[step.name for step in flow] for flow in flows]
    if any(other != names[0] for other in names):
        raise ValueError(f"cut flows with different steps cannot be added: {names}")
    return tuple(
        Step(
            steps[0].name,
            sum(step.raw for step in steps),
            float(np.sum([step.sum_w for step in steps])),
            float(np.sum([step.sum_w2 for step in steps])),
        )
        for steps in zip(*flows, strict=True)
    )


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
    n_minus_one : tuple of Step
        What passes all cuts but the one that gives the name.
    """

    sample: str
    steps: tuple[Step, ...]
    skipped: tuple[tuple[str, str], ...]
    first_events: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()
    n_minus_one: tuple[Step, ...] = ()

    @property
    def generated(self) -> Step:
        return self.steps[0]


def read_cutflow(path: Path) -> dict[str, Any]:
    """Return the cut flow that the reconstruction of one chunk wrote."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputFileError(
            f"cut flow {path} cannot be read ({error}): remove it and run again"
        ) from None
    return content


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
    steps, n_minus_one = (
        added([[Step(**row) for row in chunk[name]] for chunk in read])
        for name in ("steps", "n_minus_one")
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
    remarks = tuple(_differing_weights(read))
    return Cutflow(sample, steps, skipped, first_events, remarks, n_minus_one)


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
