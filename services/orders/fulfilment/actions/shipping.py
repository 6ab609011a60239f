"""Shipping: promised stock leaves the house once, and billing learns what to charge, to the cent."""

from dataclasses import dataclass
from uuid import UUID

from services.orders.book import actions as book
from services.orders.book import queries
from services.orders.book.rules import Fulfilment, Order, Parcel, tax_groups
from services.orders.fulfilment.actions.handling import begin_move
from services.orders.fulfilment.rules import Part, ShippedPart, choose_parts, ship_part, totals_of
from services.orders.fulfilment.schemas import ShipIn
from services.orders.stock import actions as stock
from services.orders.stock.rules import Allocation
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.contracts.orders import FulfilmentShipped, OrderCustomer, ShippedLine, TaxBreakdownRow


@dataclass(frozen=True, slots=True)
class _Shipment:
    """A fulfilment that is being shipped, and what of it."""

    ctx: Ctx
    order: Order
    fulfilment: Fulfilment
    parts: list[ShippedPart]
    completed: bool

    @property
    def goods(self) -> list[Allocation]:
        """What leaves its warehouse."""
        place = self.fulfilment.warehouse_id
        return [
            Allocation(p.line.id, p.line.product_id, place, p.quantity) for p in self.parts if p.line.tracked
        ]


async def ship_fulfilment(ctx: Ctx, fulfilment_id: UUID, shipment: ShipIn | None) -> Fulfilment:
    """Ship a fulfilment or some of it; what stays behind becomes an open fulfilment of its own."""
    return (await ship_fulfilments(Batch([(ctx, (fulfilment_id, shipment))])))[0]


async def ship_fulfilments(batch: Batch[tuple[UUID, ShipIn | None]]) -> list[Fulfilment]:
    """The same for several fulfilments of a tenant, all or none, in as many statements."""
    ctx = batch.ctx
    locked = await queries.lock_orders_of(ctx, [fulfilment_id for _, (fulfilment_id, _) in batch.items])
    shipments = [
        _ship(its_ctx, order, fulfilment, shipment or ShipIn())
        for (its_ctx, (_, shipment)), (order, fulfilment) in zip(batch.items, locked, strict=True)
    ]
    await stock.consume(Batch([(each.ctx, (each.fulfilment.id, each.goods)) for each in shipments]))
    await book.save_orders(ctx, list({order.id: order for order, _ in locked}.values()))
    for each in shipments:
        each.fulfilment.lines = [part for part in each.fulfilment.lines if part.quantity]
        _tell_shipped(each.ctx, each.order, each.fulfilment, each.parts)
        if each.completed:
            book.tell_completed(each.ctx, each.order)
    return [fulfilment for _, fulfilment in locked]


def _ship(ctx: Ctx, order: Order, fulfilment: Fulfilment, shipment: ShipIn) -> _Shipment:
    begin_move(ctx, order, fulfilment, "ship")
    chosen = choose_parts(order, fulfilment, shipment.lines)
    _split(ctx, order, fulfilment, chosen)
    fulfilment.parcels = [Parcel(parcel.carrier, parcel.tracking_number) for parcel in shipment.parcels]
    fulfilment.shipped_at = ctx.now
    parts = [ship_part(order, part) for part in chosen]
    return _Shipment(ctx, order, fulfilment, parts, book.close_change(ctx, order))


def _split(ctx: Ctx, order: Order, fulfilment: Fulfilment, chosen: list[Part]) -> None:
    """Leave in the fulfilment what is shipped, and move the rest to a new one."""
    shipped = {part.line.id: part.quantity for part in chosen}
    rest: Fulfilment | None = None
    for part in fulfilment.lines:
        left = part.quantity - shipped.get(part.order_line_id, 0)
        if left:
            rest = rest or book.add_fulfilment(ctx, order, fulfilment.warehouse_id)
            rest.add(order.line(part.order_line_id), left)
            part.quantity -= left


def _tell_shipped(ctx: Ctx, order: Order, fulfilment: Fulfilment, parts: list[ShippedPart]) -> None:
    totals = totals_of(parts, order.currency)
    groups = tax_groups((part.line, part.figures) for part in parts)
    fact = FulfilmentShipped(
        fulfilment_id=fulfilment.id,
        order_id=order.id,
        order_number=order.number or "",
        order_external_ref=order.external_ref,
        customer=OrderCustomer.model_validate(order.buyer, from_attributes=True),
        currency=order.currency,
        lines=[_shipped_line(part) for part in parts],
        net=totals.net,
        tax=totals.tax,
        gross=totals.gross,
        tax_breakdown=[TaxBreakdownRow.model_validate(group, from_attributes=True) for group in groups],
        shipped_on=ctx.today,
        payment_terms_days=order.payment_terms_days,
    )
    ctx.emit(fact, subject=fulfilment.id, version=fulfilment.version, ordering_key=order.ordering_key)


def _shipped_line(part: ShippedPart) -> ShippedLine:
    line, figures = part.line, part.figures
    return ShippedLine(
        line_id=line.id,
        sku=line.sku,
        description=line.description,
        quantity=part.quantity,
        unit_price=line.unit_price,
        discount=figures.discount,
        tax_code=line.tax_code,
        tax_category=line.tax_category,
        tax_rate=line.tax_rate,
        net=figures.net,
        tax=figures.tax,
        gross=figures.gross,
    )
