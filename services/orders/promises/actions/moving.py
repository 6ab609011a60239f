"""Moving goods between an order's fulfilments: out of those that wait, and back."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from services.orders.book import actions as book
from services.orders.book.rules import ZERO, Fulfilment, FulfilmentState, Order
from services.orders.promises.rules import Loss
from services.orders.stock.rules import Allocation
from shared.context.ctx import Ctx


def open_arrived(ctx: Ctx, order: Order, allocations: Sequence[Allocation]) -> None:
    """Move what is promised anew out of the order's backordered fulfilments."""
    left = list(allocations)
    for waiting in [f for f in order.fulfilments if f.state == FulfilmentState.BACKORDERED]:
        own: list[Allocation] = []
        for part in waiting.lines:
            wanted = part.quantity
            for place, allocation in enumerate(left):
                taken = min(wanted, allocation.quantity) if allocation.line_id == part.order_line_id else ZERO
                if taken:
                    own.append(replace(allocation, quantity=taken))
                    left[place] = replace(allocation, quantity=allocation.quantity - taken)
                    wanted -= taken
        if own:
            _open(ctx, order, waiting, own)


def _open(ctx: Ctx, order: Order, waiting: Fulfilment, allocations: Sequence[Allocation]) -> None:
    """When nothing is left waiting, the fulfilment itself opens, where the first of it arrived; else it keeps the rest.

    Whatever else arrived becomes an open fulfilment for each warehouse.
    """
    opened: dict[UUID, Fulfilment] = {}
    if sum(allocation.quantity for allocation in allocations) == sum(part.quantity for part in waiting.lines):
        waiting.warehouse_id = allocations[0].warehouse_id
        book.move_fulfilment(ctx, waiting, "fill")
        opened[waiting.warehouse_id] = waiting
    for allocation in allocations:
        line, place = order.line(allocation.line_id), allocation.warehouse_id
        line.account(backordered=-allocation.quantity, reserved=allocation.quantity)
        target = opened.get(place) or book.add_fulfilment(ctx, order, place, of=waiting)
        opened[place] = target
        if target is not waiting:
            target.add(line, allocation.quantity)
            waiting.add(line, -allocation.quantity)


def lose(ctx: Ctx, order: Order, losses: Sequence[Loss], why: str | None) -> None:
    """Have goods of an order wait that were promised; a fulfilment that loses all it has is withdrawn."""
    for fulfilment in list(order.fulfilments):
        lost = {x.claim.line_id: x.quantity for x in losses if x.claim.fulfilment_id == fulfilment.id}
        if not lost:
            continue
        if all(part.quantity == lost.get(part.order_line_id) for part in fulfilment.lines):
            book.move_fulfilment(ctx, fulfilment, "withdraw", why=why)
        else:
            for line_id, quantity in lost.items():
                fulfilment.add(order.line(line_id), -quantity)
            book.change_fulfilment(ctx, fulfilment, "backorder", why=why)
        waiting = book.waiting_fulfilment(ctx, order, fulfilment)
        for line_id, quantity in lost.items():
            line = order.line(line_id)
            line.account(reserved=-quantity, backordered=quantity)
            waiting.add(line, quantity)
    ctx.record_move("order", order.id, "backorder", order.state, order.state, why)
