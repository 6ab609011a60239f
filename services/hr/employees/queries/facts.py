"""Reads of what holds of employees on a day, as known now or at an instant."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel import col, select

from services.hr.employees.models import EmployeePrivate
from services.hr.employees.queries.rows import get_employment
from services.hr.employees.rules import SEALED, state_by_clock
from services.hr.employees.schemas import SHOWN, EmployeeOut
from shared.context.ctx import Ctx
from shared.context.sealed_fields import for_caller
from shared.database.effective_dates import as_known, as_of
from shared.values.faults import NotFound
from shared.values.masked import ForCaller


@dataclass(frozen=True, slots=True)
class Moment:
    """The day that is asked about, and what was known when; without an instant, what is known now."""

    day: date
    known_at: datetime | None = None

    @classmethod
    def of(cls, ctx: Ctx, day: date | None = None, known_at: datetime | None = None) -> "Moment":
        """A day of the caller's choice, today by default."""
        return cls(day or ctx.today, known_at)


def laterals(employee_id: str, day: str, known_at: str | None) -> str:
    """SQL of what holds of an employee on a day: `m` the current employment, `t` its terms.

    Current is what goes on, hired last; else what begins next; else what ended last. The terms are those of the day, of
    the first day before it, of the last day after it.
    """
    known = as_known(known_at)
    return f"""
cross join lateral (
  select e.id as employment_id, e.kind, e.hire_on, s.state,
    (select x.valid_from - 1 from employment_stages x where x.tenant_id = $1 and x.employment_id = e.id
      and x.state = 'terminated' and {known} order by x.valid_from limit 1) as last_day
  from employments e join employment_stages s on s.tenant_id = $1 and s.employment_id = e.id
  where e.tenant_id = $1 and e.employee_id = {employee_id} and {as_of(day)} and {known}
  order by case s.state when 'cancelled' then 3 when 'terminated' then 2 when 'pending' then 1 else 0 end,
    case s.state when 'pending' then e.hire_on end, e.hire_on desc, e.id desc
  limit 1
) m
cross join lateral (
  select x.position, x.department, x.cost_centre, x.manager_id, x.country, x.subdivision, x.weekly_hours, x.work_days,
    x.compensation_id
  from employment_terms x
  where x.tenant_id = $1 and x.employment_id = m.employment_id and {known}
    and {as_of(f"least(greatest({day}, m.hire_on), m.last_day)")}
) t
"""  # noqa: S608 - no input in it


def _facts(known_at: str | None) -> str:
    return f"""
select n.id, n.number, n.version, n.created_at, n.updated_at, p.given_name, p.family_name, p.email, p.birth_date_id,
  p.gender_id, p.address_id, p.tax_ids_id, p.bank_account_id, m.*, t.*
from employees n
cross join lateral (
  select x.* from person_facts x
  where x.tenant_id = $1 and x.employee_id = n.id and {as_of("$3")} and {as_known(known_at)}
) p
{laterals("n.id", "$3", known_at)}
where n.tenant_id = $1 and n.id = any($2::uuid[]) order by n.id desc
"""  # noqa: S608 - no input in it


FACTS = _facts(None)
FACTS_KNOWN = _facts("$4::timestamptz")


async def find_facts(ctx: Ctx, employee_ids: Collection[UUID], moment: Moment) -> list[asyncpg.Record]:
    """What holds of some employees, newest first; of whom nothing was known yet is left out."""
    values = (ctx.tenant.id, list(employee_ids), moment.day)
    if moment.known_at is None:
        return list(await ctx.sql.fetch(FACTS, *values))
    return list(await ctx.sql.fetch(FACTS_KNOWN, *values, moment.known_at))


def listed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of facts as answers show it, but for what is sealed."""
    return {
        **row,
        "name": f"{row['given_name']} {row['family_name']}",
        "work_location": {"country": row["country"], "subdivision": row["subdivision"]},
        "work_pattern": {"weekly_hours": row["weekly_hours"], "days": row["work_days"]},
    }


async def show_employee(ctx: Ctx, employee_id: UUID, moment: Moment, *, reveal: bool) -> EmployeeOut:
    """One employee on a day, as known; sealed fields masked, or in full in a read by who may see them."""
    await ctx.tx.flush()
    rows = await find_facts(ctx, [employee_id], moment)
    if not rows:
        raise NotFound("employee", employee_id)
    facts = dict(rows[0])
    row = await get_employment(ctx, facts["employment_id"])
    actions = row.allowed_in(state_by_clock(row.state, row.hire_on, row.last_day, ctx.today))
    private = await find_private(ctx, [facts[f"{name}_id"] for name in SEALED])
    shown: dict[str, ForCaller | None] = {}
    for name, schema in SHOWN.items():
        shown |= for_caller(ctx, schema, private.get(facts[f"{name}_id"]), reveal=reveal)
    return EmployeeOut(
        **listed(facts)
        | shown
        | {"allowed_actions": actions, "as_of": moment.day, "known_at": moment.known_at}
    )


async def find_private(ctx: Ctx, ids: Collection[UUID | None]) -> dict[UUID, EmployeePrivate]:
    """Rows of sealed values, by id."""
    wanted = {each for each in ids if each is not None}
    if not wanted:
        return {}
    statement = select(EmployeePrivate).where(col(EmployeePrivate.id).in_(wanted))
    return {row.id: row for row in (await ctx.session.exec(statement)).all()}
