"""Several requests or events of one tenant that share a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.context.ctx import Ctx

Item = TypeVar("Item")
MOST_LINES = 1000  # that one transaction works on for several at once: everybody in it waits for all of them


class TooHeavyTogether(Exception):  # noqa: N818 - named for what happened
    """One transaction would have too much to do for several at once: each goes alone."""


@dataclass(frozen=True, slots=True)
class Batch(Generic[Item]):
    """What is done at once for a tenant: each item with the ctx of its own request or event, in their order."""

    items: Sequence[tuple[Ctx, Item]]

    @property
    def ctx(self) -> Ctx:
        """The ctx under which things are read and written for all items; the newest, so its `now` is the latest."""
        return self.items[-1][0]

    def require_light(self, lines: int) -> None:
        """Refuse to do for several at once what comes to so many lines, where the bytes that came do not tell it."""
        if len(self) > 1 and lines > MOST_LINES:
            raise TooHeavyTogether(f"{lines} lines")

    def __len__(self) -> int:
        """How many share the transaction."""
        return len(self.items)
