"""What can be done with payments."""

from services.billing.payments.actions.allocating import allocate_payment, deallocate_payment
from services.billing.payments.actions.recording import (
    receive,
    record_payment,
    require_customers,
    require_received,
    show_recorded,
    store_payments,
    tell_recorded,
)
from services.billing.payments.actions.reversing import reverse_payment

__all__ = [
    "allocate_payment",
    "deallocate_payment",
    "receive",
    "record_payment",
    "require_customers",
    "require_received",
    "reverse_payment",
    "show_recorded",
    "store_payments",
    "tell_recorded",
]
