"""What payroll does when hr tells of benefits."""

from services.payroll.pay_items import actions
from shared.context.ctx import Ctx
from shared.contracts.hr import BenefitElected, BenefitEnded
from shared.service.subscriptions import on


@on(BenefitElected)
async def benefit_elected(ctx: Ctx, event: BenefitElected) -> None:
    """A benefit is deducted, and contributed to, from a day on."""
    await actions.record_elected(ctx, event)


@on(BenefitEnded)
async def benefit_ended(ctx: Ctx, event: BenefitEnded) -> None:
    """A benefit has a last day."""
    await actions.record_ended(ctx, event)
