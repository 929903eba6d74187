"""What the configuration blocks of the physics are made of."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from common.config import Block

__all__ = [
    "Block",
    "Name",
    "NonNegative",
    "Positive",
    "PositiveInt",
    "Probability",
    "require_new_name",
]

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
PositiveInt = Annotated[int, Field(gt=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]*$", max_length=64)]


def require_new_name(names: Any, renamed: Mapping[str, str], what: str) -> Any:
    """Return the names as they are; raise a ValueError that gives the new one of a renamed one."""
    for old, new in renamed.items():
        if isinstance(names, dict | list | tuple) and old in names:
            raise ValueError(f"the {what} `{old}` is no more: write {new} in its place")
    return names
