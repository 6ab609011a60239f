"""Reads of days away."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from services.payroll.leave.rules import DayAway
from shared.context.ctx import Ctx

DAYS_AWAY = """
select d.payee_id, d.leave_id, d.day, d.hours, l.pay_code, l.first_day_sick, l.expected_week_of_birth, l.qualifying_days
from leave_days d join payee_leaves l on l.tenant_id = d.tenant_id and l.id = d.leave_id
where d.tenant_id = $1 and d.payee_id = any($2::uuid[]) and d.day between $3 and $4
order by d.payee_id, d.day, d.leave_id
"""


async def find_days_away(
    ctx: Ctx, payee_ids: Collection[UUID], *, first: date, last: date
) -> dict[UUID, list[DayAway]]:
    """The days away of payees between two days, both included, in order; who has none is left out."""
    found: dict[UUID, list[DayAway]] = {}
    for row in await ctx.sql.fetch(DAYS_AWAY, ctx.tenant.id, list(payee_ids), first, last):
        day = DayAway(**{**row, "qualifying_days": tuple(row["qualifying_days"])})
        found.setdefault(day.payee_id, []).append(day)
    return found
