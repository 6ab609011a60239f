"""What credit notes do when the void of an invoice is approved."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.billing.credit_notes import actions
from services.billing.invoices.rules import VOID
from shared.context.ctx import Ctx
from shared.service.subscriptions import on_approved


@on_approved(VOID, facts=actions.find_void_facts)
async def void_invoice(ctx: Ctx, invoice_id: UUID, command: Mapping[str, Any]) -> None:
    """The void of an invoice above the limit is approved."""
    await actions.void_approved_invoice(ctx, invoice_id, command)
