"""The job that issues the payslips of an approved run."""

from services.payroll.payslips import actions
from shared.background.jobs import JobRun
from shared.service.subscriptions import on_job


@on_job(actions.ISSUE)
async def issue_payslips(run: JobRun) -> None:
    """Issue the payslips of the pay run under whose id the job is, some in each step, until all are."""
    done, more = run.checkpoint or 0, True
    while more:
        async with run.transaction() as ctx:
            issued = await actions.issue_payslips(ctx, run.job_id)
            done, more = done + issued, issued > 0
            await run.progress(ctx, done, checkpoint=done)
