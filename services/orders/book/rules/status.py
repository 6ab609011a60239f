"""What follows from an order's parts: its derived statuses, and whether goods may move."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from services.orders.book.rules.orders import Order
from services.orders.book.rules.states import FulfilmentState, OrderOnHold, OrderState
from services.orders.catalog.rules import TaxCodeRow
from shared.values.money import Money
from shared.values.tax import TaxedLine, TaxGroup


def require_not_held(order: Order) -> None:
    """Refuse to let goods move while anybody holds the order."""
    if order.holds:
        raise OrderOnHold(
            "The order is on hold; release its holds first.",
            holds=[{"id": hold.id, "reason": hold.reason, "source": hold.source} for hold in order.holds],
        )


def mark_changed(order: Order, now: datetime) -> None:
    """Count a change of the order and bring its derived statuses up to date."""
    order.version += 1
    order.updated_at = now
    order.fulfilment_status = fulfilment_status(order)
    order.payment_status = payment_status(order)


def fulfilment_status(order: Order) -> str:
    """How much of an order is on its way: delivered before shipped, `partially_` while any unit lags behind."""
    if not any(line.shipped for line in order.lines):
        return "unfulfilled"
    states = {fulfilment.state for fulfilment in order.fulfilments}
    whole = all(line.settled for line in order.lines)
    if FulfilmentState.DELIVERED in states:
        return "delivered" if whole and FulfilmentState.SHIPPED not in states else "partially_delivered"
    return "shipped" if whole else "partially_shipped"


def payment_status(order: Order) -> str:
    """What the customer has settled of an order, see `settled_status`."""
    return settled_status(
        order.state,
        gross=order.gross_minor,
        shipped=sum(line.shipped_net_minor + line.shipped_tax_minor for line in order.lines),
        invoiced=order.invoiced_minor,
        paid=order.paid_minor,
    )


def settled_status(state: str, *, gross: int, shipped: int, invoiced: int, paid: int) -> str:
    """unpaid, part_paid or paid, from an order's gross figures in minor units.

    Paid when everything that will ever be charged was invoiced and all of that is settled: for an order in
    progress its whole gross, for a completed or cancelled one the gross of what was shipped.
    """
    due = shipped if state in (OrderState.COMPLETED, OrderState.CANCELLED) else gross
    charged = invoiced > 0 or (state == OrderState.COMPLETED and due == 0)
    if charged and invoiced >= due and paid >= invoiced:
        return "paid"
    return "part_paid" if paid > 0 else "unpaid"


def tax_groups(parts: Iterable[tuple[TaxCodeRow, TaxedLine]]) -> list[TaxGroup]:
    """The breakdown of some figures by tax code, rate and category, in order of first appearance."""
    found: dict[tuple[str, Decimal, str], tuple[Money, Money]] = {}
    for code, part in parts:
        key = (code.code, code.rate, code.category)
        base, tax = found.get(key, (Money.zero(part.net.currency), Money.zero(part.net.currency)))
        found[key] = (base + part.net, tax + part.tax)
    return [TaxGroup(code, rate, category, *sums) for (code, rate, category), sums in found.items()]
