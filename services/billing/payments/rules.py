"""Rules of payments: recorded, reversed at most once, and what may be done with one meanwhile."""

from typing import Final

from services.billing.ledger.chart import ROLE_BANK, ROLE_CASH
from shared.context.lifecycle import Lifecycle
from shared.values.faults import Refused

RECORDED: Final = "recorded"
REVERSED: Final = "reversed"
LIFECYCLE = Lifecycle(
    "payment",
    (RECORDED, "allocate", RECORDED),
    (RECORDED, "deallocate", RECORDED),
    (RECORDED, "refund", RECORDED),
    (RECORDED, "return_refund", RECORDED),
    (RECORDED, "reverse", REVERSED),
    initial=RECORDED,
    internal=("return_refund",),
)
METHOD_CASH: Final = "cash"


class PaymentRefunded(Refused):
    """Part of the payment went back to the customer, so it cannot be reversed as a whole."""

    code = "payment_refunded"


def money_account(method: str) -> str:
    """Where money of a method comes in and goes out: the till for cash, else the bank."""
    return ROLE_CASH if method == METHOD_CASH else ROLE_BANK


def allowed_actions(state: str, *, amount: int, unallocated: int, refunded: int) -> list[str]:
    """The verbs a caller may use, by what is left of a payment, in minor units."""
    idle = set()
    if not unallocated:
        idle |= {"allocate", "refund"}
    if unallocated + refunded == amount:
        idle.add("deallocate")
    if refunded:
        idle.add("reverse")
    return [verb for verb in LIFECYCLE.allowed(state) if verb not in idle]
