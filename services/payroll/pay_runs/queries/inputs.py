"""Who is in a run, and the stamp of everything that it is calculated from: one statement, whatever their number.

The stamp is a SHA-256 over the ids and versions of the rows that `run_facts` reads, and over the sums of the year to
date. It is taken before the first payee is read and compared when the run is submitted and approved: whatever changed
meanwhile, also during the calculation, makes another one.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.payroll.pay_runs.models import PayRun
from shared.context.ctx import Ctx

# As `run_facts` finds them: who is paid by the schedule on the period's last day; those named in any case.
MEMBERS = """
select p.id from payees p
join lateral (select pay_schedule_id from payee_schedules where tenant_id = $1 and payee_id = p.id and valid_from <= $4
  order by valid_from desc limit 1) s on s.pay_schedule_id = $2
where p.tenant_id = $1 and p.facts_version > 0 and not p.start_cancelled
  and p.id in (select payee_id from payee_schedules where tenant_id = $1 and pay_schedule_id = $2)
  and case when $5::uuid[] is null then p.hire_on <= $4 and (p.last_day is null or p.last_day >= $3)
      else p.id = any($5) end
  and p.id <> all($6::uuid[])
"""
TOTAL = f"select count(*) from ({MEMBERS}) as members"  # noqa: S608 - no input in it
NEXT = f"select id from ({MEMBERS}) as members where id > $7 order by id limit $8"  # noqa: S608 - no input in it
STAMP = f"""
with members as ({MEMBERS}), parts as (
  select concat_ws(' ', 'payee', p.id, p.hire_on, p.last_day, p.final_pay_on, p.unused_leave_hours, p.number, p.name)
    as part
  from members m join payees p on p.tenant_id = $1 and p.id = m.id
  union all
  select concat_ws(' ', 'terms', s.payee_id, s.valid_from, coalesce(s.valid_to::text, '-'), s.fact_id)
  from members m join payee_stretches s on s.tenant_id = $1 and s.payee_id = m.id and s.valid_from <= greatest($4, $9)
    and (s.valid_to is null or s.valid_to >= $3)
  union all
  select concat_ws(' ', 'declared', m.id, d.id, d.version) from members m cross join lateral
    (select id, version from payee_declarations where tenant_id = $1 and payee_id = m.id and valid_from <= $10
     order by valid_from desc limit 1) d
  union all
  select concat_ws(' ', 'item', i.id, i.version) from members m
  join pay_items i on i.tenant_id = $1 and i.payee_id = m.id and i.state = 'active' and i.starts_on <= $4
    and (i.ends_on is null or i.ends_on >= $3)
  union all
  select concat_ws(' ', 'away', l.leave_id, l.day, l.hours, f.pay_code) from members m
  join leave_days l on l.tenant_id = $1 and l.payee_id = m.id and l.day between $3 and $4
  join payee_leaves f on f.tenant_id = $1 and f.id = l.leave_id
  union all
  select concat_ws(' ', 'year', y.payee_id, y.measure, sum(y.amount)) from members m
  join year_to_date y on y.tenant_id = $1 and y.payee_id = m.id and y.tax_year = $11 and y.pay_on <= $10
  group by y.payee_id, y.measure
)
select encode(sha256(convert_to(concat_ws('|', $7::text, $8::text, string_agg(part, '|' order by part collate "C")),
  'UTF8')), 'hex') from parts
"""  # noqa: S608 - no input in it


def _who(ctx: Ctx, run: PayRun) -> tuple[Any, ...]:
    return (
        ctx.tenant.id, run.schedule_id, run.period_start, run.period_end, run.payee_ids, list(run.excluded),
    )  # fmt: skip


async def find_total(ctx: Ctx, run: PayRun) -> int:
    """How many payees a run has."""
    async with ctx.reporting():
        count: int = await ctx.sql.fetchval(TOTAL, *_who(ctx, run))
    return count


async def find_next_payees(ctx: Ctx, run: PayRun, *, after: UUID, limit: int) -> Sequence[UUID]:
    """The next payees of a run in the order of their ids."""
    async with ctx.reporting():
        rows = await ctx.sql.fetch(NEXT, *_who(ctx, run), after, limit)
    return [row["id"] for row in rows]


async def find_stamp(ctx: Ctx, run: PayRun, *, engine: str, tables: str) -> str:
    """The stamp of a run's inputs as they are now, for an engine and its tables."""
    async with ctx.reporting():
        stamp: str = await ctx.sql.fetchval(
            STAMP, *_who(ctx, run), engine, tables, run.pay_on, run.tax_on, run.tax_year
        )
    return stamp
