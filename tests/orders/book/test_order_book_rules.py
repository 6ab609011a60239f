"""What follows from an order's parts."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from services.orders.book.rules import (
    FULFILMENT_LIFECYCLE,
    ORDER_LIFECYCLE,
    Fulfilment,
    Order,
    OrderLine,
    ShippedTax,
    fulfilment_status,
    payment_status,
)
from shared.values.ids import new_id
from shared.values.money import Money

THEN = datetime(2026, 3, 1, tzinfo=UTC)


def given_line(order_id: UUID, *, shipped: int = 0, cancelled: int = 0, quantity: int = 10) -> OrderLine:
    """A line of units at 1.00 net, 1.20 gross each."""
    return OrderLine(
        id=new_id(), order_id=order_id, position=1, product_id=new_id(), sku="A", description="A", tracked=True,
        quantity=Decimal(quantity), currency="GBP", unit_price_minor=100, discount_percent=Decimal(0),
        discount_minor=0, tax_code="standard", tax_category="S", tax_rate=Decimal(20), net_minor=100 * quantity,
        tax_minor=20 * quantity, gross_minor=120 * quantity, shipped=Decimal(shipped), cancelled=Decimal(cancelled),
        reserved=Decimal(quantity - shipped - cancelled), shipped_net_minor=100 * shipped,
        shipped_tax_minor=20 * shipped,
    )  # fmt: skip


def given_book(
    *, shipped: int = 0, cancelled: int = 0, fulfilments: tuple[str, ...] = (), **facts: object
) -> Order:
    order_id = new_id()
    order = Order(
        id=order_id, version=1, created_at=THEN, updated_at=THEN, number="SO-1", customer_id=new_id(), channel="api",
        external_ref=None, currency="GBP", prices="net", rounding="document", state="confirmed",
        fulfilment_status="unfulfilled", payment_status="unpaid", backorder="reject", ship_to=None,
        payment_terms_days=30, net_minor=1000, tax_minor=200, gross_minor=1200, tax_breakdown=[], revision=1,
        ordered_at=THEN, lines=[given_line(order_id, shipped=shipped, cancelled=cancelled)],
    )  # fmt: skip
    if shipped:
        figures = (Money(100 * shipped, "GBP"), Money(20 * shipped, "GBP"))
        order.shipped_tax = [ShippedTax("standard", Decimal(20), "S", *figures, THEN.date())]
    for name, value in facts.items():
        setattr(order, name, value)
    order.fulfilments = [
        Fulfilment(new_id(), order_id, new_id(), state, 1, THEN, THEN, order_number="SO-1")
        for state in fulfilments
    ]
    return order


@pytest.mark.parametrize(
    ("shipped", "cancelled", "fulfilments", "expected"),
    [
        (0, 0, ("open",), "unfulfilled"),
        (0, 10, ("cancelled",), "unfulfilled"),
        (4, 0, ("shipped", "open"), "partially_shipped"),
        (10, 0, ("shipped",), "shipped"),
        (4, 6, ("shipped", "cancelled"), "shipped"),
        (10, 0, ("shipped", "delivered"), "partially_delivered"),
        (4, 0, ("delivered", "open"), "partially_delivered"),
        (10, 0, ("delivered", "delivered"), "delivered"),
        (4, 6, ("delivered", "cancelled"), "delivered"),
    ],
)
def test_the_fulfilment_status_follows_from_what_was_shipped(
    shipped: int, cancelled: int, fulfilments: tuple[str, ...], expected: str
):
    order = given_book(shipped=shipped, cancelled=cancelled, fulfilments=fulfilments)

    assert fulfilment_status(order) == expected


@pytest.mark.parametrize(
    ("state", "shipped", "invoiced", "paid", "expected"),
    [
        ("confirmed", 0, 0, 0, "unpaid"),
        ("processing", 5, 600, 0, "unpaid"),
        ("processing", 5, 600, 200, "part_paid"),
        ("processing", 5, 600, 600, "part_paid"),
        ("processing", 5, 1200, 1200, "paid"),
        ("completed", 5, 600, 600, "paid"),
        ("completed", 10, 600, 600, "part_paid"),
        ("completed", 10, 1200, 1199, "part_paid"),
        ("completed", 10, 1200, 1200, "paid"),
        ("cancelled", 0, 0, 0, "unpaid"),
        ("confirmed", 0, 1200, 1200, "paid"),
    ],
)
def test_an_order_is_paid_when_all_that_will_ever_be_charged_is_settled(
    state: str, shipped: int, invoiced: int, paid: int, expected: str
):
    order = given_book(state=state, shipped=shipped, invoiced_minor=invoiced, paid_minor=paid)

    assert payment_status(order) == expected


@pytest.mark.parametrize(
    ("paid", "credited", "lost", "taken_back", "expected"),
    [
        (0, 1200, 0, 1200, "credited"),
        (700, 500, 0, 500, "paid"),
        (1200, 0, 0, 600, "paid"),
        (1200, 0, 0, 1200, "credited"),
        (0, 500, 0, 500, "unpaid"),
        (1164, 36, 0, 0, "paid"),
        (400, 0, 800, 0, "part_paid"),
        (0, 0, 1200, 0, "unpaid"),
    ],
)
def test_only_money_pays_an_order(paid: int, credited: int, lost: int, taken_back: int, expected: str):
    order = given_book(
        state="completed", shipped=10, invoiced_minor=1200, paid_minor=paid, credited_minor=credited,
        lost_minor=lost, taken_back_minor=taken_back,
    )  # fmt: skip

    assert payment_status(order) == expected


@pytest.mark.parametrize(
    "moves",
    [
        {"reserved": Decimal(-11), "shipped": Decimal(11)},
        {"shipped": Decimal(1)},
        {"reserved": Decimal(-1)},
        {"backordered": Decimal(-1), "reserved": Decimal(1)},
    ],
)
def test_a_line_never_loses_or_invents_a_unit(moves: dict[str, Decimal]):
    line = given_line(new_id())

    with pytest.raises(AssertionError):
        line.account(**moves)


def test_callers_are_never_offered_what_only_the_system_does():
    offered = {verb for state in ORDER_LIFECYCLE.states for verb in ORDER_LIFECYCLE.allowed(state)}
    handled = {verb for state in FULFILMENT_LIFECYCLE.states for verb in FULFILMENT_LIFECYCLE.allowed(state)}

    assert offered == {"confirm", "cancel"}
    assert handled == {"reserve", "release", "pick", "pack", "ship", "cancel", "deliver"}
