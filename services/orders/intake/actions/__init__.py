"""What can be done with orders."""

from services.orders.intake.actions.cancelling import cancel_order
from services.orders.intake.actions.changing import change_draft
from services.orders.intake.actions.confirming import confirm_order
from services.orders.intake.actions.creating import create_order
from services.orders.intake.actions.holding import place_hold, release_hold
from services.orders.intake.actions.settling import BillingFact, record_billing

__all__ = [
    "BillingFact",
    "cancel_order",
    "change_draft",
    "confirm_order",
    "create_order",
    "place_hold",
    "record_billing",
    "release_hold",
]
