"""What a tenant's work has left in a service, free of what differs from run to run: to compare two ways of working.

Ids are random, so each is named by the rows that hold it and by what else these hold. Of instants only that of the
compared work (`NOW`) stays; what was there before it, and what the database stamps by itself, is "then".
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from shared.context.batch import Batch
from shared.context.ctx import Actor, TenantFacts
from shared.context.unit_of_work import UnitOfWork, open_work
from tests.kit.suite import Suite

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(?:Z|\+00:00)")
ORDERED = {"outbox": ("ordering_key", "seq"), "history": ("aggregate_id", "id")}
"""Tables of which the order of rows counts, among those that are equal in one column, by another."""
COUNTED_BY_TRIGGER = {"open_items": "version"}
"""Columns that grow by one with each statement that touches the row, however much it changes."""
LEFT_OUT = {"part", "published_at", "seq", "shard", "tenant_id"}
TABLES = """
select c.table_name from information_schema.columns c
join information_schema.tables t using (table_schema, table_name)
where c.table_schema = $1 and c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE'
  and c.table_name not in ('tenants', 'inbox', 'idempotency_keys', 'number_series', 'account_months') order by 1
"""


TRACEPARENT = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
"""The instant of the compared work."""
Items = Sequence[tuple[Any, ...]]


async def work_apart(
    suite: Suite, service: str, tenant: TenantFacts, single: Callable[..., Awaitable[object]], items: Items
) -> None:
    """Have each item done by an action in a transaction of its own; each has an actor of its own."""
    for n, item in enumerate(items):
        async with open_work(suite[service], tenant.id) as unit:
            await single(_context(unit, tenant, n), *item)


async def work_in_batches(
    suite: Suite,
    service: str,
    tenant: TenantFacts,
    bulk: Callable[[Batch[Any]], Awaitable[object]],
    items: Items,
    *,
    size: int,
) -> None:
    """Have so many items at a time done by the action's batch form in one transaction."""
    for start in range(0, len(items), size):
        async with open_work(suite[service], tenant.id) as unit:
            places = range(start, min(start + size, len(items)))
            await bulk(Batch([(_context(unit, tenant, n), items[n]) for n in places]))


def _context(unit: UnitOfWork, tenant: TenantFacts, n: int) -> Any:
    return unit.context(
        tenant, Actor(f"clerk {n}"), request_id=f"request {n}", now=NOW, traceparent=TRACEPARENT
    )


async def footprint(suite: Suite, service: str, tenant: TenantFacts) -> list[str]:
    """All of a tenant's rows in a service's tables as texts, sorted."""
    sql = await asyncpg.connect(suite.url)
    try:
        rows: list[str] = []
        for table in [found["table_name"] for found in await sql.fetch(TABLES, service)]:
            of_table = await sql.fetch(f"select * from {service}.{table} where tenant_id = $1", tenant.id)
            rows += _texts(table, of_table)
    finally:
        await sql.close()
    return _named(rows)


def _texts(table: str, rows: list[asyncpg.Record]) -> list[str]:
    group, by = ORDERED.get(table, (None, None))
    places: defaultdict[Any, int] = defaultdict(int)
    left_out = LEFT_OUT | {COUNTED_BY_TRIGGER.get(table, "")}
    texts = []
    for row in sorted(rows, key=lambda r: r[by]) if by else rows:
        places[row[group] if group else None] += 1
        place = places[row[group]] if group else ""
        facts = " ".join(f"{column}={value}" for column, value in row.items() if column not in left_out)
        texts.append(INSTANT.sub(lambda m: _instant(m[0]), TRACE.sub("trace", f"{table} {place} {facts}")))
    return texts


def _instant(text: str) -> str:
    return "now" if datetime.fromisoformat(text).astimezone(UTC) == NOW else "then"


def _named(rows: list[str]) -> list[str]:
    """Rows with their ids named alike where all that is known of them is alike."""
    names: dict[str, str] = {}
    for _ in range(5):
        seen: defaultdict[str, list[str]] = defaultdict(list)
        for row in rows:
            for own in set(ID.findall(row)):
                seen[own].append(_with_names(row, {**names, own: "self"}))
        names = {own: _digest(sorted(of)) for own, of in seen.items()}
    return sorted(_with_names(row, names) for row in rows)


def _with_names(row: str, names: dict[str, str]) -> str:
    return ID.sub(lambda found: f"<{names.get(found[0], '')}>", row)


def _digest(texts: list[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]
