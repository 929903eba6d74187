"""The base of all configuration blocks."""

from pydantic import BaseModel, ConfigDict


class Block(BaseModel):
    """A frozen configuration block: unknown keys, NaN and infinities are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
