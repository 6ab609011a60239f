"""Shipping: promised stock leaves the house once, and billing learns what to charge, to the cent."""

from dataclasses import dataclass
from uuid import UUID

from services.orders.book import actions as book
from services.orders.book import queries
from services.orders.book.rules import SHIPPING_NOTICE, Fulfilment, Order, OrderLine, Parcel
from services.orders.fulfilment.actions.handling import begin_move
from services.orders.fulfilment.rules import (
    Part,
    ShippedPart,
    choose_parts,
    groups_of,
    ship_parts,
    totals_of,
)
from services.orders.fulfilment.schemas import ShipIn
from services.orders.stock import actions as stock
from services.orders.stock.rules import Allocation
from shared.context.ctx import Ctx
from shared.contracts.orders import FulfilmentShipped, OrderCustomer, ShippedLine, TaxBreakdownRow
from shared.values.fields import Address
from shared.values.money import total


@dataclass(frozen=True, slots=True)
class Shipment:
    """What of a fulfilment is shipped, with its figures, and whether that completes the order."""

    order: Order
    fulfilment: Fulfilment
    parts: list[ShippedPart]
    completed: bool

    @property
    def goods(self) -> list[Allocation]:
        """What leaves its warehouse."""
        place = self.fulfilment.warehouse_id
        return [
            Allocation(part.line.id, part.line.product_id, place, part.quantity)
            for part in self.parts
            if isinstance(part.line, OrderLine) and part.line.tracked
        ]


async def ship_fulfilment(ctx: Ctx, fulfilment_id: UUID, wanted: ShipIn | None) -> Fulfilment:
    """Ship a fulfilment or some of it; what stays behind becomes an open fulfilment of its own."""
    order, fulfilment = await queries.lock_order_of(ctx, fulfilment_id)
    shipment = make_shipment(ctx, order, fulfilment, wanted or ShipIn())
    await stock.consume(ctx, shipment.goods, reference_id=fulfilment.id)
    await book.save_orders(ctx, [order])
    tell_shipped(ctx, shipment)
    return fulfilment


def make_shipment(ctx: Ctx, order: Order, fulfilment: Fulfilment, wanted: ShipIn) -> Shipment:
    """Ship a fulfilment of a locked order in memory."""
    begin_move(ctx, order, fulfilment, "ship")
    chosen = choose_parts(order, fulfilment, wanted.lines)
    _split(ctx, order, fulfilment, chosen)
    fulfilment.parcels = [Parcel(parcel.carrier, parcel.tracking_number) for parcel in wanted.parcels]
    fulfilment.shipped_at = ctx.now
    parts = ship_parts(order, chosen, ctx.today)
    return Shipment(order, fulfilment, parts, book.close_change(ctx, order))


def _split(ctx: Ctx, order: Order, fulfilment: Fulfilment, chosen: list[Part]) -> None:
    """Leave in the fulfilment what is shipped, and move the rest to a new one."""
    shipped = {part.line.id: part.quantity for part in chosen}
    rest: Fulfilment | None = None
    for part in fulfilment.lines:
        left = part.quantity - shipped.get(part.order_line_id, 0)
        if left:
            rest = rest or book.add_fulfilment(ctx, order, fulfilment.warehouse_id, of=fulfilment)
            rest.add(order.line(part.order_line_id), left)
            part.quantity -= left


def tell_shipped(ctx: Ctx, shipment: Shipment) -> None:
    """Tell what was shipped, once it is written: other services, and a customer who wants mail."""
    order, fulfilment, parts = shipment.order, shipment.fulfilment, shipment.parts
    fulfilment.lines = [part for part in fulfilment.lines if part.quantity]
    totals = totals_of(parts, order.currency)
    discount = total((part.order_discount for part in parts), order.currency)
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
        tax_breakdown=[
            TaxBreakdownRow.model_validate(group, from_attributes=True) for group in groups_of(parts)
        ],
        shipped_on=ctx.today,
        payment_terms_days=order.terms_days,
        prices=order.prices,
        rounding=order.rounding,
        purchase_order=order.purchase_order,
        notes=order.notes,
        requested_on=order.requested_on,
        order_discount=discount if discount.minor else None,
        ship_to=Address.model_validate(fulfilment.ship_to) if fulfilment.ship_to else None,
    )
    ctx.emit(fact, subject=fulfilment.id, version=fulfilment.version, ordering_key=order.ordering_key)
    book.mail_customer(ctx, SHIPPING_NOTICE, order, fulfilment)
    if shipment.completed:
        book.tell_completed(ctx, order)


def _shipped_line(part: ShippedPart) -> ShippedLine:
    line, figures = part.line, part.figures
    return ShippedLine(
        line_id=line.id,
        sku=line.sku,
        description=line.description,
        quantity=part.quantity,
        kind=line.kind,
        unit_price=part.price.rounded,
        exact_unit_price=part.price if part.price.is_fine else None,
        unit=line.unit,
        order_discount=part.order_discount if part.order_discount.minor else None,
        discount=figures.discount,
        tax_code=line.tax_code,
        tax_category=part.tax.category,
        tax_rate=part.tax.rate,
        net=figures.net,
        tax=figures.tax,
        gross=figures.gross,
    )
