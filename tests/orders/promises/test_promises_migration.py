"""Databases from before promises were shared out at once: the stranded are served, orders in work get a destination."""

from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson

from services.orders.service import SERVICE
from shared.database.migrations import migrate
from shared.values.ids import new_id
from tests.kit import postgres
from tests.kit.suite import PASSWORD, revisions_before

HOME, DEPOT = ({"line1": name, "city": "Leeds", "country": "GB"} for name in ("Home", "Depot"))
ORDER = {
    "channel": "api", "currency": "GBP", "prices": "net", "rounding": "document", "payment_status": "unpaid",
    "fulfilment_status": "unfulfilled", "backorder": "allow", "payment_terms_days": 30, "net_minor": 0,
    "tax_minor": 0, "gross_minor": 0, "tax_breakdown": [], "revision": 1,
}  # fmt: skip


async def given(sql: asyncpg.Connection, table: str, **columns: Any) -> UUID:
    row = {"id": new_id()} | columns if table != "stock_items" else columns
    values = [orjson.dumps(v).decode() if isinstance(v, dict | list) else v for v in row.values()]
    places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await sql.execute(f"insert into {table} ({', '.join(row)}) values ({places})", *values)
    return row.get("id", row["tenant_id"])


async def given_past(sql: asyncpg.Connection) -> tuple[UUID, UUID, dict[str, UUID]]:
    """Tea lies free beside a line that waits for it; of cups nobody waits, of pots nothing is free."""
    tenant, tea, cup, pot = [new_id() for _ in range(4)]
    main = await given(sql, "warehouses", tenant_id=tenant, code="MAIN", name="Main")
    for product, on_hand, reserved in ((tea, 5, 2), (cup, 5, 0), (pot, 3, 3)):
        amounts = {"on_hand": Decimal(on_hand), "reserved": Decimal(reserved)}
        await given(sql, "stock_items", tenant_id=tenant, product_id=product, warehouse_id=main, **amounts)
    buyer = await given(
        sql, "customers", tenant_id=tenant, name="B", billing_address=HOME, shipping_address=DEPOT
    )
    orders = {}
    for state, ship_to in (("confirmed", None), ("processing", HOME), ("completed", None), ("draft", None)):
        facts = {"state": state, "ship_to": ship_to, "number": state}
        orders[state] = await given(sql, "orders", tenant_id=tenant, customer_id=buyer, **ORDER | facts)
    for position, product in enumerate((tea, pot), start=1):
        await sql.execute(
            "insert into order_lines (tenant_id, id, order_id, position, product_id, sku, description, tracked, "
            "quantity, currency, unit_price_minor, discount_percent, discount_minor, tax_code, tax_category, "
            "tax_rate, net_minor, tax_minor, gross_minor, backordered) values ($1, $2, $3, $4, $5, 'x', 'x', true, "
            "3, 'GBP', 0, 0, 0, 'standard', 'S', 20, 0, 0, 0, 3)",
            tenant, new_id(), orders["confirmed"], position, product,
        )  # fmt: skip
    return tenant, tea, orders


async def test_stranded_goods_are_owed_and_orders_in_work_keep_a_destination(admin_url: str, tmp_path: Path):
    name = f"promises_{uuid4().hex}"
    url = await postgres.create_database(admin_url, name)
    try:
        before = revisions_before(SERVICE.migrations, "0014", tmp_path / "orders")
        await migrate(url, SERVICE.name, before, password=PASSWORD)
        sql = await asyncpg.connect(url)
        await sql.execute("set search_path = orders; set session_replication_role = replica")
        await sql.execute("alter table orders alter ordered_at set default now()")
        tenant, tea, orders = await given_past(sql)

        await migrate(url, SERVICE.name, SERVICE.migrations, password=PASSWORD)

        due = await sql.fetch("select tenant_id, kind, subject_id from due_times")
        owed = await sql.fetch("select product_id from stock_items where owed")
        places = {
            row["id"]: row["ship_to"] for row in await sql.fetch("select id, ship_to::text from orders")
        }
        await sql.close()
    finally:
        await postgres.drop_database(admin_url, name)
    assert [tuple(row) for row in due] == [(tenant, "stock.arrived", tea)]
    assert [row["product_id"] for row in owed] == [tea]
    found = {state: orjson.loads(places[id_] or "null") for state, id_ in orders.items()}
    assert found == {"confirmed": DEPOT, "processing": HOME, "completed": None, "draft": None}
