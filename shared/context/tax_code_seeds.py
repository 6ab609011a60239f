"""Tax codes of a new tenant, seeded alike by every service that keeps them (billing owns them, orders has a copy)."""

from shared.context.ctx import Ctx
from shared.values.tax_codes import tax_code_id, tax_codes_for

SEED = """
insert into tax_codes (tenant_id, id, created_at, updated_at, code, name, category, rate, valid_from)
select $1, s.id, $2, $2, s.code, s.name, s.category, s.rate, s.valid_from
from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::date[])
  as s(id, code, name, category, rate, valid_from)
where not exists (select from tax_codes t where t.tenant_id = $1 and t.code = s.code)
on conflict do nothing
"""


async def seed_tax_codes(ctx: Ctx) -> None:
    """Give a new tenant the tax codes of its country, under the same ids in each service; so no event tells of them.

    Each seeds by itself, since a tenant is usable as soon as a service knows it, with billing or without. What a
    tenant has made of its codes since stays, also where the rates of its country are others by now.
    """
    seeds = tax_codes_for(ctx.tenant.country)
    await ctx.sql.execute(
        SEED,
        ctx.tenant.id,
        ctx.now,
        [tax_code_id(ctx.tenant.id, s.code, s.valid_from) for s in seeds],
        [s.code for s in seeds],
        [s.name for s in seeds],
        [s.category for s in seeds],
        [s.rate for s in seeds],
        [s.valid_from for s in seeds],
    )
