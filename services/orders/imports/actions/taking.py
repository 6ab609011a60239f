"""From a file's order to an order of ours: what must exist is looked up or made for a whole step at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from services.orders.catalog import actions as catalog_actions
from services.orders.catalog import queries as catalog
from services.orders.catalog.schemas import ProductIn
from services.orders.customers import actions as customer_actions
from services.orders.customers import queries as customers
from services.orders.imports.rules import Code, FileOrder, Problem, Row, refuse_rest
from services.orders.imports.schemas import ImportOptions
from services.orders.intake.bulk import create_orders
from services.orders.intake.schemas import OrderIn, OrderLineIn
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.values.prices import UnitPrice


@dataclass(frozen=True, slots=True)
class Ready:
    """What a step's orders refer to: known products and customers by the file's names."""

    skus: Collection[str]
    customers: dict[str, UUID]
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
    rows = {row.sku: row for order in orders for row in reversed(order.rows)}
    refs = {order.customer_ref for order in orders}
    if "customers" in options.create_missing and refs:
        known = await customers.find_by_external_ref(ctx, refs)
        names = {ref: f"Customer {ref}" for ref in refs if ref not in known}
        if names:
            await customer_actions.create_missing_customers(ctx, names)
    found = await catalog.find_products(ctx, list(rows)) if rows else {}
    if "products" in options.create_missing:
        missing = [_product(row, options, currency) for sku, row in rows.items() if sku not in found]
        if missing:
            await catalog_actions.create_missing_products(ctx, missing)
            found = await catalog.find_products(ctx, list(rows))
    return Ready(frozenset(found), await customers.find_by_external_ref(ctx, refs) if refs else {}, currency)


def _product(row: Row, options: ImportOptions, currency: str) -> ProductIn:
    return ProductIn(
        sku=row.sku,
        name=row.description or row.sku,
        unit_price=UnitPrice.of_amount(row.unit_price or Decimal(0), currency),
        tax_code=options.tax_code,
        tracked=options.tracked,
    )


def check_references(order: FileOrder, ready: Ready) -> None:
    """Note what an order refers to that does not exist."""
    if order.customer_ref not in ready.customers:
        text = f"There is no customer with the reference {order.customer_ref}."
        order.problems.append(Problem(order.numbers[0], Code.UNKNOWN_CUSTOMER, text, order.order_ref))
    order.problems += [
        Problem(row.number, Code.UNKNOWN_SKU, f"There is no product {row.sku}.", order.order_ref)
        for row in order.rows
        if row.sku not in ready.skus
    ]
    if order.problems:
        refuse_rest(order)


def wish(order: FileOrder, options: ImportOptions, ready: Ready) -> OrderIn:
    """The order as intake takes it."""
    return OrderIn(
        customer_id=ready.customers[order.customer_ref],
        channel="import",
        external_ref=order.order_ref,
        currency=ready.currency,
        backorder=options.backorder,
        confirm=options.confirm,
        ordered_at=order.ordered_at,
        lines=[
            OrderLineIn(
                sku=row.sku,
                quantity=row.quantity,
                unit_price=None
                if row.unit_price is None
                else UnitPrice.of_amount(row.unit_price, ready.currency),
                tax_code=options.tax_code,
            )
            for row in order.rows
        ],
    )


async def take(ctx: Ctx, wishes: Sequence[OrderIn]) -> list[UUID]:
    """Take orders in, all or none."""
    return [order.id for order in await create_orders(Batch([(ctx, (wish,)) for wish in wishes]))]
