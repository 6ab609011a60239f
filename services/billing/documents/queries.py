"""Reads of the seller, and its snapshot for a document that is numbered."""

from typing import Any, Final

from sqlmodel import select

from services.billing.documents.models import Seller
from shared.context.ctx import Ctx

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


async def find_seller_facts(ctx: Ctx) -> dict[str, Any]:
    """What a document that is numbered now keeps of the seller."""
    seller = await get_seller(ctx)
    names = {"address", "tax_id", "registration_number", "email", "payment_instructions"}
    facts: dict[str, Any] = seller.model_dump(include=names, exclude_none=True)
    return facts
