"""Several requests or events of one tenant that share a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.context.ctx import Ctx

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Batch(Generic[Item]):
    """What is done at once for a tenant: each item with the ctx of its own request or event, in their order."""

    items: Sequence[tuple[Ctx, Item]]

    @property
    def ctx(self) -> Ctx:
        """The ctx under which things are read and written for all items; the newest, so its `now` is the latest."""
        return self.items[-1][0]

    def __len__(self) -> int:
        """How many share the transaction."""
        return len(self.items)
