"""Configuration of the datasets: the split and the weights that networks are trained with."""

from typing import Self

from pydantic import Field, model_validator

from analysis.config.base import Block, Probability


class Split(Block):
    """Fractions of the events for training, validation and test; they add up to one."""

    train: Probability = Field(0.5, description="Fraction that the network learns from.")
    validation: Probability = Field(
        0.2, description="Fraction for early stopping and for finding the threshold."
    )
    test: Probability = Field(0.3, description="Fraction that results are counted on.")

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"train + validation + test must be 1, found {total:g}")
        if min(self.train, self.validation, self.test) <= 0:
            raise ValueError("each of train, validation and test must be above 0")
        return self


class Dataset(Block):
    """Tensors, split and training weights."""

    split: Split = Split()
    weight_cap_quantile: Probability = Field(
        0.99,
        description="In training, physical background weights are capped at this quantile of the "
        "training events, so that no event dominates a batch. 1 caps nothing. Evaluation always "
        "uses the physical weights.",
    )
