"""What is true of an order whoever changes it: states, parts, the account of every line, derived statuses."""

from services.orders.book.rules.charges import INVOICED, OPEN, Charge, ChargeKind
from services.orders.book.rules.fulfilments import Fulfilment, FulfilmentLine, Parcel
from services.orders.book.rules.invoiced import Invoiced, RateChange, ShippedTax, add_shipped
from services.orders.book.rules.lines import ZERO, OrderLine
from services.orders.book.rules.orders import (
    CONFIRMATION,
    SHIPPING_NOTICE,
    Hold,
    Order,
    OrderDiscount,
    OrderHead,
)
from services.orders.book.rules.states import (
    FULFILMENT_LIFECYCLE,
    IN_HAND,
    ORDER_LIFECYCLE,
    UNSHIPPED,
    FulfilmentState,
    OrderOnHold,
    OrderState,
)
from services.orders.book.rules.status import (
    Settled,
    fulfilment_status,
    mark_changed,
    payment_status,
    require_not_held,
    settled_status,
    tax_groups,
)

__all__ = [
    "CONFIRMATION",
    "FULFILMENT_LIFECYCLE",
    "INVOICED",
    "IN_HAND",
    "OPEN",
    "ORDER_LIFECYCLE",
    "SHIPPING_NOTICE",
    "UNSHIPPED",
    "ZERO",
    "Charge",
    "ChargeKind",
    "Fulfilment",
    "FulfilmentLine",
    "FulfilmentState",
    "Hold",
    "Invoiced",
    "Order",
    "OrderDiscount",
    "OrderHead",
    "OrderLine",
    "OrderOnHold",
    "OrderState",
    "Parcel",
    "RateChange",
    "Settled",
    "ShippedTax",
    "add_shipped",
    "fulfilment_status",
    "mark_changed",
    "payment_status",
    "require_not_held",
    "settled_status",
    "tax_groups",
]
