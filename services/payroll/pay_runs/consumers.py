"""The job that calculates a run, and what is done once a run is approved."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.payroll.pay_runs import actions
from services.payroll.pay_runs.actions.calculating import JOB
from services.payroll.pay_runs.rules import APPROVE
from shared.background.jobs import JobRun
from shared.context.ctx import Ctx
from shared.service.subscriptions import on_approved, on_job


@on_job(JOB, unfinished=actions.close_unfinished)
async def calculate_pay_run(run: JobRun) -> None:
    """Calculate a run's payslips, some in each step."""
    await actions.calculate_run(run)


@on_approved(APPROVE, facts=actions.find_approval_facts)
async def pay_run_approved(ctx: Ctx, run_id: UUID, command: Mapping[str, Any]) -> None:
    """Post the run."""
    await actions.post_approved_run(ctx, run_id, command)
