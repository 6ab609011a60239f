"""Remittances: what was withheld or is owed on top of wages is paid over.

A remittance names no run, for it pays over what was withheld in many. It is posted at once: until the runs come that it
clears, its account stands on the other side.
"""

from typing import Final

from services.billing.ledger.rules import SOURCE_REMITTANCE, AlreadyPosted
from services.billing.posting_exceptions import actions as posting
from services.billing.posting_exceptions.actions import Poster, posted_by
from services.billing.wages import queries
from services.billing.wages.actions.entries import post_on
from services.billing.wages.models import WageRemittance
from services.billing.wages.rules import PayRunDiffers, clearing, require_usable
from shared.context.batch import Batch
from shared.context.ctx import Ctx
from shared.contracts.payroll import LiabilityRemitted
from shared.values.faults import Fault


async def take_remittance(ctx: Ctx, event: LiabilityRemitted) -> None:
    """Dr the liability, Cr bank on the day it was paid over; refusals as for runs."""
    require_usable(event)
    await posting.post_or_keep(REMITTANCES, Batch([(ctx, event)]))


async def _post_remitted(batch: Batch[LiabilityRemitted]) -> None:
    """Dr the liability, Cr bank."""
    for ctx, event in batch.items:
        if await _is_remitted(ctx, event):
            continue
        entry_id = await post_on(
            ctx,
            clearing(event.role, event.amount),
            day=("/remitted_on", event.remitted_on),
            memo=f"Remittance of {event.role.replace('_', ' ')}",
            source=(SOURCE_REMITTANCE, event.liability_id),
        )
        assert entry_id is not None, "what is remitted is above nothing"
        ctx.session.add(
            WageRemittance(
                tenant_id=ctx.tenant.id,
                id=event.liability_id,
                created_at=ctx.now,
                updated_at=ctx.now,
                role=event.role,
                currency=event.amount.currency,
                amount_minor=event.amount.minor,
                remitted_on=event.remitted_on,
                entry_id=entry_id,
            )
        )


async def _is_remitted(ctx: Ctx, event: LiabilityRemitted) -> bool:
    """Whether it was posted before. Raises PayRunDiffers where something else was told of the liability."""
    found = await queries.find_remittance(ctx, event.liability_id)
    if found is None:
        return False
    if (found.role, found.amount, found.remitted_on) != (event.role, event.amount, event.remitted_on):
        raise PayRunDiffers("Something else was remitted of this liability before.", liability_id=found.id)
    return True


async def _unless_remitted(ctx: Ctx, event: LiabilityRemitted, refusal: Fault) -> Fault | None:
    """Nothing where another delivery has posted it meanwhile."""
    posted = isinstance(refusal, AlreadyPosted) and await _is_remitted(ctx, event)
    return None if posted else refusal


REMITTANCES: Final = posted_by(Poster(LiabilityRemitted, _post_remitted, _unless_remitted))
