"""Rules of refunds: paid out once, and returned at most once when the money comes back."""

from shared.context.lifecycle import Lifecycle
from shared.values.faults import Refused

PAID, RETURNED = "paid", "returned"
LIFECYCLE = Lifecycle("refund", (PAID, "reverse", RETURNED), initial=PAID)


class OverRefunded(Refused):
    """More would go back than is left of the payment or credit note."""

    code = "over_refunded"
