"""Telling people that their payslips are there: a job, some in each step, so that an approval need not wait for it."""

from typing import Final
from uuid import UUID

from shared.context.ctx import Ctx
from shared.contracts.payroll import PayslipIssued

ISSUE: Final = "payslip_issue"
"""The kind of job; it is queued under the id of its pay run."""
AT_ONCE: Final = 500
NEXT = """
update payslips set issued_at = $3, version = version + 1, updated_at = $3
where tenant_id = $1 and id = any(array(select id from payslips where tenant_id = $1 and run_id = $2
  and issued_at is null and posted and not void order by id limit $4 for update))
returning id, version, employee_id, employment_id, pay_on
"""


async def issue_payslips(ctx: Ctx, run_id: UUID) -> int:
    """Issue some of the payslips of an approved run that were not yet; returns how many."""
    rows = await ctx.sql.fetch(NEXT, ctx.tenant.id, run_id, ctx.now, AT_ONCE)
    for row in rows:
        event = PayslipIssued(
            payslip_id=row["id"],
            run_id=run_id,
            employee_id=row["employee_id"],
            employment_id=row["employment_id"],
            pay_on=row["pay_on"],
        )
        ctx.emit(event, subject=row["id"], version=row["version"])
    return len(rows)
