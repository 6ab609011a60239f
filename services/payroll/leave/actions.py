"""What can be done with days away: hr's requests are taken in."""

from services.payroll.payees.actions import known_payee
from shared.context.ctx import Ctx
from shared.contracts.hr import LeaveApproved, LeaveCancelled
from shared.database.json_rows import recordset, rows_json
from shared.values.ids import new_id

# Of two facts about a request the higher version holds; the lower one, or the same again, changes nothing.
TELL = """
insert into payee_leaves (tenant_id, id, payee_id, leave_request_id, leave_version, pay_code, cancelled, first_day_sick,
  expected_week_of_birth, qualifying_days, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
on conflict (tenant_id, leave_request_id) do update set
  leave_version = excluded.leave_version, pay_code = excluded.pay_code, cancelled = excluded.cancelled,
  first_day_sick = excluded.first_day_sick, expected_week_of_birth = excluded.expected_week_of_birth,
  qualifying_days = excluded.qualifying_days, version = payee_leaves.version + 1, updated_at = excluded.updated_at
where payee_leaves.leave_version < excluded.leave_version
returning id
"""
FORGET_DAYS = "delete from leave_days where tenant_id = $1 and leave_id = $2"
DAYS = {"day": "date", "hours": "numeric"}
SET_DAYS = f"""
insert into leave_days (tenant_id, leave_id, payee_id, day, hours)
select $1, $2, $3, new.day, sum(new.hours) from {recordset(4, DAYS, "new")} group by new.day
"""  # noqa: S608 - our own column names


async def record_leave(ctx: Ctx, event: LeaveApproved | LeaveCancelled) -> None:
    """Keep the days of a request, or that it was taken back; a cancelled one has no days."""
    payee = await known_payee(ctx, employment_id=event.employment_id, employee_id=event.employee_id)
    cancelled = isinstance(event, LeaveCancelled)
    leave_id = await ctx.sql.fetchval(
        TELL, ctx.tenant.id, new_id(), payee.id, event.leave_request_id, event.version, event.pay_code, cancelled,
        event.first_day_sick, event.expected_week_of_birth, event.qualifying_days, ctx.now,
    )  # fmt: skip
    if leave_id is None:
        return
    await ctx.sql.execute(FORGET_DAYS, ctx.tenant.id, leave_id)
    if not cancelled:
        rows = rows_json(tuple(DAYS), [(day.date, day.hours) for day in event.days])
        await ctx.sql.execute(SET_DAYS, ctx.tenant.id, leave_id, payee.id, rows)
