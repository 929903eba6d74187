"""Which trained networks are interpreted; each specification declares its `views`."""

from collections.abc import Sequence
from typing import Literal, TypeVar, get_args

from pydantic import Field

from common.config import Block
from models.config.blocks import View

T = TypeVar("T")
VIEWS: tuple[View, ...] = get_args(View)
NAMED = Literal["none", "first", "all"]


class Interpretation(Block):
    """Which trained networks are interpreted; `networks: none` turns it off."""

    networks: NAMED | tuple[str, ...] = Field(
        "none",
        description="Networks: a list of names, or the `first` or `all` of those that can be "
        "interpreted, or `none`.",
    )
    signals: NAMED | tuple[str, ...] = Field(
        "first", description="Signal samples: a list of names, `first` (the lightest), `all`."
    )
    seeds: NAMED | tuple[int, ...] = Field(
        "first", description="Trainings: a list of seeds of `training.seeds`, `first`, `all`."
    )
    events: int = Field(
        500,
        gt=1,
        description="Most test events of each class, drawn with their physical weights.",
    )
    displayed: int = Field(2, gt=0, description="Single events of each class in the figure.")
    subjet_radius: float = Field(
        0.2, gt=0, description="ΔR to a leading subjet's axis within which is near it."
    )
    repeats: int = Field(3, gt=1, description="Shufflings of each kinematic feature.")
    seed: int = Field(1, ge=0, description="Seed of the drawn events and of the shufflings.")


def select(what: str, choice: str | Sequence[T], known: Sequence[T]) -> list[T]:
    """Return what a choice of `Interpretation` means among the known, in their order.

    Raises
    ------
    ValueError
        If a listed one is unknown; names `what` and lists the known ones.
    """
    if isinstance(choice, str):
        return list(known[: {"none": 0, "first": 1, "all": len(known)}[choice]])
    unknown = [str(name) for name in choice if name not in known]
    if unknown:
        raise ValueError(
            f"interpretation.{what}: {', '.join(unknown)} cannot be interpreted; allowed: "
            f"{', '.join(map(str, known)) or 'none'}, or none, first, all"
        )
    return [name for name in known if name in choice]


def select_own(choice: str | Sequence[T], own: Sequence[T]) -> list[T]:
    """Return what a choice means for one network: `first` and `all` are those of its own."""
    if not isinstance(choice, str):
        choice = [name for name in choice if name in own]
    return select("", choice, own)
