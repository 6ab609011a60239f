"""Closing an import whose job has ended without having finished, so that it does not stay `running` for ever."""

from uuid import UUID

from services.orders.imports import queries
from services.orders.imports.rules import LIFECYCLE, ImportState
from shared.background.jobs import Unfinished
from shared.blobs.records import delete_blob
from shared.context import lifecycle
from shared.context.ctx import Ctx


async def close_unfinished(ctx: Ctx, import_id: UUID, why: Unfinished) -> None:
    """Close it as failed, with the reason, or as cancelled; what it has taken in stays, its file is let go of."""
    row = await queries.get_import(ctx, import_id, lock=True)
    if row.state not in (ImportState.PENDING, ImportState.RUNNING):
        return
    if why.state == "cancelled":
        lifecycle.advance(ctx, LIFECYCLE, row, "cancel")
    else:
        if row.state == ImportState.PENDING:  # its process died each time before it could say that it began
            lifecycle.advance(ctx, LIFECYCLE, row, "start")
        row.error_code, row.error_message = why.code, why.message
        lifecycle.advance(ctx, LIFECYCLE, row, "fail", why=why.code)
    if row.blob_id is not None:
        await delete_blob(ctx, row.blob_id)
