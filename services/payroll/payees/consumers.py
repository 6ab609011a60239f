"""What payroll does when hr tells of employments."""

from services.payroll.payees import actions
from shared.context.ctx import Ctx
from shared.contracts.hr import (
    EmployeeChanged,
    EmployeeHired,
    EmployeeTerminated,
    StartCancelled,
    TerminationCancelled,
)
from shared.service.subscriptions import on


@on(EmployeeHired, EmployeeChanged)
async def employment_told(ctx: Ctx, event: EmployeeHired | EmployeeChanged) -> None:
    """Somebody was hired or something of the employment changed: the payee is as hr says, day by day."""
    await actions.record_facts(ctx, event)


@on(EmployeeTerminated, TerminationCancelled, StartCancelled)
async def end_told(ctx: Ctx, event: EmployeeTerminated | TerminationCancelled | StartCancelled) -> None:
    """An employment ends, goes on after all, or never begins."""
    await actions.record_end(ctx, event)
