"""Reads of fulfilments."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import orjson

from services.orders.book.queries import FULFILMENTS, PARTS
from services.orders.book.rules import Fulfilment
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, page_of
from shared.values.faults import NotFound

HEADS = f"""
select {FULFILMENTS.columns("f")}, coalesce(o.number, '') as order_number, o.ship_to::text as order_ship_to
from fulfilments f join orders o on o.tenant_id = $1 and o.id = f.order_id where f.tenant_id = $1
"""  # noqa: S608 - our own column names

LINES = f"""
select {PARTS.columns("fl")}, l.sku
from fulfilment_lines fl join order_lines l on l.tenant_id = $1 and l.id = fl.order_line_id
where fl.tenant_id = $1 and fl.fulfilment_id = any($2::uuid[]) order by fl.fulfilment_id, l.position
"""  # noqa: S608 - our own column names


async def get_fulfilment(ctx: Ctx, fulfilment_id: UUID) -> Fulfilment:
    """One fulfilment."""
    rows = await ctx.sql.fetch(f"{HEADS} and f.id = $2", ctx.tenant.id, fulfilment_id)
    if not rows:
        raise NotFound("fulfilment", fulfilment_id)
    return (await _with_lines(ctx, rows))[0]


async def list_fulfilments(
    ctx: Ctx, page: PageQuery, *, order_id: UUID | None, state: str | None
) -> Page[Fulfilment]:
    """Fulfilments, newest first."""
    conditions, values = [HEADS], [ctx.tenant.id, page.limit + 1]
    for comparison, value in (("order_id =", order_id), ("state =", state), ("id <", page.after_id)):
        if value is not None:
            values.append(value)
            conditions.append(f"f.{comparison} ${len(values)}")
    rows = await ctx.sql.fetch(f"{' and '.join(conditions)} order by f.id desc limit $2", *values)
    found = page_of(rows, page, lambda row: row["id"])
    return Page(items=await _with_lines(ctx, found.items), next=found.next)


async def _with_lines(ctx: Ctx, rows: Sequence[asyncpg.Record]) -> list[Fulfilment]:
    found = {row["id"]: _fulfilment(row) for row in rows}
    if found:
        for row in await ctx.sql.fetch(LINES, ctx.tenant.id, list(found)):
            found[row["fulfilment_id"]].lines.append(PARTS.read(row, sku=row["sku"]))
    return list(found.values())


def _fulfilment(row: asyncpg.Record) -> Fulfilment:
    ship_to = row["order_ship_to"]
    return FULFILMENTS.read(
        row, order_number=row["order_number"], order_ship_to=orjson.loads(ship_to) if ship_to else None
    )
