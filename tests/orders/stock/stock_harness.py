"""Orders as stock sees them, put into the tables directly: what intake and fulfilment keep there."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx

from shared.context.ctx import TenantFacts
from shared.values.ids import new_id
from tests.kit.suite import Suite
from tests.orders.given import given_ctx, given_customer

ORDER = """
insert into orders (tenant_id, id, number, customer_id, channel, currency, prices, rounding, state,
  fulfilment_status, payment_status, backorder, payment_terms_days, net_minor, tax_minor, gross_minor,
  tax_breakdown, revision, ordered_at, confirmed_at)
values ($1, $2, $3, $4, 'api', 'GBP', 'net', 'document', 'confirmed', 'unfulfilled', 'unpaid', 'allow', 30,
  0, 0, 0, '[]', 1, $5, $5)
"""

LINE = """
insert into order_lines (tenant_id, id, order_id, position, product_id, sku, description, tracked, quantity,
  currency, unit_price_minor, discount_percent, discount_minor, tax_code, tax_category, tax_rate,
  net_minor, tax_minor, gross_minor, reserved, backordered)
values ($1, $2, $3, 1, $4, $5, $5, true, $6::numeric + $7::numeric, 'GBP', 0, 0, 0, 'standard', 'S', 20,
  0, 0, 0, $6, $7)
"""


async def given_waiting_line(
    suite: Suite,
    tenant: TenantFacts,
    orders: httpx.AsyncClient,
    product: dict[str, Any],
    *,
    reserved: int = 0,
    backordered: int = 0,
    fulfilment: str | None = None,
    warehouse_id: UUID | None = None,
) -> UUID:
    """A confirmed order of one line; with a fulfilment in some state over what is reserved. Answers the line."""
    customer = await given_customer(orders)
    async with given_ctx(suite, tenant) as ctx:
        order_id, line_id, fulfilment_id = new_id(), new_id(), new_id()
        await ctx.sql.execute(ORDER, tenant.id, order_id, str(order_id), UUID(customer["id"]), ctx.now)
        await ctx.sql.execute(
            LINE, tenant.id, line_id, order_id, UUID(product["id"]), product["sku"], Decimal(reserved),
            Decimal(backordered),
        )  # fmt: skip
        if fulfilment:
            await ctx.sql.execute(
                "insert into fulfilments (tenant_id, id, order_id, warehouse_id, state) values ($1, $2, $3, $4, $5)",
                tenant.id, fulfilment_id, order_id, warehouse_id, fulfilment,
            )  # fmt: skip
            await ctx.sql.execute(
                "insert into fulfilment_lines (tenant_id, id, fulfilment_id, order_line_id, quantity) "
                "values ($1, $2, $3, $4, $5)",
                tenant.id, new_id(), fulfilment_id, line_id, Decimal(reserved),
            )  # fmt: skip
    return line_id
