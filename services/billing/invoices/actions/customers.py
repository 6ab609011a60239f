"""The copy of orders' customers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.billing.invoices.models import Customer
from shared.context.ctx import Ctx
from shared.contracts.orders import CustomerChanged
from shared.database.table_sql import TableSql


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
    await ctx.sql.execute(KEEP, ctx.tenant.id, STATED.json([row]))
