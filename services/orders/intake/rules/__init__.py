"""How an order is priced, and what its intake refuses."""

from services.orders.intake.rules.orders import (
    HOLDABLE,
    HoldReleased,
    active_hold_ids,
    require_draft,
    require_holdable,
    require_possible_days,
    unknown_customer,
)
from services.orders.intake.rules.pricing import agree_discount, price_order
from services.orders.intake.rules.wanted import (
    MOST_CHARGES,
    MOST_LINES,
    AgreedLine,
    PriceList,
    WantedCharge,
    WantedDiscount,
    WantedLine,
)

__all__ = [
    "HOLDABLE",
    "MOST_CHARGES",
    "MOST_LINES",
    "AgreedLine",
    "HoldReleased",
    "PriceList",
    "WantedCharge",
    "WantedDiscount",
    "WantedLine",
    "active_hold_ids",
    "agree_discount",
    "price_order",
    "require_draft",
    "require_holdable",
    "require_possible_days",
    "unknown_customer",
]
