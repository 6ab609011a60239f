"""Reads of payslips; amounts are read by whoever may read private facts, and each such read is audited."""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel import select

from services.payroll.payslips.models import Payslip
from services.payroll.payslips.rules.chunks import unpack_record
from services.payroll.payslips.schemas import (
    ExplainedLineOut,
    PayslipExplainedOut,
    PayslipLineOut,
    PayslipOut,
    PayslipSummaryOut,
)
from shared.context.ctx import Ctx
from shared.context.sealed_fields import READ_SEALED, opened
from shared.http.finding import Listing, Where, list_found, shown
from shared.http.paging import Page, PageQuery
from shared.values.faults import NotFound
from shared.values.money import Money

LISTED = Listing("payslips", "select t.id from payslips t")
LINES = """
select position, code, kind, role, basis, rate, amount, year_to_date, rule from payslip_lines
where tenant_id = $1 and payslip_id = $2 order by position
"""
BEFORE = """
select p.payee_id, l.code, sum(l.amount) as amount
from payslips p join payslip_lines l on l.tenant_id = p.tenant_id and l.payslip_id = p.id
where p.tenant_id = $1 and p.payee_id = any($2::uuid[]) and p.tax_year = $3 and p.tax_on <= $4 and p.posted
  and not p.void
group by p.payee_id, l.code
"""
HOLDERS = """
select p.payee_id, r.number from payslips p join pay_runs r on r.tenant_id = p.tenant_id and r.id = p.run_id
where p.tenant_id = $1 and p.payee_id = any($2::uuid[]) and p.period_start = $3 and p.pays_period and not p.void
"""


async def get_payslip(ctx: Ctx, payslip_id: UUID) -> Payslip:
    """One payslip."""
    found = (await ctx.session.exec(select(Payslip).where(Payslip.id == payslip_id))).one_or_none()
    if found is None:
        raise NotFound("payslip", payslip_id)
    return found


async def list_payslips(ctx: Ctx, page: PageQuery, where: Where) -> Page[PayslipSummaryOut]:
    """Payslips without their amounts, newest first."""
    found: Page[Payslip] = await shown(ctx, Payslip, await list_found(ctx, page, LISTED, where, None))
    return Page(items=[PayslipSummaryOut.model_validate(row) for row in found.items], next=found.next)


async def show_payslip(ctx: Ctx, payslip_id: UUID) -> PayslipOut:
    """One payslip in full."""
    row = await get_payslip(ctx, payslip_id)
    lines = await ctx.sql.fetch(LINES, ctx.tenant.id, row.id)
    warnings = [] if row.record is None else _record(ctx, row)["payslip"]["warnings"]
    ctx.audit(READ_SEALED, f"payslips/{row.id}")
    amounts = ("gross", "reimbursed", "deductions", "taxes", "net", "employer_cost")
    return PayslipOut(
        **PayslipSummaryOut.model_validate(row).model_dump(),
        **{name: Money.of(getattr(row, name), row.currency) for name in amounts},
        lines=[_line(line, row.currency) for line in lines],
        warnings=warnings,
        input_hash=row.input_hash,
        result_hash=row.result_hash,
    )


async def explain_payslip(ctx: Ctx, payslip_id: UUID) -> PayslipExplainedOut:
    """How each line came about; those of a reversal are those of the payslip it takes back."""
    row = await get_payslip(ctx, payslip_id)
    of = row if row.reverses is None else await get_payslip(ctx, row.reverses)
    record = _record(ctx, of)
    ctx.audit(READ_SEALED, f"payslips/{row.id}#record")
    return PayslipExplainedOut(
        id=row.id,
        explains=of.id,
        engine=record["snapshot"]["engine"],
        tables=record["snapshot"]["tables"],
        input_hash=of.input_hash,
        result_hash=of.result_hash,
        lines=[ExplainedLineOut.model_validate(line) for line in record["payslip"]["lines"]],
    )


async def read_record(ctx: Ctx, payslip_id: UUID) -> dict[str, Any]:
    """What a payslip was calculated from (`snapshot`) and what came out (`payslip`), to work with."""
    return _record(ctx, await get_payslip(ctx, payslip_id))


def _record(ctx: Ctx, row: Payslip) -> dict[str, Any]:
    sealed = opened(ctx, row, "record")
    if sealed is None:
        raise NotFound("record of payslip", row.id)
    return unpack_record(sealed.get_secret_value())


def _line(line: asyncpg.Record, currency: str) -> PayslipLineOut:
    amounts = {name: Money.of(line[name], currency) for name in ("amount", "year_to_date")}
    return PayslipLineOut(**dict(line) | amounts)


async def find_lines_before(
    ctx: Ctx, payee_ids: Collection[UUID], *, tax_year: int, until: date
) -> dict[UUID, dict[str, Decimal]]:
    """What each code comes to in a tax year for each payee, by the payslips that were approved."""
    found: dict[UUID, dict[str, Decimal]] = {}
    for row in await ctx.sql.fetch(BEFORE, ctx.tenant.id, list(payee_ids), tax_year, until):
        found.setdefault(row["payee_id"], {})[row["code"]] = row["amount"]
    return found


async def find_period_holders(ctx: Ctx, payee_ids: Sequence[UUID], *, period_start: date) -> dict[UUID, str]:
    """The number of the run that pays the period of each payee; who has none is left out."""
    rows = await ctx.sql.fetch(HOLDERS, ctx.tenant.id, list(payee_ids), period_start)
    return {row["payee_id"]: row["number"] for row in rows}
