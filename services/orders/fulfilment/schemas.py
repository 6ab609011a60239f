"""Wire shapes of fulfilments."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.orders.book.rules import FulfilmentState
from services.orders.fulfilment.rules import MOST_PARCELS
from shared.values.fields import (
    Address,
    Code,
    Entries,
    PositiveQuantity,
    Quantity,
    ShortText,
    Timestamp,
    WireInput,
    WireModel,
)


class ParcelIn(WireInput):
    """A parcel of a shipment."""

    carrier: ShortText
    tracking_number: Code | None = None


class ShipLineIn(WireInput):
    """How much of an order line is shipped."""

    order_line_id: UUID
    quantity: PositiveQuantity


class ShipIn(WireInput):
    """What is shipped, in which parcels; without lines all of it."""

    lines: Annotated[list[ShipLineIn], Entries(1, 1000)] | None = None
    parcels: Annotated[list[ParcelIn], Entries(most=MOST_PARCELS)] = Field(default_factory=list)


class FulfilmentChange(WireInput):
    """Where the goods shall go; null: where the order goes."""

    ship_to: Address | None


class CancelIn(WireInput):
    """Why a fulfilment is cancelled."""

    reason: ShortText | None = None


class ParcelOut(WireModel):
    """A parcel."""

    carrier: str
    tracking_number: str | None


class FulfilmentLineOut(WireModel):
    """How much of an order line the fulfilment is about."""

    id: UUID
    order_line_id: UUID
    sku: str
    quantity: Quantity


class FulfilmentOut(WireModel):
    """A fulfilment."""

    id: UUID
    order_id: UUID
    order_number: str
    warehouse_id: UUID
    state: FulfilmentState
    lines: list[FulfilmentLineOut]
    parcels: list[ParcelOut]
    ship_to: Address | None
    shipped_at: Timestamp | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp
    allowed_actions: list[str]
