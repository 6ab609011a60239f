"""Wire shapes of warehouses and stock."""

from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, PlainSerializer, model_validator
from pydantic_core import PydanticCustomError

from services.orders.stock.rules import MAIN
from shared.values.fields import Code, Quantity, ShortText, Timestamp, WireInput, WireModel, decimal_text


def _count(value: Decimal | None) -> Decimal | None:
    """Refuse a count below nothing."""
    if value is not None and value < 0:
        raise PydanticCustomError("quantity_out_of_range", "A count is zero or more")
    return value


Count = Annotated[Quantity | None, AfterValidator(_count)]
Total = Annotated[Decimal, PlainSerializer(decimal_text, return_type=str)]
"""A sum of quantities: written like one, without its upper bound."""


class WarehouseIn(WireInput):
    """A warehouse as a client company gives it."""

    code: Code
    name: ShortText


class WarehouseOut(WireModel):
    """A warehouse."""

    id: UUID
    code: str
    name: str
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class StockAdjustmentIn(WireInput):
    """Stock comes or goes by `delta`, or was counted: `set_to` instead of the `expected` count."""

    sku: Code
    warehouse: Code = MAIN
    delta: Quantity | None = None
    set_to: Count = None
    expected: Count = None
    reason: ShortText

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        """Exactly one way to say it, and something to do."""
        counted = self.set_to is not None and self.expected is not None
        if (self.delta is None) != counted or (self.set_to is None) != (self.expected is None):
            raise PydanticCustomError("delta_or_count", "Give either `delta`, or `set_to` with `expected`")
        if self.delta == 0 or (counted and self.set_to == self.expected):
            raise PydanticCustomError("nothing_to_adjust", "This changes nothing")
        return self


class StockMovementOut(WireModel):
    """A line of the stock's ledger; `on_hand` is what lay there after it."""

    id: UUID
    sku: str
    warehouse: str
    kind: Literal["adjustment", "shipment"]
    delta: Quantity
    on_hand: Quantity
    reason: str | None
    reference_id: UUID | None
    actor_id: str
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class LostPromiseOut(WireModel):
    """What an order line lost of what it had been promised; `backordered` of it waits for stock again, the rest now
    comes from another warehouse."""

    order_id: UUID
    order_number: str
    line_id: UUID
    sku: str
    quantity: Quantity
    backordered: Quantity


class StockAdjustmentOut(StockMovementOut):
    """An adjustment with the stock row that came of it, and who lost promises by it.

    `short` is promised to what is being picked or is packed, and not there by this count: look for it before it ships.
    While `pending`, more promises are being taken back than `lost` names; events tell of each.
    """

    reserved: Quantity
    available: Quantity
    short: Quantity
    lost: list[LostPromiseOut]
    pending: bool


class StockOut(WireModel):
    """What of a product lies in a warehouse; `backordered` is what the product's orders still wait for,
    wherever it may come from; `short` is promised and, by the last count, not there."""

    sku: str
    warehouse: str
    product_id: UUID
    warehouse_id: UUID
    on_hand: Quantity
    reserved: Quantity
    available: Quantity
    short: Quantity
    backordered: Total
    updated_at: Timestamp


class StockDifferenceOut(WireModel):
    """A stock item that disagrees: `on_hand` with the sum of its movements, or `reserved` with what open
    fulfilments are promised."""

    sku: str
    warehouse: str
    on_hand: Total
    moved: Total
    reserved: Total
    promised: Total


class StockAuditOut(WireModel):
    """The stock's self-audit; no differences is the only good answer. At most 200 of them are shown."""

    checked: int
    differing: int
    differences: list[StockDifferenceOut]
