"""What a run's payslips come to: totals, entry, hashes, and lists of them; sums are made by the database."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from services.payroll.pay_runs.models import PayRun
from services.payroll.pay_runs.queries.runs import get_run
from services.payroll.pay_runs.rules import posting_lines
from services.payroll.pay_runs.schemas import RegisterRowOut, VarianceOut
from shared.context.ctx import Ctx
from shared.context.sealed_fields import READ_SEALED
from shared.http.paging import Page, PageQuery, bad_cursor
from shared.values.money import Money

TOTALS = """
select count(*) as payslips, coalesce(sum(gross), 0.00) as gross, coalesce(sum(reimbursed), 0.00) as reimbursed,
  coalesce(sum(deductions), 0.00) as deductions, coalesce(sum(net), 0.00) as net,
  coalesce(sum(employer_cost), 0.00) as employer_cost,
  encode(sha256(convert_to(coalesce(json_agg(json_build_array(payee_id, input_hash) order by payee_id), '[]')::text,
    'UTF8')), 'hex') as input_hash,
  encode(sha256(convert_to(coalesce(json_agg(json_build_array(payee_id, result_hash) order by payee_id), '[]')::text,
    'UTF8')), 'hex') as result_hash
from payslips where tenant_id = $1 and run_id = $2
"""
TAXES = """
select l.code, sum(l.amount) as amount from payslips p
join payslip_lines l on l.tenant_id = p.tenant_id and l.payslip_id = p.id
where p.tenant_id = $1 and p.run_id = $2 and l.kind = 'tax' group by l.code
"""
WARNINGS = """
select code, count(*) as count from pay_run_problems
where tenant_id = $1 and run_id = $2 and severity = 'warning' group by code
"""
# Debits are above zero. Costs have the cost centre of who is paid, what is owed has none.
POSTING = """
select role, cost_centre, sum(amount) as amount from (
  select l.role, case when l.kind in ('earning', 'reimbursement', 'sacrifice') then p.cost_centre end as cost_centre,
    case when l.kind in ('earning', 'reimbursement') then l.amount else -l.amount end as amount
  from payslips p join payslip_lines l on l.tenant_id = p.tenant_id and l.payslip_id = p.id
  where p.tenant_id = $1 and p.run_id = $2
  union all
  select 'employer_contribution', p.cost_centre, l.amount
  from payslips p join payslip_lines l on l.tenant_id = p.tenant_id and l.payslip_id = p.id
  where p.tenant_id = $1 and p.run_id = $2 and l.kind = 'employer'
  union all
  select 'net_pay', null, -net from payslips where tenant_id = $1 and run_id = $2
) as sides group by role, cost_centre
"""
OF_RUN = """
select p.payee_id, l.code, sum(l.amount) as amount from payslips p
join payslip_lines l on l.tenant_id = p.tenant_id and l.payslip_id = p.id
where p.tenant_id = $1 and p.run_id = ${run} and p.payee_id >= $4 group by p.payee_id, l.code
"""
VARIANCES = f"""
select coalesce(a.payee_id, b.payee_id) as payee_id, coalesce(a.code, b.code) as code, e.number, e.name,
  coalesce(a.amount, 0.00) as amount, coalesce(b.amount, 0.00) as against
from ({OF_RUN.format(run=2)}) a full join ({OF_RUN.format(run=3)}) b on b.payee_id = a.payee_id and b.code = a.code
join payees e on e.tenant_id = $1 and e.id = coalesce(a.payee_id, b.payee_id)
where coalesce(a.amount, 0) <> coalesce(b.amount, 0)
  and (coalesce(a.payee_id, b.payee_id), coalesce(a.code, b.code) collate "C") > ($4, $5)
order by 1, coalesce(a.code, b.code) collate "C" limit $6
"""  # noqa: S608 - no input in it
PREVIOUS = """
select id from pay_runs where tenant_id = $1 and schedule_id = $2 and kind = $3 and period_start < $4
  and state in ('approved', 'paid', 'closed') order by period_start desc, id desc limit 1
"""
REGISTER = """
select id as payslip_id, payee_id, number, name, cost_centre, gross, reimbursed, deductions, taxes, net, employer_cost
from payslips where tenant_id = $1 and run_id = $2 and payee_id > $3 order by payee_id limit $4
"""
AMOUNTS = ("gross", "reimbursed", "deductions", "taxes", "net", "employer_cost")
FIRST = UUID(int=0)


async def add_up(ctx: Ctx, run: PayRun) -> None:
    """Write what a run's payslips come to into the run."""
    of_run = (ctx.tenant.id, run.id)
    async with ctx.reporting():
        totals = await ctx.sql.fetchrow(TOTALS, *of_run)
        taxes = await ctx.sql.fetch(TAXES, *of_run)
        warnings = await ctx.sql.fetch(WARNINGS, *of_run)
        posting = await ctx.sql.fetch(POSTING, *of_run)
    run.payslips, run.input_hash, run.result_hash = (
        totals["payslips"], totals["input_hash"], totals["result_hash"],
    )  # fmt: skip
    run.totals = {
        **{name: _text(totals[name], run) for name in AMOUNTS if name != "taxes"},
        "taxes": {row["code"]: _text(row["amount"], run) for row in taxes},
        "warnings": {row["code"]: row["count"] for row in warnings},
    }
    signed = ((row["role"], row["cost_centre"], Decimal(_text(row["amount"], run))) for row in posting)
    run.posting = posting_lines(signed)


def _text(amount: Decimal, run: PayRun) -> str:
    return Money.of(amount, run.currency).text


async def list_variances(
    ctx: Ctx, run_id: UUID, page: PageQuery, *, against: UUID | None
) -> Page[VarianceOut]:
    """What differs from another run, by payee and code; audited, as it tells what people earn."""
    run = await get_run(ctx, run_id)
    other_id = await _before(ctx, run) if against is None else (await get_run(ctx, against)).id
    payee_id, code = _place(page)
    async with ctx.reporting():
        rows = await ctx.sql.fetch(VARIANCES, ctx.tenant.id, run.id, other_id, payee_id, code, page.limit + 1)
    ctx.audit(READ_SEALED, f"pay_runs/{run.id}#variances")
    items = [_variance(dict(row), run.currency) for row in rows[: page.limit]]
    last = rows[page.limit - 1] if len(rows) > page.limit else None
    cursor = None if last is None else page.next_cursor(last["payee_id"].bytes + last["code"].encode())
    return Page(items=items, next=cursor)


async def _before(ctx: Ctx, run: PayRun) -> UUID:
    """The run before; where there is none, an id that none has: everything is new then."""
    found: UUID | None = await ctx.sql.fetchval(
        PREVIOUS, ctx.tenant.id, run.schedule_id, run.kind, run.period_start
    )
    return found or FIRST


def _place(page: PageQuery) -> tuple[UUID, str]:
    if page.after is None:
        return FIRST, ""
    try:
        return UUID(bytes=page.after[:16]), page.after[16:].decode()
    except ValueError as error:
        raise bad_cursor() from error


def _variance(row: dict[str, Any], currency: str) -> VarianceOut:
    amount, against = Money.of(row.pop("amount"), currency), Money.of(row.pop("against"), currency)
    return VarianceOut(**row, amount=amount, against=against, difference=amount - against)


async def list_register(ctx: Ctx, run_id: UUID, page: PageQuery) -> Page[RegisterRowOut]:
    """What each payee gets in a run, in the order of their ids; audited."""
    run = await get_run(ctx, run_id)
    after = page.after_id or FIRST
    rows = await ctx.sql.fetch(REGISTER, ctx.tenant.id, run.id, after, page.limit + 1)
    ctx.audit(READ_SEALED, f"pay_runs/{run.id}#register")
    items = [
        RegisterRowOut(**dict(row) | {name: Money.of(row[name], run.currency) for name in AMOUNTS})
        for row in rows[: page.limit]
    ]
    more = len(rows) > page.limit
    return Page(items=items, next=page.next_cursor(items[-1].payee_id) if more else None)
