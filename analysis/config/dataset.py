"""Configuration of the datasets: the folds and the weights that networks are trained with."""

from typing import Any

from pydantic import Field, model_validator

from analysis.config.base import Block, Probability


class Dataset(Block):
    """Tensors, folds and training weights."""

    folds: int = Field(
        2,
        ge=2,
        le=20,
        description="Parts into which a seed deals the events. Each seed trains one network per "
        "fold, on the events outside it, and each event is scored by the network of its own fold, "
        "which has not seen it: every event counts in the results.",
    )
    validation: float = Field(
        0.15,
        gt=0,
        lt=1,
        description="Fraction of the events outside a fold that its network does not learn from: "
        "they stop its training early and calibrate its score.",
    )
    weight_cap_quantile: Probability = Field(
        0.99,
        description="In training, physical background weights are capped at this quantile of the "
        "training events, so that no event dominates a batch. 1 caps nothing. Evaluation always "
        "uses the physical weights.",
    )

    @model_validator(mode="before")
    @classmethod
    def _split_is_gone(cls, block: Any) -> Any:
        if isinstance(block, dict) and "split" in block:
            raise ValueError(
                "the key `split` is no more: every event is tested by a network that has not seen "
                "it; write `folds: 2` (trainings per seed) and `validation: 0.15` (fraction of the "
                "training events that stops a training) in its place"
            )
        return block
