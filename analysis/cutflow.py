"""Cut flows: what each chunk wrote, merged over chunks."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analysis.errors import EmptySampleError, InputFileError, NormalisationError


class Step(NamedTuple):
    """One line of a cut flow: raw count, sum of generator weights and sum of their squares."""

    name: str
    raw: int
    sum_w: float
    sum_w2: float

    @property
    def n_eff(self) -> float:
        """Effective number of events (Σw)² / Σw²."""
        return self.sum_w**2 / self.sum_w2 if self.sum_w2 else 0.0


class Cutflow(NamedTuple):
    """The merged cut flow of a sample, with the files that had to be left out."""

    sample: str
    steps: tuple[Step, ...]
    skipped: tuple[tuple[str, str], ...]

    @property
    def generated(self) -> Step:
        return self.steps[0]


def read_cutflow(path: Path) -> dict[str, Any]:
    """Return the cut flow that the reconstruction of one chunk wrote."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
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
            f"sample {sample}: the generator weights add up to {steps[0].sum_w:g}; "
            "a normalisation needs a positive sum (check `Event.Weight` of its files)"
        )
    return Cutflow(sample, steps, skipped)
