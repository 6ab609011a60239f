"""Reads of what goes along with a fulfilment's goods."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from services.orders.papers.rules import Goods, GoodsPaper, Kind, Place, require_goods
from shared.context.ctx import Ctx
from shared.paper.figures import language_in
from shared.values import clock
from shared.values.faults import NotFound

# Rows as they are: a paper says what it knows of, and nothing is computed from it.
HEAD = """
select to_jsonb(f)::text as fulfilment, to_jsonb(o)::text as of_order, to_jsonb(c)::text as customer,
  w.name as warehouse,
  (select count(*) from fulfilments e where e.tenant_id = $1 and e.order_id = f.order_id and e.id <= f.id) as nth
from fulfilments f
join orders o on o.tenant_id = $1 and o.id = f.order_id
join customers c on c.tenant_id = $1 and c.id = o.customer_id
join warehouses w on w.tenant_id = $1 and w.id = f.warehouse_id
where f.tenant_id = $1 and f.id = $2
"""
LINES = """
select fl.quantity, l.quantity as ordered, l.sku, l.description, to_jsonb(l)->>'unit' as unit from fulfilment_lines fl
join order_lines l on l.tenant_id = $1 and l.id = fl.order_line_id
where fl.tenant_id = $1 and fl.fulfilment_id = $2 order by l.position
"""


async def get_paper(ctx: Ctx, fulfilment_id: UUID, kind: Kind) -> GoodsPaper:
    """A fulfilment as its pick list or delivery note says it; refused where no goods are in hand."""
    head = await ctx.sql.fetchrow(HEAD, ctx.tenant.id, fulfilment_id)
    if head is None:
        raise NotFound("fulfilment", fulfilment_id)
    fulfilment, order, customer = (
        orjson.loads(head[name]) for name in ("fulfilment", "of_order", "customer")
    )
    require_goods(fulfilment["state"])
    rows = await ctx.sql.fetch(LINES, ctx.tenant.id, fulfilment_id)
    goods = [
        Goods(row["sku"], row["description"], row["ordered"], row["quantity"], row["unit"] or "C62")
        for row in rows
    ]
    shipped = fulfilment["shipped_at"]
    house = language_in(ctx.tenant.country)
    return GoodsPaper(
        kind=kind,
        number=f"{order['number']}/{head['nth']}",
        day=clock.local_date(datetime.fromisoformat(shipped), ctx.tenant.time_zone) if shipped else ctx.today,
        language=house if kind == "pick_list" else customer.get("language") or house,
        house=ctx.tenant.name,
        house_legal_name=ctx.tenant.legal_name,
        house_country=ctx.tenant.country,
        warehouse=head["warehouse"],
        customer=customer["name"],
        place=_place(fulfilment, order, customer),
        goods=tuple(sorted(goods, key=lambda each: each.sku) if kind == "pick_list" else goods),
        shipped=bool(shipped),
        order_number=order["number"] or "",
        purchase_order=order.get("purchase_order") or "",
        reference=order["external_ref"] or "",
        requested_on=date.fromisoformat(wanted) if (wanted := order.get("requested_on")) else None,
        parcels=tuple(
            " ".join(part for part in (each["carrier"], each.get("tracking_number")) if part)
            for each in fulfilment["parcels"]
        ),
        notes=order.get("notes") or "",
    )


def _place(fulfilment: Mapping[str, Any], order: Mapping[str, Any], customer: Mapping[str, Any]) -> Place:
    """Where the goods go: the desk's last word, the order's, the customer's."""
    found = (
        fulfilment.get("redirected_to")
        or order["ship_to"]
        or customer["shipping_address"]
        or customer["billing_address"]
        or {}
    )
    return Place(**{name: found[name] for name in Place.__slots__ if found.get(name)})
