"""What the books do when payroll tells of a pay run, or of what was paid over to an authority, scheme or creditor."""

from services.billing.wages import actions
from shared.context.ctx import Ctx
from shared.contracts.payroll import LiabilityRemitted, PayRunApproved, PayRunPaid, PayRunReversed
from shared.service.subscriptions import on


@on(PayRunApproved, PayRunPaid, PayRunReversed)
async def post_pay_run(ctx: Ctx, event: PayRunApproved | PayRunPaid | PayRunReversed) -> None:
    """Keep what was told of a run and post it, once its approval is."""
    await actions.take_run(ctx, event)


@on(LiabilityRemitted)
async def post_remittance(ctx: Ctx, event: LiabilityRemitted) -> None:
    """Clear the liability's account."""
    await actions.take_remittance(ctx, event)
