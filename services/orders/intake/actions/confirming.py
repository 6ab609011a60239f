"""Confirming: stock is promised, fulfilments are planned, the order gets its number and the others are told."""

from decimal import Decimal
from uuid import UUID

from services.orders.book import actions as book
from services.orders.book import queries
from services.orders.book.rules import ZERO, Fulfilment, Order, OrderLine
from services.orders.stock import actions as stock
from services.orders.stock.rules import Allocation, Demand
from shared.context import numbering
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.contracts.orders import ConfirmedLine, OrderConfirmed, OrderCustomer, TaxBreakdownRow

SERIES = "SO"


async def confirm_order(ctx: Ctx, order_id: UUID) -> Order:
    """Confirm a draft: all of it is promised, or nothing, or what is missing waits if the order allows that."""
    order = await queries.lock_order(ctx, order_id)
    await promise_orders(Batch([(ctx, order)]))
    book.close_change(ctx, order)
    await book.save_orders(ctx, [order])
    tell_confirmed(ctx, order)
    return order


async def promise_orders(batch: Batch[Order]) -> None:
    """Confirm drafts in memory: reserve their stock, plan their fulfilments and, last, give them their numbers.

    From the reservation to the commit others wait for these products, so nothing that can be done before is
    left for then; and a refused order uses no number up.
    """
    ctx = batch.ctx
    year = ctx.today.year
    await numbering.prepare_numbers(ctx, SERIES, year, len(batch))
    for its_ctx, order in batch.items:
        book.move_order(its_ctx, order, "confirm")
        order.confirmed_at = its_ctx.now
    for allow in (False, True):
        of_policy = [each for each in batch.items if (each[1].backorder == "allow") is allow]
        if of_policy:
            await _reserve(Batch(of_policy), allow_backorder=allow)
    numbers = await numbering.lease_numbers(ctx, SERIES, year, len(batch))
    for (_, order), number in zip(batch.items, numbers, strict=True):
        order.number = numbering.written(SERIES, year, number)


async def _reserve(batch: Batch[Order], *, allow_backorder: bool) -> None:
    demands = [
        Demand(line.id, line.product_id, line.sku, line.quantity)
        for _, order in batch.items
        for line in order.lines
        if line.tracked
    ]
    reservation = await stock.reserve(batch.ctx, demands, allow_backorder=allow_backorder)
    promised: dict[UUID, list[Allocation]] = {}
    for allocation in reservation.allocations:
        promised.setdefault(allocation.line_id, []).append(allocation)
    for ctx, order in batch.items:
        _plan(ctx, order, promised, reservation.backordered, reservation.main_warehouse_id)


def _plan(
    ctx: Ctx,
    order: Order,
    promised: dict[UUID, list[Allocation]],
    backordered: dict[UUID, Decimal],
    main_id: UUID,
) -> None:
    """One open fulfilment for each warehouse that gives something, and one for what has to wait.

    What has no stock (services and the like) goes with the goods from MAIN, or else with the first.
    """
    opened: dict[UUID, Fulfilment] = {}
    waiting: Fulfilment | None = None
    for line in order.lines:
        missing = backordered.get(line.id, ZERO)
        line.account(reserved=line.quantity - missing, backordered=missing)
        for allocation in promised.get(line.id, ()):
            place = allocation.warehouse_id
            if place not in opened:
                opened[place] = book.add_fulfilment(ctx, order, place)
            opened[place].add(line, allocation.quantity)
        if missing:
            waiting = waiting or book.add_fulfilment(ctx, order, main_id, backordered=True)
            waiting.add(line, missing)
    untracked = [line for line in order.lines if not line.tracked]
    if untracked and main_id not in opened and not opened:
        opened[main_id] = book.add_fulfilment(ctx, order, main_id)
    for line in untracked:
        opened.get(main_id, next(iter(opened.values()))).add(line, line.quantity)


def tell_confirmed(ctx: Ctx, order: Order) -> None:
    """Tell other services of a confirmed order with its final figures."""
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
    )
    ctx.emit(fact, subject=order.id, version=order.version, ordering_key=order.ordering_key)


def _confirmed_line(line: OrderLine) -> ConfirmedLine:
    return ConfirmedLine(
        line_id=line.id,
        sku=line.sku,
        description=line.description,
        quantity=line.quantity,
        unit_price=line.unit_price,
        discount_percent=line.discount_percent,
        discount=line.discount,
        tax_code=line.tax_code,
        tax_category=line.tax_category,
        tax_rate=line.tax_rate,
        net=line.net,
        tax=line.tax,
        gross=line.gross,
    )
