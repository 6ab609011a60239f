"""Wire shapes of test clocks."""

from typing import Annotated

from pydantic import Field, Strict, model_validator
from pydantic_core import PydanticCustomError

from shared.values.fields import Timestamp, WireInput, WireModel


class ClockIn(WireInput):
    """How to move the clock: by a span, or to an instant."""

    advance_seconds: Annotated[int, Strict(), Field(ge=1, le=20 * 366 * 86_400)] | None = None
    advance_to: Timestamp | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "ClockIn":
        if (self.advance_seconds is None) == (self.advance_to is None):
            raise PydanticCustomError("seconds_or_instant", "Give either `advance_seconds` or `advance_to`")
        return self


class ClockOut(WireModel):
    """A sandbox tenant's time, and how far it is ahead of the real one."""

    now: Timestamp
    ahead_seconds: float
    version: int
