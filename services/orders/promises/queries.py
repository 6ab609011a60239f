"""Who waits for stock, and to whom it is promised, by when their orders were confirmed."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from services.orders.promises.rules import AT_ONCE, Claim, PromisedClaim
from services.orders.stock.rules import StockItem
from shared.context.ctx import Ctx

# Each product's lines in turn, as far as what is free reaches.
WAITING = """
select w.confirmed_at, w.order_id, w.position, w.line_id, w.product_id, w.quantity from (
  select o.confirmed_at, l.order_id, l.position, l.id as line_id, l.product_id, l.backordered as quantity, f.free,
    sum(l.backordered) over (partition by l.product_id order by o.confirmed_at, l.order_id, l.position) as up_to
  from unnest($2::uuid[], $3::numeric[]) f(product_id, free)
  join order_lines l on l.tenant_id = $1 and l.product_id = f.product_id and l.backordered > 0
  join orders o on o.tenant_id = $1 and o.id = l.order_id
) w where w.up_to - w.quantity < w.free order by 1, 2, 3 limit $4
"""
# Each place's promises from the youngest on, as far as what is short reaches.
PROMISED = """
select p.confirmed_at, p.order_id, p.position, p.line_id, p.product_id, p.quantity, p.fulfilment_id, p.warehouse_id
from (
  select o.confirmed_at, l.order_id, l.position, l.id as line_id, l.product_id, fl.quantity, f.id as fulfilment_id,
    f.warehouse_id, s.short, sum(fl.quantity) over (partition by l.product_id, f.warehouse_id
      order by o.confirmed_at desc, l.order_id desc, l.position desc, f.id desc) as up_to
  from unnest($2::uuid[], $3::uuid[], $4::numeric[]) s(product_id, warehouse_id, short)
  join order_lines l on l.tenant_id = $1 and l.product_id = s.product_id and l.reserved > 0
  join orders o on o.tenant_id = $1 and o.id = l.order_id
  join fulfilment_lines fl on fl.tenant_id = $1 and fl.order_line_id = l.id
  join fulfilments f on f.tenant_id = $1 and f.id = fl.fulfilment_id and f.warehouse_id = s.warehouse_id
    and f.state in ('open', 'released')
) p where p.up_to - p.quantity < p.short order by 1 desc, 2 desc, 3 desc, 7 desc limit $5
"""

REASON = """
select reason from stock_movements where tenant_id = $1 and product_id = $2 and kind = 'adjustment' and delta < 0
order by id desc limit 1
"""


async def find_waiting(ctx: Ctx, items: Sequence[StockItem]) -> list[Claim]:
    """The lines whose turn it is to be promised what is free of these stock items, first confirmed first."""
    free: dict[UUID, Decimal] = defaultdict(Decimal)
    for item in items:
        if item.free:
            free[item.product_id] += item.free
    if not free:
        return []
    rows = await ctx.sql.fetch(WAITING, ctx.tenant.id, list(free), list(free.values()), AT_ONCE)
    return [Claim(**row) for row in rows]


async def find_promised(ctx: Ctx, items: Sequence[StockItem]) -> list[PromisedClaim]:
    """The promises to be taken back where these stock items are short, last confirmed first."""
    short = [item for item in items if item.short]
    if not short:
        return []
    rows = await ctx.sql.fetch(
        PROMISED, ctx.tenant.id, [item.product_id for item in short], [item.warehouse_id for item in short],
        [item.short for item in short], AT_ONCE,
    )  # fmt: skip
    return [PromisedClaim(**row) for row in rows]


async def find_reason(ctx: Ctx, product_id: UUID) -> str | None:
    """Why less of a product was there when it was last adjusted down."""
    reason: str | None = await ctx.sql.fetchval(REASON, ctx.tenant.id, product_id)
    return reason
