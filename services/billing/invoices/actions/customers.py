"""The copy of orders' customers."""

from uuid import UUID

from services.billing.invoices import queries
from shared.context.ctx import Ctx
from shared.contracts.orders import CustomerChanged
from shared.values.search_text import terms_of

OLDER = "INSERT 0 0"  # what PostgreSQL says when the row stays as it was

KEEP = """
insert into customers (tenant_id, id, version, created_at, updated_at, name, email, tax_id, billing_address)
values ($1, $2, $3, $4, $4, $5, $6, $7, $8::text::jsonb)
on conflict (tenant_id, id) do update set version = excluded.version, updated_at = excluded.updated_at,
  name = excluded.name, email = excluded.email, tax_id = excluded.tax_id, billing_address = excluded.billing_address
where customers.version < excluded.version
"""


async def keep_customer(ctx: Ctx, changed: CustomerChanged) -> None:
    """Remember a customer as orders states it; an older statement never replaces a newer one."""
    address = changed.billing_address
    kept = await ctx.sql.execute(
        KEEP,
        ctx.tenant.id,
        changed.customer_id,
        changed.version,
        ctx.now,
        changed.name,
        changed.email,
        changed.tax_id,
        None if address is None else address.model_dump_json(),
    )
    if kept != OLDER:
        await be_found(ctx, changed.customer_id, changed.name, changed.email)


async def be_found(ctx: Ctx, customer_id: UUID, *facts: str | None) -> None:
    """Have a customer's documents found by these facts, and by all that were said of it before: papers keep them."""
    await queries.CUSTOMER_TERMS.add(ctx, {customer_id: terms_of(*facts)})
