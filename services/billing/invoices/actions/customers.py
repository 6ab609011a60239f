"""The copy of orders' customers."""

from shared.context.ctx import Ctx
from shared.contracts.orders import CustomerChanged

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
    await ctx.sql.execute(
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
