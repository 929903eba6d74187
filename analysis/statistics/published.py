"""Published limits to compare with, and their scaling to another luminosity."""

from importlib.resources import files
from typing import Any, Literal, Self

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import Field, model_validator

from analysis.config.base import Block, Positive

Scaling = Literal["linear", "sqrt"]
SCALING_LABELS: dict[Scaling, str] = {"linear": r"$\times L_0/L$", "sqrt": r"$\times\sqrt{L_0/L}$"}


class PublishedLimit(Block):
    """One published set of limits on σ(pp → X → HH)."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.\-]+$")
    label: str = Field(description="Legend entry.")
    source: str = Field(description="Where the numbers are from.")
    note: str = Field(description="What was done to them, what is missing.")
    kind: Literal["observed", "expected", "projection"]
    spin: Literal[0, 2] = Field(description="Spin of X.")
    energy_tev: Positive = Field(description="√s [TeV].")
    luminosity: Positive = Field(description="Integrated luminosity [fb⁻¹].")
    divide_by: Positive = Field(description="Published quantity / σ(pp → X → HH).")
    joined: bool = Field(True, description="Whether a line may join the values.")
    mass_gev: tuple[Positive, ...]
    limit_fb: tuple[Positive, ...] = Field(description="The numbers as published [fb].")

    @model_validator(mode="after")
    def _columns_match(self) -> Self:
        if len(self.mass_gev) != len(self.limit_fb):
            raise ValueError(
                f"{self.name} has {len(self.mass_gev)} masses and {len(self.limit_fb)} limits"
            )
        return self

    @property
    def masses(self) -> NDArray[np.float64]:
        """Resonance masses [GeV]."""
        return np.array(self.mass_gev, dtype=np.float64)

    def cross_section(
        self, luminosity: float | None = None, scaling: Scaling = "sqrt"
    ) -> NDArray[np.float64]:
        """Return the limits on σ(pp → X → HH) [fb], scaled to `luminosity` where one is given.

        `linear` (∝ 1/L) holds without background and is optimistic with it; `sqrt` (∝ 1/√L)
        holds where background and its statistics dominate. The energy of the collisions is not
        scaled. A projection is given for its luminosity and scaled like the others.
        """
        limits = np.array(self.limit_fb) / self.divide_by
        if luminosity is None:
            return limits
        ratio = self.luminosity / luminosity
        return limits * (ratio if scaling == "linear" else np.sqrt(ratio))


def published_limits() -> tuple[PublishedLimit, ...]:
    """Return all published limits of the data file."""
    return tuple(PublishedLimit(**entry) for entry in _entries("data/published_limits.yaml"))


def published_ratio(question: str, mass_gev: float, signal_efficiency: float) -> float | None:
    """Return the published ratio of two networks' rejections, or None where there is none.

    Examples
    --------
    >>> published_ratio("theta", 1000.0, 0.8)
    4.0
    """
    wanted = {"question": question, "mass_gev": mass_gev, "signal_efficiency": signal_efficiency}
    ratios = _entries("data/published_ratios.yaml")
    return next((entry["ratio"] for entry in ratios if wanted.items() <= entry.items()), None)


def _entries(name: str) -> list[dict[str, Any]]:
    """Return the entries of a data file of this package."""
    text = files("analysis.statistics").joinpath(name).read_text("utf-8")
    entries: list[dict[str, Any]] = yaml.safe_load(text)
    return entries
