"""Who is above whom on which days: asked before anybody gets a manager, one change of a company at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.hr.employees.rules import Days
from shared.context.ctx import Ctx

LOCK = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
# Up from each manager, each step on the days that all steps have in common; a pair of person and days comes once.
ABOVE = """
with recursive above as (
  select m.id, m.first, m.last from unnest($2::uuid[], $3::date[], $4::date[]) as m(id, first, last)
  union
  select x.manager_id, greatest(a.first, x.valid_from, e.hire_on), least(a.last, x.valid_to, e.last_day)
  from above a
  join employment_terms x on x.tenant_id = $1 and x.employee_id = a.id and x.superseded_at is null
    and x.manager_id is not null and (a.last is null or x.valid_from <= a.last)
    and (x.valid_to is null or x.valid_to >= a.first)
  join employments e on e.tenant_id = $1 and e.id = x.employment_id and e.state <> 'cancelled'
    and (a.last is null or e.hire_on <= a.last) and (e.last_day is null or e.last_day >= a.first)
    and (x.valid_to is null or x.valid_to >= e.hire_on) and (e.last_day is null or x.valid_from <= e.last_day)
  where a.id <> $5
)
select min(first) from above where id = $5 and (last is null or first <= last)
"""


@dataclass(frozen=True, slots=True)
class Above:
    """A manager, and the days on which they are."""

    manager_id: UUID
    days: Days


async def lock_managers(ctx: Ctx) -> None:
    """Have no other change of who is above whom in the company until this one is committed."""
    await ctx.sql.fetchval(LOCK, f"hr managers {ctx.tenant.id}")


async def first_day_below(ctx: Ctx, employee_id: UUID, managers: Sequence[Above]) -> date | None:
    """The first day on which one of these managers would be below the employee; none is as it should be.

    Raises nothing; the caller holds the company's lock and has flushed.
    """
    found: date | None = await ctx.sql.fetchval(
        ABOVE,
        ctx.tenant.id,
        [each.manager_id for each in managers],
        [each.days.first for each in managers],
        [each.days.last for each in managers],
        employee_id,
    )
    return found
