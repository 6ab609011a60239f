"""Rules of posting exceptions: open until a retry succeeds or a person discards them."""

from shared.context.lifecycle import Lifecycle
from shared.values.faults import Refused

OPEN, RESOLVED, DISCARDED = "open", "resolved", "discarded"
LIFECYCLE = Lifecycle(
    "posting_exception", (OPEN, "retry", RESOLVED), (OPEN, "discard", DISCARDED), initial=OPEN
)


class StillNotPostable(Refused):
    """The event was tried again and is still refused; `reason` says by which rule."""

    code = "still_not_postable"


class UnusableAmount(Refused):
    """An amount of the event is in a wrong currency or too large."""

    code = "unusable_amount"


class RefusedByBooks(Refused):
    """A constraint of the books' tables refuses the event."""

    code = "refused_by_books"
