"""Reads of the seller, and its snapshot for a document that is numbered."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlmodel import select

from services.billing.documents.content import BankAccount, DocumentContent, PaymentTerms
from services.billing.documents.models import PaymentDetails, Seller
from services.billing.documents.schemas import SellerOut
from shared.blobs.records import find_blob
from shared.blobs.refs import BlobRef
from shared.context.ctx import Ctx
from shared.context.sealed_fields import for_caller, opened
from shared.values.faults import NotFound

SNAPSHOT: Final = """(select jsonb_strip_nulls(to_jsonb(s) - '{tenant_id,id,version,created_at,updated_at}'::text[])
  from sellers s where s.tenant_id = $1 and s.id = $1)"""
"""SQL of what a document keeps of the seller, for statements whose first parameter is the tenant."""


async def get_seller(ctx: Ctx, *, lock: bool = False) -> Seller:
    """The tenant as a seller; a new one, not yet stored, when it has said nothing of itself."""
    statement = select(Seller).where(Seller.id == ctx.tenant.id)
    if lock:
        statement = statement.with_for_update()
    found = (await ctx.session.exec(statement)).one_or_none()
    return found or Seller(tenant_id=ctx.tenant.id, id=ctx.tenant.id, created_at=ctx.now, updated_at=ctx.now)


async def find_details(ctx: Ctx, details_id: UUID | None) -> PaymentDetails | None:
    """How to pay, by the id that the seller or a document has of it."""
    if details_id is None:
        return None
    statement = select(PaymentDetails).where(PaymentDetails.id == details_id)
    return (await ctx.session.exec(statement)).one_or_none()


async def show_seller(ctx: Ctx, seller: Seller, *, reveal: bool) -> SellerOut:
    """The seller as the caller may see it; in full at most where it is read."""
    details = await find_details(ctx, seller.payment_details_id)
    return SellerOut(
        **seller.model_dump(exclude={"payment_details_id", "payment_instructions"}),
        **for_caller(ctx, SellerOut, details, reveal=reveal),
    )


async def find_seller_facts(ctx: Ctx) -> dict[str, Any]:
    """What a document that is numbered now keeps of the seller; of how to pay, which row says it."""
    seller = await get_seller(ctx)
    names = {"address", "tax_id", "registration_number", "email", "payment_details_id", "logo_id"}
    facts: dict[str, Any] = seller.model_dump(mode="json", include=names, exclude_none=True)
    return facts


async def find_payment_terms(ctx: Ctx, facts: Mapping[str, Any] | None) -> PaymentTerms:
    """How to pay, for a document that states it; whoever may have the document may read it there."""
    found = (facts or {}).get("payment_details_id")
    details = await find_details(ctx, UUID(found) if found else None)
    if details is None:
        return PaymentTerms()
    text, account = opened(ctx, details, "payment_instructions"), opened(ctx, details, "bank_account")
    return PaymentTerms(
        text=text.get_secret_value() if text else "",
        account=BankAccount(**account.get_secret_value()) if account else None,
    )


async def get_logo(ctx: Ctx) -> BlobRef:
    """The picture on documents to come."""
    seller = await get_seller(ctx)
    if seller.logo_id is None:
        raise NotFound("logo of", "the seller")
    return await find_blob(ctx, seller.logo_id)


async def find_logo(ctx: Ctx, content: DocumentContent) -> BlobRef | None:
    """The picture that a document carries, if it carries one."""
    return None if content.logo_id is None else await find_blob(ctx, content.logo_id)
