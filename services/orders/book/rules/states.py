"""States and legal moves of orders and fulfilments."""

from enum import StrEnum

from shared.context.lifecycle import Lifecycle
from shared.values.faults import Refused


class OrderState(StrEnum):
    """How far an order has come as a promise."""

    DRAFT = "draft"
    CONFIRMED = "confirmed"
    PROCESSING = "processing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class FulfilmentState(StrEnum):
    """How far goods have come on their way."""

    BACKORDERED = "backordered"
    OPEN = "open"
    RELEASED = "released"
    PICKING = "picking"
    PACKED = "packed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


ORDER_LIFECYCLE = Lifecycle(
    "order",
    (OrderState.DRAFT, "confirm", OrderState.CONFIRMED),
    (OrderState.DRAFT, "cancel", OrderState.CANCELLED),
    (OrderState.DRAFT, "expire", OrderState.EXPIRED),
    (OrderState.CONFIRMED, "start", OrderState.PROCESSING),
    (OrderState.CONFIRMED, "cancel", OrderState.CANCELLED),
    (OrderState.PROCESSING, "complete", OrderState.COMPLETED),
    (OrderState.PROCESSING, "cancel", OrderState.CANCELLED),
    initial=OrderState.DRAFT,
    internal=("expire", "start", "complete"),
)

IN_HAND = (FulfilmentState.OPEN, FulfilmentState.RELEASED, FulfilmentState.PICKING, FulfilmentState.PACKED)
"""States in which goods are reserved for a fulfilment and still in the house."""
UNSHIPPED = (FulfilmentState.BACKORDERED, *IN_HAND)
"""States in which a fulfilment still has something to do."""

FULFILMENT_LIFECYCLE = Lifecycle(
    "fulfilment",
    (FulfilmentState.BACKORDERED, "fill", FulfilmentState.OPEN),
    (FulfilmentState.BACKORDERED, "reserve", FulfilmentState.OPEN),
    (FulfilmentState.BACKORDERED, "withdraw", FulfilmentState.CANCELLED),
    (FulfilmentState.OPEN, "release", FulfilmentState.RELEASED),
    (FulfilmentState.RELEASED, "pick", FulfilmentState.PICKING),
    (FulfilmentState.PICKING, "pack", FulfilmentState.PACKED),
    *((state, "ship", FulfilmentState.SHIPPED) for state in IN_HAND),
    *((state, "cancel", FulfilmentState.CANCELLED) for state in IN_HAND),
    *((state, "withdraw", FulfilmentState.CANCELLED) for state in IN_HAND),
    (FulfilmentState.SHIPPED, "deliver", FulfilmentState.DELIVERED),
    initial=(FulfilmentState.OPEN, FulfilmentState.BACKORDERED),
    internal=("fill", "withdraw"),
)


class OrderOnHold(Refused):
    """Somebody holds the order back; nothing of it may move until every hold is released."""

    code = "order_on_hold"
