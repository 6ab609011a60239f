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

KEPT: Final = (
    "address", "tax_id", "registration_number", "email", "contact", "electronic_address", "payment_terms_text",
    "payment_details_id", "logo_id",
)  # fmt: skip
"""What a document keeps of the seller's profile, beside the tenant's names and country."""

SNAPSHOT: Final = f"""(select jsonb_strip_nulls(jsonb_build_object('name', t.name, 'legal_name', t.legal_name,
    'country', t.country, {", ".join(f"'{name}', s.{name}" for name in KEPT)}))
  from tenants t left join sellers s on s.tenant_id = t.tenant_id and s.id = t.tenant_id where t.tenant_id = $1)"""  # noqa: S608 - our own column names
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


def seller_facts(ctx: Ctx, seller: Seller) -> dict[str, Any]:
    """What a document that is numbered now keeps of the seller; of how to pay, which row says it."""
    tenant = ctx.tenant
    names = {"name": tenant.name, "legal_name": tenant.legal_name, "country": tenant.country}
    return names | seller.model_dump(mode="json", include=set(KEPT), exclude_none=True)


async def find_seller_facts(ctx: Ctx) -> dict[str, Any]:
    """`seller_facts` of the seller as it is now."""
    return seller_facts(ctx, await get_seller(ctx))


async def find_payment_terms(ctx: Ctx, facts: Mapping[str, Any]) -> PaymentTerms:
    """How to pay, for a document that states it; whoever may have the document may read it there.

    The terms in words come first, then what the seller has said of how to pay.
    """
    words = facts.get("payment_terms_text") or ""
    found = facts.get("payment_details_id")
    details = await find_details(ctx, UUID(found) if found else None)
    if details is None:
        return PaymentTerms(text=words)
    instructions = opened(ctx, details, "payment_instructions")
    account = opened(ctx, details, "bank_account")
    texts = (words, instructions.get_secret_value() if instructions else "")
    return PaymentTerms(
        text="\n".join(text for text in texts if text),
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
