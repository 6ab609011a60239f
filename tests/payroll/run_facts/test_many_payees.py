"""A schedule of ten thousand payees is read for a run in about a second."""

import time
from collections.abc import Iterable
from datetime import date
from itertools import islice
from typing import Any
from uuid import UUID

import httpx

from services.payroll.run_facts.queries import facts_for_run
from services.payroll.schedules.queries import find_period, get_schedule
from shared.context.ctx import Ctx, TenantFacts
from shared.context.sealed_fields import keyring_of, register_key
from shared.database.sealing import Place
from shared.values.ids import new_id
from tests.kit.suite import Suite
from tests.payroll.given import DECLARED, HIRED, SALARY, given_schedule

MANY = 10_000
MOST_SECONDS = 5.0
"""Of this process's CPU, several times what it takes alone: others may be at work beside the test."""


async def put(ctx: Ctx, table: str, columns: dict[str, str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows, some thousand at a time: no statement takes long, whatever else is at work."""
    kinds = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(columns.values(), 2))
    statement = f"insert into {table} (tenant_id, {', '.join(columns)}) select $1, t.* from unnest({kinds}) t"
    left = iter(rows)
    while some := list(islice(left, 2_000)):
        await ctx.sql.execute(statement, ctx.tenant.id, *map(list, zip(*some, strict=True)))


async def given_many(ctx: Ctx, schedule_id: UUID) -> None:
    """Payees with two stretches in April, declarations, an item, two days away and a year to date of nine measures."""
    keyring = keyring_of(ctx)
    await register_key(ctx, keyring)
    ids = [new_id() for _ in range(MANY)]

    def sealed(table: str, column: str, row_id: UUID, value: object) -> bytes:
        return bytes(keyring.seal(Place(ctx.tenant.id, table, column, row_id), value))

    await put(
        ctx, "payees",
        {"id": "uuid", "employee_id": "uuid", "employment_id": "uuid", "number": "text", "name": "text",
         "kind": "text", "hire_on": "date", "facts_version": "bigint"},
        ((i, new_id(), new_id(), f"E-{n}", "Jane", "employee", HIRED, 2) for n, i in enumerate(ids)),
    )  # fmt: skip
    parts = [(1, HIRED, date(2026, 4, 15)), (2, date(2026, 4, 16), None)]
    facts = [(new_id(), i, *part) for i in ids for part in parts]
    await put(
        ctx, "payee_facts",
        {"id": "uuid", "payee_id": "uuid", "fact_version": "bigint", "effective_on": "date", "effective_until": "date",
         "number": "text", "name": "text", "kind": "text", "work_country": "text", "compensation": "bytea"},
        ((f, i, v, a, b, "E", "Jane", "employee", "GB", sealed("payee_facts", "compensation", f, SALARY))
         for f, i, v, a, b in facts),
    )  # fmt: skip
    await put(
        ctx, "payee_stretches",
        {"id": "uuid", "payee_id": "uuid", "valid_from": "date", "valid_to": "date", "fact_id": "uuid",
         "fact_version": "bigint"},
        ((new_id(), i, a, b, f, v) for f, i, v, a, b in facts),
    )  # fmt: skip
    await put(
        ctx, "payee_schedules", {"id": "uuid", "payee_id": "uuid", "valid_from": "date", "pay_schedule_id": "uuid"},
        ((new_id(), i, HIRED, schedule_id) for i in ids),
    )  # fmt: skip
    declared = [(new_id(), i) for i in ids]
    await put(
        ctx, "payee_declarations",
        {"id": "uuid", "payee_id": "uuid", "valid_from": "date", "pack": "text", "declared": "bytea"},
        ((d, i, HIRED, "uk", sealed("payee_declarations", "declared", d, DECLARED)) for d, i in declared),
    )  # fmt: skip
    await put(
        ctx, "pay_items",
        {"id": "uuid", "payee_id": "uuid", "kind": "text", "code": "text", "recurring": "boolean", "starts_on": "date",
         "percent": "numeric", "treatment": "text", "state": "text"},
        ((new_id(), i, "deduction", "pension", True, HIRED, 5, "net_pay_arrangement", "active") for i in ids),
    )  # fmt: skip
    await put(
        ctx, "year_to_date",
        {"id": "uuid", "payee_id": "uuid", "tax_year": "integer", "measure": "text", "amount": "numeric",
         "pay_on": "date", "source_kind": "text", "source_id": "uuid"},
        ((new_id(), i, 2026, f"m{n}", 100, date(2026, 4, 6), "run", schedule_id) for i in ids for n in range(9)),
    )  # fmt: skip


async def test_ten_thousand_payees_are_read_in_about_a_second(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule = await given_schedule(payroll)
    async with suite.work("payroll", tenant) as ctx:
        await given_many(ctx, UUID(schedule["id"]))
    async with suite.work("payroll", tenant) as ctx:
        found = await get_schedule(ctx, UUID(schedule["id"]))
        period = find_period(found, date(2026, 4, 1))
        began = time.process_time()
        facts = await facts_for_run(ctx, found.id, period)
        took = time.process_time() - began

    assert len(facts) == MANY
    assert {(len(f.stretches), len(f.items), len(f.year_to_date)) for f in facts} == {(2, 1, 9)}
    assert took < MOST_SECONDS
