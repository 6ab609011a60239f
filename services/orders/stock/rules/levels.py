"""What lies where: stock as it is counted, its ledger, and what a count may say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from services.orders.stock.rules.refusals import InsufficientStock, StockChanged
from shared.values.faults import Invalid
from shared.values.fields import decimal_text

MAIN = "MAIN"
MOST_ON_HAND = Decimal(10**12)
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class StockItem:
    """What of a product lies in a warehouse, and how much of it is promised.

    `owed` (kept with MAIN, for the product) says that something of it is still to be shared out: free stock among
    lines that wait, or what is short among promises.
    """

    product_id: UUID
    warehouse_id: UUID
    on_hand: Decimal
    reserved: Decimal
    owed: bool = False

    @property
    def free(self) -> Decimal:
        """What may still be promised; never less than nothing."""
        return max(NOTHING, self.on_hand - self.reserved)

    @property
    def short(self) -> Decimal:
        """What is promised and not there, since a count found less."""
        return max(NOTHING, self.reserved - self.on_hand)


@dataclass(frozen=True, slots=True)
class StockLevel:
    """A stock item as people see it. `backordered` is the product's over all warehouses: those lines wait for
    no particular one."""

    product_id: UUID
    warehouse_id: UUID
    sku: str
    warehouse: str
    on_hand: Decimal
    reserved: Decimal
    short: Decimal
    backordered: Decimal
    updated_at: datetime

    @property
    def available(self) -> Decimal:
        """What may still be promised; below nothing where more is promised than is there."""
        return self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of the stock's ledger; `on_hand` is what lay there after it. It never changes."""

    id: UUID
    created_at: datetime
    sku: str
    warehouse: str
    kind: str
    delta: Decimal
    on_hand: Decimal
    reason: str | None
    reference_id: UUID | None
    actor_id: str
    version: int = 1

    @property
    def updated_at(self) -> datetime:
        """When it was made."""
        return self.created_at


@dataclass(frozen=True, slots=True)
class LostPromise:
    """What an order line lost of what it had been promised from a warehouse; `backordered` of it waits for stock,
    the rest comes from elsewhere."""

    order_id: UUID
    order_number: str
    line_id: UUID
    sku: str
    quantity: Decimal
    backordered: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment(Movement):
    """A movement made by hand, with what of the stock it left is promised, and who lost promises by it.

    `pending` says that more promises are to be taken back than one transaction does; the rest follows by itself.
    """

    product_id: UUID
    warehouse_id: UUID
    reserved: Decimal
    short: Decimal = NOTHING
    lost: Sequence[LostPromise] = ()
    pending: bool = False

    @property
    def available(self) -> Decimal:
        """What may still be promised; below nothing where more is promised than is there."""
        return self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class StockDifference:
    """A stock item whose counters disagree with what they count."""

    sku: str
    warehouse: str
    on_hand: Decimal
    moved: Decimal
    reserved: Decimal
    promised: Decimal


@dataclass(frozen=True, slots=True)
class StockAudit:
    """How many stock items were compared, how many disagree, and the first of those."""

    checked: int
    differing: int
    differences: list[StockDifference]


def adjusted_delta(
    item: StockItem, *, sku: str, delta: Decimal | None, set_to: Decimal | None, expected: Decimal | None
) -> Decimal:
    """By how much an adjustment changes what lies there: as given, or from a count and an expected one.

    It may leave less than is promised, since it says what is; it never leaves less than nothing.
    """
    if set_to is not None:
        if expected != item.on_hand:
            raise StockChanged(
                f"There are {decimal_text(item.on_hand)} on hand, not what was expected.",
                on_hand=decimal_text(item.on_hand),
            )
        delta = set_to - item.on_hand
    if delta is None:
        raise ValueError("an adjustment has a delta or a count")
    if item.on_hand + delta < 0:
        there = decimal_text(item.on_hand)
        raise InsufficientStock(
            f"Only {there} of {sku} are there.",
            available=there,
            lines=[{"sku": sku, "requested": decimal_text(-delta), "available": there}],
        )
    if item.on_hand + delta > MOST_ON_HAND:
        sentence = f"No more than {decimal_text(MOST_ON_HAND)} can lie in one place."
        raise Invalid.field("/delta", "quantity_out_of_range", sentence)
    return delta
