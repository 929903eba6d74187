"""What an event of a sample weighs: its cross section over the sum over all generated."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from analysis.config.samples import Sample
from analysis.reconstruction.cutflow import Cutflow, Step
from common.errors import NormalisationError
from common.tables import read_json

# 1 pb = 1000 fb
FB_PER_PB = 1000.0
# σ(gg → H → hh) that signal yields are given for [pb]: 1 fb
SIGNAL_CROSS_SECTION_PB = 1e-3
_FLOWS = ("steps", "n_minus_one")


@dataclass(frozen=True)
class Normalisation:
    """The normalisation of one sample, with the cut flow that it comes from.

    Attributes
    ----------
    sample : str
    cross_section_pb, cross_section_error_pb : float
        Of what was generated [pb]; the error is the generator's, zero where it is not known.
    scale : float
        Expected events per unit of generator weight at 1 fb⁻¹, σ · k / Σw [fb].
    steps : tuple of Step
        Merged cut flow; the first step holds all generated events.
    skipped : tuple of (file, reason)
        Files that had to be left out.
    first_events, remarks, n_minus_one : tuple
        As in `analysis.reconstruction.cutflow.Cutflow`.
    """

    sample: str
    cross_section_pb: float
    cross_section_error_pb: float
    scale: float
    steps: tuple[Step, ...]
    skipped: tuple[tuple[str, str], ...]
    first_events: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()
    n_minus_one: tuple[Step, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        flows = {name: [step._asdict() for step in getattr(self, name)] for name in _FLOWS}
        return {**asdict(self), **flows}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what `to_json` gave, from a file; of an earlier run it may lack N−1 counts."""
        content = read_json(path)
        for name in _FLOWS:
            content[name] = tuple(Step(**step) for step in content.get(name, ()))
        for name in ("skipped", "first_events"):
            content[name] = tuple((one, other) for one, other in content[name])
        content["remarks"] = tuple(content["remarks"])
        return cls(**content)


def generated_cross_section(chunks: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Return σ [pb] of a simulated sample and its error from the metadata of its chunks.

    Every chunk estimates the same σ; they are averaged with the number of events generated.

    Examples
    --------
    >>> one = {"cross_section_pb": 2.0, "cross_section_error_pb": 0.3, "generated": {"events": 9}}
    >>> sigma, error = generated_cross_section([one, one | {"cross_section_pb": 4.0}])
    >>> round(sigma, 4), round(error, 4)
    (3.0, 0.2121)
    """
    events = np.array([chunk["generated"]["events"] for chunk in chunks], dtype=float)
    share = events / events.sum()
    sigma = np.array([chunk["cross_section_pb"] for chunk in chunks])
    error = np.array([chunk["cross_section_error_pb"] for chunk in chunks])
    return float(share @ sigma), float(np.sqrt(share**2 @ error**2))


def normalise(
    sample: Sample,
    cutflow: Cutflow,
    metadata: Sequence[dict[str, Any]],
    branching_ratio_hbb: float,
) -> Normalisation:
    """Return the normalisation of a sample, at 1 fb⁻¹: no training depends on the luminosity.

    A signal's is that of σ(gg → H → hh) = 1 fb times BR(h → bb)²; a background's cross section is
    that of the configuration or, for a simulated one, the generator's.

    Parameters
    ----------
    sample : Sample
    cutflow : Cutflow
        Merged over the files that were read.
    metadata : sequence of dict
        What the simulation wrote beside each chunk; empty for a sample of files.
    branching_ratio_hbb : float

    Raises
    ------
    NormalisationError
        If the cross section is not positive and finite.
    """
    error = 0.0
    if sample.label == "signal":
        sigma = SIGNAL_CROSS_SECTION_PB * branching_ratio_hbb**2
    elif metadata:
        sigma, error = generated_cross_section(metadata)
    else:
        sigma = sample.cross_section_pb or 0.0
    if not (np.isfinite(sigma) and sigma > 0):
        raise NormalisationError(
            f"sample {sample.name}: its cross section is {sigma} pb; it must be positive (the "
            "generator may have made no event: look at results/samples/)"
        )
    scale = FB_PER_PB * sigma * sample.k_factor / cutflow.generated.sum_w
    return Normalisation(sample.name, sigma, error, scale, cutflow.steps, *cutflow[2:])
