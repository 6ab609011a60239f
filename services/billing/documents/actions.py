"""What can be done with the seller."""

import asyncio
from typing import Any

from services.billing.documents import queries
from services.billing.documents.logos import check_logo
from services.billing.documents.models import PaymentDetails, Seller
from services.billing.documents.schemas import SellerChange, SellerOut
from shared.blobs.records import keep_blob
from shared.blobs.refs import BlobRef
from shared.blobs.store import Blobs
from shared.context.ctx import Ctx
from shared.context.sealed_fields import opened, seal
from shared.database.tables import touch
from shared.http.router import require_version
from shared.values.faults import NotFound
from shared.values.ids import new_id

PAYMENT = ("bank_account", "payment_instructions")


async def change_seller(ctx: Ctx, change: SellerChange, *, version: int) -> SellerOut:
    """Say what documents to come shall state of the tenant."""
    row = await queries.get_seller(ctx, lock=True)
    require_version(row, version)
    for name, value in change.model_dump(exclude_unset=True, exclude=set(PAYMENT)).items():
        setattr(row, name, value)
    if change.model_fields_set & set(PAYMENT):
        await _change_payment(ctx, row, change)
    touch(row, ctx.now)
    ctx.session.add(row)
    return await queries.show_seller(ctx, row, reveal=False)


async def _change_payment(ctx: Ctx, row: Seller, change: SellerChange) -> None:
    """A new row of how to pay, with what is not changed of the one before."""
    values: dict[str, Any] = dict.fromkeys(PAYMENT)
    before = await queries.find_details(ctx, row.payment_details_id)
    for name in PAYMENT:
        if before is not None and (kept := opened(ctx, before, name)) is not None:
            values[name] = kept.get_secret_value()
    if "bank_account" in change.model_fields_set:
        values["bank_account"] = change.bank_account.clear() if change.bank_account else None
    if "payment_instructions" in change.model_fields_set:
        text = change.payment_instructions
        values["payment_instructions"] = text.get_secret_value() if text else None
    row.payment_details_id = None
    if any(values.values()):
        details = PaymentDetails(tenant_id=row.tenant_id, id=new_id(), created_at=ctx.now, updated_at=ctx.now)
        await seal(ctx, details, **values)
        ctx.session.add(details)
        await ctx.tx.flush()
        row.payment_details_id = details.id


async def set_logo(ctx: Ctx, file: BlobRef, *, version: int) -> SellerOut:
    """Put a picture on documents to come. The one before stays in the store: numbered documents carry it."""
    content = await ctx.port(Blobs).read(file)
    await asyncio.to_thread(check_logo, content, file.media_type)
    row = await queries.get_seller(ctx, lock=True)
    require_version(row, version)
    row.logo_id = await keep_blob(ctx, file)
    touch(row, ctx.now)
    ctx.session.add(row)
    return await queries.show_seller(ctx, row, reveal=False)


async def remove_logo(ctx: Ctx, *, version: int) -> None:
    """Let documents to come be without a picture."""
    row = await queries.get_seller(ctx, lock=True)
    require_version(row, version)
    if row.logo_id is None:
        raise NotFound("logo of", "the seller")
    row.logo_id = None
    touch(row, ctx.now)
    ctx.session.add(row)
