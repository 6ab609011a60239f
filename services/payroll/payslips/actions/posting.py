"""Payslips of an approved run: they count in the year to date, and are taken back by their exact opposites."""

from uuid import UUID

from services.payroll.pay_items.actions import reopen_items, settle_items
from services.payroll.year_to_date.rules import SourceKind
from shared.context.ctx import Ctx

POST = """
update payslips set posted = true, version = version + 1, updated_at = $3 where tenant_id = $1 and run_id = $2
"""
# One row for each measure of each payslip, in one statement.
COUNT = """
insert into year_to_date (tenant_id, id, created_at, payee_id, tax_year, measure, amount, pay_on, source_kind,
  source_id)
select $1, gen_random_uuid(), $3, p.payee_id, p.tax_year, m.key, m.value::numeric, p.tax_on, $4, $2
from payslips p, jsonb_each_text(p.measures) m where p.tenant_id = $1 and p.run_id = $2
"""
# The opposites of what a run has counted, as it stands in the ledger.
TAKE_BACK = """
insert into year_to_date (tenant_id, id, created_at, payee_id, tax_year, measure, amount, pay_on, source_kind,
  source_id)
select $1, gen_random_uuid(), $3, payee_id, tax_year, measure, -amount, pay_on, $6, $5
from year_to_date where tenant_id = $1 and source_kind = $4 and source_id = $2
"""
ITEMS = """
select distinct unnest(item_ids) from payslips where tenant_id = $1 and run_id = $2 and item_ids <> '{}'
"""
VOID = """
update payslips set void = true, pays_period = false, version = version + 1, updated_at = $3
where tenant_id = $1 and run_id = $2
"""
FREE = """
update payslips set pays_period = false, version = version + 1, updated_at = $3
where tenant_id = $1 and run_id = $2 and pays_period
"""
SAME = (
    "payee_id, employee_id, employment_id, number, name, kind, cost_centre, currency, period_start, period_end, "
    "tax_year, tax_on"
)
MIRROR = f"""
insert into payslips (tenant_id, id, created_at, updated_at, run_id, pay_on, pays_period, reverses, gross, reimbursed,
  deductions, taxes, net, employer_cost, measures, item_ids, input_hash, result_hash, {SAME})
select $1, gen_random_uuid(), $5, $5, $3, $4, false, p.id, -gross, -reimbursed, -deductions, -taxes, -net,
  -employer_cost, (select coalesce(jsonb_object_agg(m.key, (-(m.value::numeric))::text), '{{}}')
    from jsonb_each_text(p.measures) m), '{{}}', p.result_hash,
  encode(sha256(convert_to('reversal of ' || p.result_hash, 'UTF8')), 'hex'), {SAME}
from payslips p where p.tenant_id = $1 and p.run_id = $2 order by p.payee_id
"""  # noqa: S608 - our own column names
MIRROR_LINES = """
insert into payslip_lines (tenant_id, payslip_id, position, code, kind, role, item_id, basis, rate, amount,
  year_to_date, rule)
select $1, n.id, l.position, l.code, l.kind, l.role, l.item_id, l.basis, l.rate, -l.amount,
  l.year_to_date - l.amount, 'payroll.reversal'
from payslips n join payslip_lines l on l.tenant_id = n.tenant_id and l.payslip_id = n.reverses
where n.tenant_id = $1 and n.run_id = $2
"""


async def post_payslips(ctx: Ctx, run_id: UUID) -> None:
    """Count a run's payslips in the year to date, fix them, and settle the pay items that they pay.

    Raises IllegalTransition where another run has settled an item meanwhile.
    """
    items = [row[0] for row in await ctx.sql.fetch(ITEMS, ctx.tenant.id, run_id)]
    if items:
        await settle_items(ctx, items, run_id=run_id)
    async with ctx.reporting():
        await ctx.sql.execute(POST, ctx.tenant.id, run_id, ctx.now)
        await ctx.sql.execute(COUNT, ctx.tenant.id, run_id, ctx.now, SourceKind.RUN)


async def void_payslips(ctx: Ctx, run_id: UUID) -> None:
    """The payslips of a cancelled run count for nothing, and their period may be paid by another run."""
    await ctx.sql.execute(VOID, ctx.tenant.id, run_id, ctx.now)


async def take_back(ctx: Ctx, run_id: UUID, *, by: UUID) -> None:
    """Take a posted run out of the year to date, exactly, and have its items and its period be paid anew.

    `by` is the run whose reversal it is, or the run itself when it is cancelled.
    """
    async with ctx.reporting():
        await ctx.sql.execute(
            TAKE_BACK, ctx.tenant.id, run_id, ctx.now, SourceKind.RUN, by, SourceKind.REVERSAL
        )
        await ctx.sql.execute(FREE, ctx.tenant.id, run_id, ctx.now)
    await reopen_items(ctx, run_id=run_id)


async def mark_posted(ctx: Ctx, run_id: UUID) -> None:
    """Fix the payslips of a reversal; what they count was taken back with `take_back`."""
    await ctx.sql.execute(POST, ctx.tenant.id, run_id, ctx.now)


async def mirror_payslips(ctx: Ctx, run_id: UUID, *, into: UUID, pay_on: object) -> None:
    """Give a reversal the payslips of the run it takes back, line by line, with every amount negated."""
    async with ctx.reporting():
        await ctx.sql.execute(MIRROR, ctx.tenant.id, run_id, into, pay_on, ctx.now)
        await ctx.sql.execute(MIRROR_LINES, ctx.tenant.id, into)
