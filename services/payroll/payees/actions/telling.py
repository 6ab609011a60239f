"""Taking in what hr tells of employments, in whatever order and however often it comes."""

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from sqlmodel import select

from services.payroll.payees import queries
from services.payroll.payees.models import Payee, PayeeFact, PayeeStretch
from services.payroll.payees.rules import Span, Stretch, stretches_of
from shared.context.ctx import Ctx
from shared.context.sealed_facts import open_fact
from shared.context.sealed_fields import seal
from shared.contracts.hr import (
    EmployeeChanged,
    EmployeeHired,
    EmployeeTerminated,
    StartCancelled,
    TerminationCancelled,
)
from shared.database.json_rows import documents_json, recordset
from shared.database.table_sql import TableSql
from shared.database.tables import touch
from shared.values.ids import new_id

PRIVATE = ("compensation", "bank_account", "tax_ids", "birth_date")
KNOW = """
insert into payees (tenant_id, id, employee_id, employment_id, created_at, updated_at)
values ($1, $2, $3, $4, $5, $5) on conflict (tenant_id, employment_id) do nothing
"""
FORGET_STRETCHES = "delete from payee_stretches where tenant_id = $1 and payee_id = $2"
STRETCHES = TableSql(PayeeStretch, Stretch)
COLUMNS = {"id": "uuid", **STRETCHES.types}
SET_STRETCHES = f"""
insert into payee_stretches
  (tenant_id, payee_id, id, valid_from, valid_to, fact_id, fact_version, created_at, updated_at)
select $1, $2, new.id, new.valid_from, new.valid_to, new.fact_id, new.fact_version, $4, $4
from {recordset(3, COLUMNS, "new")}
"""  # noqa: S608 - our own column names


async def known_payee(ctx: Ctx, *, employment_id: UUID, employee_id: UUID) -> Payee:
    """The payee of an employment, locked; one that hr tells of for the first time comes to be, by whatever fact."""
    await ctx.sql.execute(KNOW, ctx.tenant.id, new_id(), employee_id, employment_id, ctx.now)
    statement = select(Payee).where(Payee.employment_id == employment_id).with_for_update()
    return (await ctx.session.exec(statement)).one()


async def record_facts(ctx: Ctx, event: EmployeeHired | EmployeeChanged) -> None:
    """Keep what hr tells of some days, and find anew which fact holds on which day; a known fact changes nothing."""
    payee = await known_payee(ctx, employment_id=event.employment_id, employee_id=event.employee_id)
    spans = await queries.find_spans(ctx, payee.id)
    if any(span.rank == (event.version, event.effective_on) for span in spans):
        return
    fact = await _keep(ctx, payee, event)
    spans.append(Span(fact.id, event.version, event.effective_on, event.effective_until))
    stretches = stretches_of(spans)
    await _set_stretches(ctx, payee.id, stretches)
    last = await queries.get_fact(ctx, stretches[-1].fact_id)
    if event.version >= payee.facts_version:
        payee.facts_version, payee.hire_on = event.version, event.hire_on
    payee.number, payee.name, payee.kind = last.number, last.name, last.kind
    touch(payee, ctx.now)
    await ctx.tx.flush()


async def _keep(ctx: Ctx, payee: Payee, event: EmployeeHired | EmployeeChanged) -> PayeeFact:
    """The fact as a row, what is private sealed anew for it."""
    told = open_fact(ctx, event, event.employment_id, event.private)
    fact = PayeeFact(
        tenant_id=ctx.tenant.id,
        payee_id=payee.id,
        created_at=ctx.now,
        updated_at=ctx.now,
        fact_version=event.version,
        work_country=event.work_location.country,
        work_subdivision=event.work_location.subdivision,
        **event.model_dump(
            include={
                "effective_on", "effective_until", "number", "name", "kind", "position", "department",
                "cost_centre", "weekly_hours",
            }
        ),
    )  # fmt: skip
    await seal(ctx, fact, **{name: told.get(name) for name in PRIVATE})
    ctx.session.add(fact)
    await ctx.tx.flush()
    return fact


async def _set_stretches(ctx: Ctx, payee_id: UUID, stretches: Sequence[Stretch]) -> None:
    await ctx.sql.execute(FORGET_STRETCHES, ctx.tenant.id, payee_id)
    rows = [{"id": new_id(), **asdict(each)} for each in stretches]
    await ctx.sql.execute(SET_STRETCHES, ctx.tenant.id, payee_id, documents_json(rows), ctx.now)


async def record_end(ctx: Ctx, event: EmployeeTerminated | TerminationCancelled | StartCancelled) -> None:
    """Keep when an employment ends, that it goes on after all, or that it never begins; the highest version holds."""
    payee = await known_payee(ctx, employment_id=event.employment_id, employee_id=event.employee_id)
    if event.version <= payee.end_version:
        return
    ends = event if isinstance(event, EmployeeTerminated) else None
    payee.last_day = ends.last_day if ends else None
    payee.final_pay_on = ends.final_pay_on if ends else None
    payee.unused_leave_hours = ends.unused_leave_hours if ends else None
    payee.start_cancelled = isinstance(event, StartCancelled)
    payee.end_version = event.version
    touch(payee, ctx.now)
    await ctx.tx.flush()
