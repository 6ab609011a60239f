"""What became of a document's latest mail, as the document shows it."""

from typing import Final, Literal
from uuid import UUID

from shared.context.ctx import Ctx
from shared.values.fields import Timestamp, WireModel

MailState = Literal["queued", "sent", "bounced"]
LATEST: Final = """
select distinct on (aggregate_id) aggregate_id, state, recipient, coalesce(finished_at, created_at) as at, reason
from mails where tenant_id = $1 and aggregate_id = any($2::uuid[]) order by aggregate_id, id desc
"""


class DeliveryOut(WireModel):
    """How a document went out by mail, the last time: `at` is when it was queued, sent or given up.

    `reason` says why it bounced, or why it was not taken yet.
    """

    state: MailState
    to: str
    at: Timestamp
    reason: str | None


async def find_deliveries(ctx: Ctx, document_ids: list[UUID]) -> dict[UUID, DeliveryOut]:
    """The latest mail of each document that has one, those that this transaction queues included."""
    rows = await ctx.sql.fetch(LATEST, ctx.tenant.id, document_ids) if document_ids else []
    found = {
        row["aggregate_id"]: DeliveryOut.model_construct(
            state=row["state"], to=row["recipient"], at=row["at"], reason=row["reason"]
        )
        for row in rows
    }
    for mail in ctx.work.mails:
        state: MailState = "queued" if mail.reason is None else "bounced"
        found[mail.aggregate_id] = DeliveryOut(state=state, to=mail.recipient, at=ctx.now, reason=mail.reason)
    return {key: found[key] for key in document_ids if key in found}
