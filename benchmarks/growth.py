"""Reading one order, listing fifty, and ten of a customer, from a thousand to a million orders of one company.

The orders beyond the first thousand are copies made by SQL, lines included; ids stay in order of time.
"""

import random
from uuid import UUID

import asyncpg

from benchmarks import server
from benchmarks.client import Connection, Measured, load
from benchmarks.orders import create_orders
from benchmarks.report import Section, spread, table
from benchmarks.server import Server, Shop
from shared.embedded import server as embedded

SIZES = (1_000, 100_000, 1_000_000)
ROUNDS = 3
READS, LISTS = 600, 200
CONCURRENCY = 8
BATCH = 50  # copies of the first thousand in one statement

GROW = """
with new as (
  select o.id as old, uuidv7() as id, n from orders.orders o, generate_series($2::int, $3::int) as n
  where o.tenant_id = $1 and o.number ^@ 'SO-'
), copied as (
  insert into orders.orders ({orders})
  select {orders_from} from new join orders.orders o on o.tenant_id = $1 and o.id = new.old
)
insert into orders.order_lines ({lines})
select {lines_from} from new join orders.order_lines l on l.tenant_id = $1 and l.order_id = new.old
"""


async def growth() -> Section:
    """The whole part."""
    async with server.running() as running:
        shop = await server.open_shop(running)
        sql = await asyncpg.connect(_database_url(running))
        rows: list[list[str]] = []
        medians: list[tuple[float, ...]] = []
        size = 0
        for wanted in SIZES:
            await _grow(running, shop, sql, size, wanted)
            size = wanted
            ids = [str(row["id"]) for row in await sql.fetch(SAMPLE, UUID(shop.tenant_id))]
            read = [await _read(running, shop, ids) for _ in range(ROUNDS)]
            listed = [await _list(running, shop, 50) for _ in range(ROUNDS)]
            theirs = [await _list(running, shop, 10, customer) for customer in shop.customers[:ROUNDS]]
            measured = (read, listed, theirs)
            medians.append(tuple(_middle(runs) for runs in measured))
            rows.append([f"{size:,}", *(spread([m.p50 for m in runs], 1) for runs in measured)])
        await sql.close()
    read_ratio, list_ratio, their_ratio = (
        last / first for first, last in zip(medians[0], medians[-1], strict=True)
    )
    heads = ["read one, p50 ms", "list 50, p50 ms", "list a customer's 10, p50 ms"]
    text = table([f"orders, concurrency {CONCURRENCY}", *heads], rows) + (
        f"\n\nAt a million against a thousand: read {read_ratio:.2f}, list {list_ratio:.2f} times the time (wanted: at "
        f"most 1.3); a customer's {their_ratio:.2f}."
    )
    return Section("Read and list as a company grows", text)


# Of all ages alike, so that what is read lies anywhere in the table.
SAMPLE = "select id from orders.orders where tenant_id = $1 order by random() limit 1000"


def _middle(runs: list[Measured]) -> float:
    return sorted(m.p50 for m in runs)[len(runs) // 2]


def _database_url(running: Server) -> str:
    url = embedded.start(running.data_dir / "postgres").url  # attaches to the suite's server
    return url.replace("/postgres?", "/backoffice?", 1)


async def _grow(running: Server, shop: Shop, sql: asyncpg.Connection, size: int, wanted: int) -> None:
    """Have so many orders; the first thousand come through the API."""
    if size == 0:
        await create_orders(running, shop, total=wanted, concurrency=CONCURRENCY)
    else:
        await sql.execute("set session_replication_role = replica")  # copies refer to what is there
        grow = await _copying(sql)
        copies = wanted // SIZES[0] - size // SIZES[0]
        first = size // SIZES[0]
        for start in range(first, first + copies, BATCH):
            last = min(start + BATCH, first + copies) - 1
            await sql.execute(grow, UUID(shop.tenant_id), start, last)
    await sql.execute("vacuum analyze orders.orders, orders.order_lines")


async def _copying(sql: asyncpg.Connection) -> str:
    """GROW with the tables' columns; an order's copies get a number of their own."""
    own = {
        "orders": {"id": "new.id", "number": "'SX-' || new.n || '-' || o.number", "external_ref": "null"},
        "order_lines": {"id": "uuidv7()", "order_id": "new.id"},
    }
    parts: dict[str, str] = {}
    for table_, alias, name in (("orders", "o", "orders"), ("order_lines", "l", "lines")):
        columns = [row[0] for row in await sql.fetch(COLUMNS, table_)]
        parts[name] = ", ".join(columns)
        parts[f"{name}_from"] = ", ".join(own[table_].get(c, f"{alias}.{c}") for c in columns)
    return GROW.format(**parts)


COLUMNS = """
select column_name from information_schema.columns where table_schema = 'orders' and table_name = $1
order by ordinal_position
"""


async def _read(running: Server, shop: Shop, ids: list[str]) -> Measured:
    dice = random.Random(7)

    async def operation(api: Connection, _: int) -> None:
        await api.call("GET", f"/v1/orders/{dice.choice(ids)}")

    return await load(operation, lambda: running.connect(shop.token), total=READS, concurrency=CONCURRENCY)


async def _list(running: Server, shop: Shop, limit: int, customer: str = "") -> Measured:
    query = f"limit={limit}" + (f"&customer_id={customer}" if customer else "")

    async def operation(api: Connection, _: int) -> None:
        page = await api.call("GET", f"/v1/orders?{query}")
        if len(page["items"]) != limit:
            raise RuntimeError("the list is short")

    return await load(operation, lambda: running.connect(shop.token), total=LISTS, concurrency=CONCURRENCY)
