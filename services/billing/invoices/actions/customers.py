"""The copy of orders' customers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.billing.invoices import queries
from services.billing.invoices.models import Customer
from shared.context.ctx import Ctx
from shared.contracts.orders import CustomerChanged
from shared.database.table_sql import TableSql
from shared.values.search_text import terms_of

OLDER = "INSERT 0 0"  # what PostgreSQL says when the row stays as it was


@dataclass(frozen=True, slots=True)
class _Stated:
    """A customer's row as orders states it."""

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    name: str
    email: str | None
    phone: str | None
    tax_id: str | None
    external_ref: str | None
    billing_address: dict[str, Any] | None
    shipping_address: dict[str, Any] | None
    language: str | None
    registration_number: str | None
    buyer_reference: str | None
    electronic_address: str | None
    payment_terms_days: int | None
    e_invoice: str
    delivery: str


STATED = TableSql(Customer, _Stated)
KEEP = f"{STATED.replace(2, keep=('created_at',))} where customers.version < excluded.version"


async def keep_customer(ctx: Ctx, changed: CustomerChanged) -> None:
    """Remember a customer as orders states it; an older statement never replaces a newer one."""
    facts = changed.model_dump(exclude={"customer_id"})
    row = _Stated(id=changed.customer_id, created_at=ctx.now, updated_at=ctx.now, **facts)
    if await ctx.sql.execute(KEEP, ctx.tenant.id, STATED.json([row])) != OLDER:
        terms = terms_of(row.name, row.email, row.external_ref, phones=[row.phone])
        await queries.CUSTOMER_TERMS.add(ctx, {row.id: terms})


async def be_found(ctx: Ctx, customer_id: UUID, *facts: str | None) -> None:
    """Have a customer's documents found by these facts, and by all that were said of it before: papers keep them."""
    await queries.CUSTOMER_TERMS.add(ctx, {customer_id: terms_of(*facts)})
