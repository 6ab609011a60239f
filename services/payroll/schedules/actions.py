"""What can be done with pay schedules."""

from uuid import UUID

from services.payroll.schedules import queries
from services.payroll.schedules.models import PaySchedule
from services.payroll.schedules.rules import ScheduleInUse, require_sound
from services.payroll.schedules.rules.calendars import calendar_of
from services.payroll.schedules.schemas import PayScheduleChange, PayScheduleIn
from shared.context.ctx import Ctx
from shared.database.tables import touch
from shared.http.router import require_version

FREE = {"name", "cut_off_days"}
USED = """
select payee_id from payee_schedules where tenant_id = $1 and pay_schedule_id = $2 limit 1
"""


async def create_schedule(ctx: Ctx, schedule: PayScheduleIn) -> PaySchedule:
    """Add a schedule."""
    row = PaySchedule(tenant_id=ctx.tenant.id, created_at=ctx.now, updated_at=ctx.now, **dict(schedule))
    require_sound(row, calendar_of(row.pack))
    ctx.session.add(row)
    await ctx.tx.flush()
    return row


async def change_schedule(
    ctx: Ctx, schedule_id: UUID, change: PayScheduleChange, *, version: int
) -> PaySchedule:
    """Change a schedule, based on the version the caller has seen.

    What its periods follow from stays once somebody is paid by it, so that no day is paid twice or not at all: people
    change to another schedule then. Raises ScheduleInUse.
    """
    row = await queries.get_schedule(ctx, schedule_id, lock=True)
    require_version(row, version)
    changed = {name for name in change.model_fields_set if getattr(change, name) != getattr(row, name)}
    if changed - FREE and (payee_id := await ctx.sql.fetchval(USED, ctx.tenant.id, row.id)):
        raise ScheduleInUse(
            f"Somebody is paid by this schedule; {', '.join(sorted(changed - FREE))} cannot change any more.",
            payee_id=payee_id,
        )
    for name in changed:
        setattr(row, name, getattr(change, name))
    require_sound(row, calendar_of(row.pack))
    touch(row, ctx.now)
    await ctx.tx.flush()
    return row
