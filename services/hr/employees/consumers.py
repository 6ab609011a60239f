"""What happens to employments by the clock, and to changes when they are approved."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.hr.employees import actions
from services.hr.employees.rules import BANK_CHANGE, BEGIN, END
from shared.context.ctx import Ctx
from shared.service.subscriptions import on_approved, on_due


@on_due(BEGIN)
async def first_day_begins(ctx: Ctx, employment_id: UUID) -> None:
    """The first day has come: the employment is active."""
    await actions.day_has_come(ctx, employment_id)


@on_due(END)
async def last_day_is_over(ctx: Ctx, employment_id: UUID) -> None:
    """The last day is over: the employment is terminated."""
    await actions.day_has_come(ctx, employment_id)


@on_approved(BANK_CHANGE, facts=actions.find_change_facts)
async def bank_account_approved(ctx: Ctx, change_id: UUID, command: Mapping[str, Any]) -> None:
    """Somebody else has approved another bank account."""
    await actions.apply_approved_change(ctx, change_id, command)
