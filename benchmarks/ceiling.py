"""The data layer's ceiling: the very statements of an order create+confirm, replayed without anything around them.

Some real orders are created through the action while their statements are recorded, then rolled back. Each replay
runs one of them in a transaction of the same kernel (`Database.transaction`) with fresh ids and numbers, at the same
concurrency; no HTTP, no validation, no arithmetic, no events being delivered.
"""

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from benchmarks.client import Measured
from benchmarks.orders import wish
from benchmarks.server import Server, Shop
from deploy.run.suite import DATABASE
from services.orders.intake import actions
from services.orders.intake.schemas import OrderIn
from shared.base import telemetry
from shared.context.closing_statement import write_closing_statement
from shared.context.ctx import Actor, Ctx
from shared.context.tenants import Tenants
from shared.database.pool import Database, Transaction
from shared.database.rls import app_role, role_password
from shared.embedded import server as embedded
from shared.values import clock
from shared.values.ids import new_id

UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NUMBER = re.compile(r"SO-\d{4}-\d+")
VARIANTS = 40
Statement = tuple[str, tuple[Any, ...]]


@dataclass
class Recording:
    """The statements of some requests, each in order, without BEGIN and COMMIT."""

    tenant_id: UUID
    requests: list[list[Statement]]


class Undone(Exception):  # noqa: N818 - how the recorded order is rolled back
    """The recording is complete."""


async def prepare(server: Server, shop: Shop) -> tuple[Recording, set[str], Database]:
    """Record an order's statements against the running suite's database; returns what must stay as it is, too."""
    url = embedded.start(server.data_dir / "postgres").url.replace("/postgres?", f"/{DATABASE}?", 1)
    role = app_role("orders")
    secret = (server.data_dir / "role-secret").read_text().strip()
    pool = Database(url, user=role, password=role_password(secret, role), size=10, application_name="bench")
    tenant_id = UUID(shop.tenant_id)
    recording = Recording(tenant_id, [])
    try:
        async with pool.transaction(tenant_id) as tx:
            kept = {str(row["id"]) for row in await tx.sql.fetch(KEPT, tenant_id)} | {shop.tenant_id}
            for number in range(VARIANTS):
                recording.requests.append(await _record(tx, shop, number))
            raise Undone
    except Undone:
        return recording, kept, pool


KEPT = """
select id from customers where tenant_id = $1 union all select id from products where tenant_id = $1
union all select id from warehouses where tenant_id = $1
"""


async def _record(tx: Transaction, shop: Shop, number: int) -> list[Statement]:
    statements: list[Statement] = []
    tenants = Tenants()
    facts = await tenants.facts(tx, UUID(shop.tenant_id))
    ctx = Ctx(
        service="orders",
        tx=tx,
        tenant=facts,
        actor=Actor("bench"),
        scopes=frozenset(),
        now=clock.utc_now(),
        request_id=str(new_id()),
        traceparent=telemetry.new_traceparent(),
    )

    def keep(query: Any) -> None:
        statements.append((query.query, tuple(query.args)))

    tx.sql.add_query_logger(keep)
    await actions.create_order(ctx, OrderIn.model_validate(wish(shop, number)))
    ctx.audit("create_order", "/v1/orders")
    await write_closing_statement(tx, [ctx], [])
    await asyncio.sleep(0)  # query loggers are called by the loop
    tx.sql.remove_query_logger(keep)
    return statements


def renewed(recording: Recording, number: int, kept: set[str]) -> list[Statement]:
    """The statements with fresh ids for whatever the request made, and an order number nobody has."""
    fresh: dict[str, str] = {}

    def new_text(found: re.Match[str]) -> str:
        text = found.group()
        return text if text in kept else fresh.setdefault(text, str(new_id()))

    def value(found: Any) -> Any:
        if isinstance(found, UUID):
            return UUID(UUID_TEXT.sub(new_text, str(found)))
        if isinstance(found, str):
            return NUMBER.sub(f"BENCH-{number}", UUID_TEXT.sub(new_text, found))
        if isinstance(found, list | tuple):
            return [value(item) for item in found]
        return found

    request = recording.requests[number % len(recording.requests)]
    return [(sql, tuple(value(a) for a in arguments)) for sql, arguments in request]


async def replay(
    pool: Database, recording: Recording, kept: set[str], *, total: int, concurrency: int
) -> Measured:
    """Replay the recorded statements so many times, so many at once."""
    start = time.time_ns()
    waiting = iter([renewed(recording, start + n, kept) for n in range(total)])
    result = Measured(0.0)

    async def worker() -> None:
        for statements in waiting:
            begun = time.perf_counter()
            async with pool.transaction(recording.tenant_id) as tx:
                for sql, arguments in statements:
                    await tx.sql.fetch(sql, *arguments)
            result.latencies.append(time.perf_counter() - begun)

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    result.seconds = time.perf_counter() - started
    return result
