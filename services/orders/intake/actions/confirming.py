"""Confirming: stock is promised, fulfilments are planned, the order gets its number and the others hear of it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.orders.book import actions as book
from services.orders.book import queries
from services.orders.book.rules import CONFIRMATION, ZERO, Charge, Fulfilment, Order, OrderLine
from services.orders.stock import actions as stock
from services.orders.stock.rules import Allocation, Demand, Reservation, by_line
from shared.context import numbering
from shared.context.ctx import Ctx
from shared.contracts.orders import (
    ConfirmedCharge,
    ConfirmedLine,
    OrderConfirmed,
    OrderCustomer,
    TaxBreakdownRow,
)
from shared.values.fields import Address

SERIES = "SO"


async def confirm_order(ctx: Ctx, order_id: UUID) -> Order:
    """Confirm a draft: all of it is promised, or nothing, or what is missing waits if the order allows that."""
    order = await queries.lock_order(ctx, order_id)
    await promise_order(ctx, order)
    book.close_change(ctx, order)
    await book.save_orders(ctx, [order])
    tell_confirmed(ctx, order)
    return order


async def promise_order(ctx: Ctx, order: Order) -> None:
    """Confirm a draft in memory: reserve its stock, plan its fulfilments and, last, give it its number.

    From the reservation to the commit others wait for these products, so nothing that can be done before is
    left for then; and a refused order uses no number up.
    """
    year = ctx.today.year
    await numbering.prepare_numbers(ctx, SERIES, year, 1)
    begin_promise(ctx, order)
    reservation = await stock.reserve(ctx, demands_of(order), allow_backorder=order.backorder == "allow")
    plan_fulfilments(ctx, order, reservation, by_line(reservation.allocations))
    (number,) = await numbering.lease_numbers(ctx, SERIES, year, 1)
    order.number = numbering.written(SERIES, year, number)


def begin_promise(ctx: Ctx, order: Order) -> None:
    """Move a draft to confirmed, from now on."""
    book.move_order(ctx, order, "confirm")
    order.confirmed_at = ctx.now
    order.ship_to = order.destination


def demands_of(order: Order) -> list[Demand]:
    """What an order wants of the stock."""
    return [Demand(line.id, line.product_id, line.sku, line.quantity) for line in order.lines if line.tracked]


def plan_fulfilments(
    ctx: Ctx, order: Order, reservation: Reservation, promised: Mapping[UUID, Sequence[Allocation]]
) -> None:
    """One open fulfilment for each warehouse that gives something, and one for what has to wait.

    What has no stock (services and the like) goes with the goods from MAIN, or else with the first. Deposits and
    vouchers leave no house: shipments deduct what they bear. `promised` is what the reservation allocates to each line.
    """
    main_id = reservation.main_warehouse_id
    opened: dict[UUID, Fulfilment] = {}
    waiting: Fulfilment | None = None
    for line in order.lines:
        missing = reservation.backordered.get(line.id, ZERO)
        line.account(reserved=line.quantity - missing, backordered=missing)
        for allocation in promised.get(line.id, ()):
            place = allocation.warehouse_id
            if place not in opened:
                opened[place] = book.add_fulfilment(ctx, order, place)
            opened[place].add(line, allocation.quantity)
        if missing:
            waiting = waiting or book.add_fulfilment(ctx, order, main_id, backordered=True)
            waiting.add(line, missing)
    untracked = [line for line in order.lines if not line.tracked and not line.deducts]
    if untracked and main_id not in opened and not opened:
        opened[main_id] = book.add_fulfilment(ctx, order, main_id)
    for line in untracked:
        opened.get(main_id, next(iter(opened.values()))).add(line, line.quantity)


def tell_confirmed(ctx: Ctx, order: Order) -> None:
    """Tell other services, and a customer who wants mail, of a confirmed order with its final figures."""
    totals = order.totals
    fact = OrderConfirmed(
        order_id=order.id,
        number=order.number or "",
        external_ref=order.external_ref,
        channel=order.channel,
        customer=OrderCustomer.model_validate(order.buyer, from_attributes=True),
        currency=order.currency,
        prices=order.prices,
        rounding=order.rounding,
        lines=[_confirmed_line(line) for line in order.lines],
        net=totals.net,
        tax=totals.tax,
        gross=totals.gross,
        tax_breakdown=[TaxBreakdownRow.model_validate(g, from_attributes=True) for g in order.tax_breakdown],
        confirmed_on=ctx.today,
        purchase_order=order.purchase_order,
        notes=order.notes,
        requested_on=order.requested_on,
        order_discount=order.discount.amount if order.discount else None,
        charges=[_confirmed_charge(charge) for charge in order.charges],
        ship_to=Address.model_validate(order.ship_to) if order.ship_to else None,
    )
    ctx.emit(fact, subject=order.id, version=order.version, ordering_key=order.ordering_key)
    book.mail_customer(ctx, CONFIRMATION, order, order)


def _confirmed_charge(charge: Charge) -> ConfirmedCharge:
    return ConfirmedCharge(
        charge_id=charge.id,
        kind=charge.kind,
        description=charge.description,
        amount=charge.amount,
        tax_code=charge.tax_code,
        tax_category=charge.tax_category,
        tax_rate=charge.tax_rate,
        net=charge.net,
        tax=charge.tax,
        gross=charge.gross,
    )


def _confirmed_line(line: OrderLine) -> ConfirmedLine:
    return ConfirmedLine(
        line_id=line.id,
        sku=line.sku,
        description=line.description,
        quantity=line.quantity,
        unit_price=line.unit_price.rounded,
        exact_unit_price=line.unit_price if line.unit_price.is_fine else None,
        unit=line.unit,
        order_discount=line.order_discount if line.order_discount_minor else None,
        discount_percent=line.discount_percent,
        discount=line.discount,
        tax_code=line.tax_code,
        tax_category=line.tax_category,
        tax_rate=line.tax_rate,
        net=line.net,
        tax=line.tax,
        gross=line.gross,
    )
