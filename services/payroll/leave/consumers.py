"""What payroll does when hr tells of leave."""

from services.payroll.leave import actions
from shared.context.ctx import Ctx
from shared.contracts.hr import LeaveApproved, LeaveCancelled
from shared.service.subscriptions import on


@on(LeaveApproved, LeaveCancelled)
async def leave_told(ctx: Ctx, event: LeaveApproved | LeaveCancelled) -> None:
    """Days away were granted or taken back."""
    await actions.record_leave(ctx, event)
