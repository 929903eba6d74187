"""What the configuration blocks of the physics are made of."""

from typing import Annotated

from pydantic import Field

from common.config import Block

__all__ = ["Block", "Name", "NonNegative", "Positive", "PositiveInt", "Probability"]

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
PositiveInt = Annotated[int, Field(gt=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]*$", max_length=64)]
