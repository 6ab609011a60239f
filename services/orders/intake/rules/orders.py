"""What the intake refuses to do with an order."""

from datetime import date, timedelta
from uuid import UUID

from services.orders.book.rules import Order, OrderState
from shared.context.lifecycle import IllegalTransition
from shared.values.faults import Invalid, Refused

EARLIEST = date(1990, 1, 1)
"""The first day that an order may be of, as of the books."""
LATEST_AHEAD = timedelta(days=366)
"""How far ahead an order may be dated."""
LATEST_DELIVERY = timedelta(days=5 * 366)
"""How long after its day an order may ask to be delivered."""
HOLDABLE = (OrderState.DRAFT, OrderState.CONFIRMED, OrderState.PROCESSING)


class HoldReleased(Refused):
    """The hold was released before."""

    code = "hold_released"


def unknown_customer() -> Invalid:
    """The refusal of an order for somebody who is no customer."""
    return Invalid.field("/customer_id", "unknown_customer", "There is no customer with this id.")


def require_possible_days(ordered_on: date, requested_on: date | None, *, today: date) -> None:
    """Refuse an order of a day long ago or far ahead, and delivery before its day or years after it."""
    _require_between(ordered_on, EARLIEST, today + LATEST_AHEAD, "/ordered_at")
    if requested_on is not None:
        _require_between(requested_on, ordered_on, ordered_on + LATEST_DELIVERY, "/requested_on")


def _require_between(day: date, first: date, last: date, pointer: str) -> None:
    if not first <= day <= last:
        sentence = f"{day} is not possible here: give a day from {first} to {last}."
        raise Invalid.field(pointer, "date_out_of_range", sentence)


def require_holdable(order: Order) -> None:
    """Refuse to hold an order that has ended."""
    if order.state not in HOLDABLE:
        raise IllegalTransition(
            f"This order is {order.state}; nothing of it can be held back.",
            state=str(order.state),
            allowed_actions=order.allowed_actions,
        )


def require_draft(order: Order) -> None:
    """Refuse to change what was agreed once an order is confirmed or has ended."""
    if order.state != OrderState.DRAFT:
        raise IllegalTransition(
            f"This order is {order.state}; only a draft can be changed.",
            state=str(order.state),
            allowed_actions=order.allowed_actions,
        )


def active_hold_ids(order: Order) -> set[UUID]:
    """The holds that keep an order back now."""
    return {hold.id for hold in order.holds}
