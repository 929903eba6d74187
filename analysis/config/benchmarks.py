"""Configuration of the benchmarks: cross sections of models, drawn over the limits."""

from typing import Self

from pydantic import Field, model_validator

from analysis.config.base import Block, Name, Positive


class Benchmark(Block):
    """σ(gg → H) · BR(H → hh) of a model at some masses, drawn over the limits."""

    name: Name = Field(description="Unique name.")
    label: str = Field(description="Legend entry.")
    source: str = Field(description="Where the numbers are from.")
    mass_gev: tuple[Positive, ...] = Field(min_length=1, description="m_H [GeV].")
    cross_section_fb: tuple[Positive, ...] = Field(
        min_length=1, description="σ · BR at each m_H [fb]."
    )

    @model_validator(mode="after")
    def _columns_match(self) -> Self:
        if len(self.mass_gev) != len(self.cross_section_fb):
            raise ValueError("mass_gev and cross_section_fb must have the same length")
        return self
