"""What follows from an order's parts: its derived statuses, and whether goods may move."""

from collections.abc import Iterable
from dataclasses import dataclass
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
        shipped=order.invoiced.gross.minor,
        invoiced=order.invoiced_minor,
        settled=Settled(order.paid_minor, order.credited_minor, order.lost_minor, order.taken_back_minor),
    )


@dataclass(frozen=True, slots=True)
class Settled:
    """What settled an order's invoices, in minor units: money, what was credited or given up, and bad debts.

    `taken_back` is the gross of all credit notes, those on invoices that were paid before included.
    """

    paid: int = 0
    credited: int = 0
    lost: int = 0
    taken_back: int = 0

    @property
    def covered(self) -> int:
        """What is no longer open."""
        return self.paid + self.credited + self.lost


def settled_status(state: str, *, gross: int, shipped: int, invoiced: int, settled: Settled) -> str:
    """unpaid, part_paid, paid or credited, from an order's gross figures in minor units.

    Only money pays: what was credited or given up lowers what is to be paid, bad debts do not (billing says the same
    of each invoice, ADR 0041). With nothing left to pay an order is paid where money settled any of it, credited where
    none did or all of it was taken back.

    Nothing is left when everything that will ever be charged was invoiced and all of that is settled: for an order in
    progress its whole gross, for a completed or cancelled one the gross of what was shipped.
    """
    due = shipped if state in (OrderState.COMPLETED, OrderState.CANCELLED) else gross
    charged = invoiced > 0 or (state == OrderState.COMPLETED and due == 0)
    if charged and invoiced >= due and settled.covered >= invoiced and not settled.lost:
        credited = settled.taken_back >= invoiced or not settled.paid
        return "credited" if invoiced and credited else "paid"
    return "part_paid" if settled.paid > 0 else "unpaid"


def tax_groups(parts: Iterable[tuple[TaxCodeRow, TaxedLine]]) -> list[TaxGroup]:
    """The breakdown of some figures by tax code, rate and category, in order of first appearance."""
    found: dict[tuple[str, Decimal, str], tuple[Money, Money]] = {}
    for code, part in parts:
        key = (code.code, code.rate, code.category)
        base, tax = found.get(key, (Money.zero(part.net.currency), Money.zero(part.net.currency)))
        found[key] = (base + part.net, tax + part.tax)
    return [TaxGroup(code, rate, category, *sums) for (code, rate, category), sums in found.items()]
