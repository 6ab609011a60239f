"""From a file's order to an order of ours: what must exist is looked up or made for a whole step at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from services.orders.catalog import actions as catalog_actions
from services.orders.catalog import queries as catalog
from services.orders.catalog.schemas import ProductIn
from services.orders.imports.actions.buyers import Buyers, find_buyers
from services.orders.imports.rules import SHIP_TO_FIELDS, Code, FileOrder, Problem, Row, refuse_rest
from services.orders.imports.schemas import ImportOptions
from services.orders.intake.bulk import create_orders
from services.orders.intake.schemas import ChargeIn, OrderIn, OrderLineIn
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.values.fields import Address
from shared.values.money import Money
from shared.values.prices import UnitPrice


@dataclass(frozen=True, slots=True)
class Ready:
    """What a step's orders refer to: known products and customers by the file's names."""

    skus: Collection[str]
    buyers: Buyers
    currency: str


async def find_known_refs(ctx: Ctx, refs: Sequence[str]) -> set[str]:
    """Which references are orders already."""
    rows = await ctx.sql.fetch(
        "select external_ref from orders where tenant_id = $1 and external_ref = any($2::text[])",
        ctx.tenant.id,
        list(refs),
    )
    return {row["external_ref"] for row in rows}


async def prepare(ctx: Ctx, options: ImportOptions, orders: Sequence[FileOrder]) -> Ready:
    """Make what is missing, where the options say so, and look the rest up."""
    currency = options.currency or ctx.tenant.currency
    buyers = await find_buyers(ctx, orders, create_missing="customers" in options.create_missing)
    rows = {row.sku: (row, _currency(order, currency)) for order in orders for row in reversed(order.rows)}
    found = await catalog.find_products(ctx, list(rows)) if rows else {}
    if "products" in options.create_missing:
        missing = [_product(row, options, its) for sku, (row, its) in rows.items() if sku not in found]
        if missing:
            await catalog_actions.create_missing_products(ctx, missing)
            found = await catalog.find_products(ctx, list(rows))
    return Ready(frozenset(found), buyers, currency)


def _currency(order: FileOrder, otherwise: str) -> str:
    return order.head.get("currency", otherwise)


def _product(row: Row, options: ImportOptions, currency: str) -> ProductIn:
    return ProductIn(
        sku=row.sku,
        name=row.description or row.sku,
        unit_price=UnitPrice.of_amount(row.unit_price or Decimal(0), currency),
        tax_code=options.tax_code,
        tracked=options.tracked,
    )


def check_references(order: FileOrder, ready: Ready) -> None:
    """Note what an order refers to that does not exist, and what is to be known of its customer."""
    refusal = ready.buyers.refusal(order)
    if refusal is not None:
        order.problems.append(refusal)
    order.problems += [
        Problem(
            row.number,
            Code.UNKNOWN_SKU,
            f"There is no product {row.sku}; add it, or let the option create_missing name products.",
            order.order_ref,
        )
        for row in order.rows
        if row.sku not in ready.skus
    ]
    if order.problems:
        refuse_rest(order)
    else:
        order.note = ready.buyers.note(order)


def wish(order: FileOrder, options: ImportOptions, ready: Ready) -> OrderIn:
    """The order as intake takes it."""
    currency = _currency(order, ready.currency)
    ship_to = order.address(SHIP_TO_FIELDS)
    return OrderIn(
        customer_id=ready.buyers.id_of(order),
        channel="import",
        external_ref=order.order_ref,
        currency=currency,
        ship_to=Address(**ship_to) if ship_to else None,
        backorder=options.backorder,
        confirm=options.confirm,
        ordered_at=order.ordered_at,
        lines=[_line(row, options, currency) for row in order.rows],
        charges=_charges(order, options, currency),
    )


def _charges(order: FileOrder, options: ImportOptions, currency: str) -> list[ChargeIn]:
    amount = Money.of(Decimal(order.head.get("shipping_charge", "0")), currency)
    if amount.is_zero:
        return []
    return [ChargeIn(kind="shipping", amount=amount, tax_code=options.tax_code or "standard")]


def _line(row: Row, options: ImportOptions, currency: str) -> OrderLineIn:
    return OrderLineIn(
        sku=row.sku,
        description=row.description or None,
        quantity=row.quantity,
        unit_price=None if row.unit_price is None else UnitPrice.of_amount(row.unit_price, currency),
        tax_code=options.tax_code,
        discount_percent=row.discount_percent,
    )


async def take(ctx: Ctx, wishes: Sequence[OrderIn]) -> list[UUID]:
    """Take orders in, all or none."""
    return [order.id for order in await create_orders(Batch([(ctx, (wish,)) for wish in wishes]))]
