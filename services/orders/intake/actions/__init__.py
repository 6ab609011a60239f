"""What can be done with orders."""

from services.orders.intake.actions.cancelling import cancel_order
from services.orders.intake.actions.changing import change_draft
from services.orders.intake.actions.confirming import confirm_order
from services.orders.intake.actions.creating import create_order, create_orders
from services.orders.intake.actions.holding import place_hold, release_hold
from services.orders.intake.actions.settling import (
    record_allocations,
    record_invoice,
    record_settlement,
    record_void,
)

__all__ = [
    "cancel_order",
    "change_draft",
    "confirm_order",
    "create_order",
    "create_orders",
    "place_hold",
    "record_allocations",
    "record_invoice",
    "record_settlement",
    "record_void",
    "release_hold",
]
