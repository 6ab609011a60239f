"""Pay runs of 100, 1,000 and 10,000 payees, beside a COPY of the rows that they leave, in the same run.

Payroll runs in this process over a PostgreSQL of its own, as a worker does; payees are put there by SQL.
"""

import asyncio
import os
import time
from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import psutil

from benchmarks.report import Section, spread, table
from gateway.service import SERVICE as GATEWAY
from services.all import SERVICES
from services.payroll.service import SERVICE
from shared.context.ctx import Actor, Ctx, TenantFacts
from shared.context.sealed_fields import keyring_of, register_key
from shared.database.sealing import Place
from shared.values.ids import new_id
from tests.kit import postgres
from tests.kit.suite import Suite, migrated_database, running_suite

SIZES = (100, 1_000, 10_000)
ROUNDS = 3
WANTED_RATE, WANTED_SHARE = 900, 0.25
HIRED = date(2026, 1, 5)
SALARY = {"kind": "salary", "amount": {"amount": "30000.00", "currency": "GBP"}, "per": "year"}
DECLARED = {"tax_code": "1257L", "ni_category": "A"}
TABLES = ("payslips", "payslip_lines")


async def payroll() -> Section:
    """The whole part."""
    with postgres.test_cluster() as admin:
        url = await migrated_database(admin, (*SERVICES, GATEWAY), f"backoffice_bench_{os.getpid()}")
        async with running_suite(url, [SERVICE]) as suite:
            rows = [await _measured(suite, url, size) for size in SIZES]
    heads = [
        "payees",
        "payslips per second",
        "COPY of the same rows, payslips per second",
        "share",
        "memory MB",
    ]
    text = table(heads, rows) + (
        f"\n\nWanted: {WANTED_RATE} payslips per second, and {WANTED_SHARE} of the COPY. Every payslip has its lines, "
        "its hashes and its sealed record; the COPY has the indexes and neither row-level security nor foreign keys."
    )
    return Section("Pay runs", text)


async def _measured(suite: Suite, url: str, size: int) -> list[str]:
    tenant = await suite.new_tenant()
    api = suite.client("payroll", tenant, actor=Actor("bench"))
    schedule = {"name": "Monthly", "pack": "uk", "frequency": "monthly", "anchor": "2026-01-31"}
    schedule_id = (await api.post("/v1/pay-schedules", json=schedule)).json()["id"]
    async with suite.work("payroll", tenant) as ctx:
        await _put_payees(ctx, UUID(schedule_id), size)
    body = {"schedule_id": schedule_id, "period_start": "2026-04-01"}
    run = (await api.post("/v1/pay-runs", json=body)).json()
    rates, copies = [], []
    for _ in range(ROUNDS):
        rates.append(size / await _calculated(api, run, size))
        copies.append(size / await _copied(url, tenant))
    shares = [rate / copy for rate, copy in zip(rates, copies, strict=True)]
    memory = psutil.Process().memory_info().rss / 1024 / 1024
    return [f"{size:,}", spread(rates), spread(copies), spread(shares, 2), f"{memory:,.0f}"]


async def _calculated(api: httpx.AsyncClient, run: dict[str, Any], size: int) -> float:
    """Seconds from the request to the result."""
    started = time.perf_counter()
    answer = await api.post(f"/v1/pay-runs/{run['id']}/calculate")
    shown: dict[str, Any] = answer.json()
    while shown["state"] == "calculating":
        await asyncio.sleep(0.02)
        shown = (await api.get(f"/v1/pay-runs/{run['id']}")).json()
    if (shown["state"], shown["payslips"]) != ("calculated", size):
        raise RuntimeError(f"the run ended otherwise than expected: {shown}")
    return time.perf_counter() - started


async def _copied(url: str, tenant: TenantFacts) -> float:
    """Seconds that a COPY of the run's rows takes, into twins of the tables with their indexes."""
    sql = await asyncpg.connect(url)
    try:
        found = {
            name: await sql.fetch(f"select * from payroll.{name} where tenant_id = $1", tenant.id)
            for name in TABLES
        }
        for name in TABLES:
            twin = f"create table payroll.bench_{name} (like payroll.{name} including all)"
            await sql.execute(f"drop table if exists payroll.bench_{name}; {twin}")
        started = time.perf_counter()
        async with sql.transaction():
            for name, rows in found.items():
                records = [tuple(row) for row in rows]
                await sql.copy_records_to_table(f"bench_{name}", schema_name="payroll", records=records)
        return time.perf_counter() - started
    finally:
        for name in TABLES:
            await sql.execute(f"drop table if exists payroll.bench_{name}")
        await sql.close()


async def _put_payees(ctx: Ctx, schedule_id: UUID, size: int) -> None:
    """Payees with terms and declarations, sealed, who are paid by a schedule."""
    keyring = keyring_of(ctx)
    await register_key(ctx, keyring)

    def sealed(table_name: str, column: str, row_id: UUID, value: object) -> bytes:
        return bytes(keyring.seal(Place(ctx.tenant.id, table_name, column, row_id), value))

    ids = [(new_id(), new_id(), new_id()) for _ in range(size)]
    await _put(
        ctx, "payees",
        {"id": "uuid", "employee_id": "uuid", "employment_id": "uuid", "number": "text", "name": "text",
         "kind": "text", "hire_on": "date", "facts_version": "bigint"},
        ((i, new_id(), new_id(), f"E-{n}", "Jane", "employee", HIRED, 1) for n, (i, _, _) in enumerate(ids)),
    )  # fmt: skip
    await _put(
        ctx, "payee_facts",
        {"id": "uuid", "payee_id": "uuid", "fact_version": "bigint", "effective_on": "date", "number": "text",
         "name": "text", "kind": "text", "work_country": "text", "cost_centre": "text", "weekly_hours": "numeric",
         "compensation": "bytea", "bank_account": "bytea"},
        ((f, i, 1, HIRED, "E", "Jane", "employee", "GB", "S1", 40, sealed("payee_facts", "compensation", f, SALARY),
          sealed("payee_facts", "bank_account", f, {"holder": "Jane"})) for i, f, _ in ids),
    )  # fmt: skip
    await _put(
        ctx, "payee_stretches",
        {"id": "uuid", "payee_id": "uuid", "valid_from": "date", "fact_id": "uuid", "fact_version": "bigint"},
        ((new_id(), i, HIRED, f, 1) for i, f, _ in ids),
    )  # fmt: skip
    await _put(
        ctx, "payee_schedules", {"id": "uuid", "payee_id": "uuid", "valid_from": "date", "pay_schedule_id": "uuid"},
        ((new_id(), i, HIRED, schedule_id) for i, _, _ in ids),
    )  # fmt: skip
    await _put(
        ctx, "payee_declarations",
        {"id": "uuid", "payee_id": "uuid", "valid_from": "date", "pack": "text", "declared": "bytea"},
        ((d, i, HIRED, "uk", sealed("payee_declarations", "declared", d, DECLARED)) for i, _, d in ids),
    )  # fmt: skip


async def _put(ctx: Ctx, name: str, columns: dict[str, str], rows: Iterable[tuple[Any, ...]]) -> None:
    kinds = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(columns.values(), 2))
    await ctx.sql.execute(
        f"insert into {name} (tenant_id, {', '.join(columns)}) select $1, t.* from unnest({kinds}) t",
        ctx.tenant.id,
        *map(list, zip(*rows, strict=True)),
    )
