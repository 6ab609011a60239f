"""What can be done with tax codes."""

from uuid import UUID

from services.billing.tax import queries
from services.billing.tax.models import TaxCode
from services.billing.tax.rules import require_consistent
from services.billing.tax.schemas import TaxCodeChange, TaxCodeIn
from shared.context.ctx import Ctx
from shared.contracts.billing import TaxCodeChanged
from shared.database.tables import touch
from shared.http.router import require_version
from shared.values.tax_codes import tax_code_id, tax_codes_for

SEED = """
insert into tax_codes (tenant_id, id, created_at, updated_at, code, name, category, rate, valid_from)
select $1, s.id, $2, $2, s.code, s.name, s.category, s.rate, s.valid_from
from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::date[])
  as s(id, code, name, category, rate, valid_from)
on conflict do nothing
"""


async def seed_tax_codes(ctx: Ctx) -> None:
    """Give a new tenant the tax codes of its country. Not told to orders: it seeds the same copy by itself."""
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


async def create_tax_code(ctx: Ctx, tax_code: TaxCodeIn) -> TaxCode:
    """Add a tax code, or a known code's rate from another day on."""
    require_consistent(tax_code.category, tax_code.rate, tax_code.valid_from, tax_code.valid_to)
    row = TaxCode(tenant_id=ctx.tenant.id, created_at=ctx.now, updated_at=ctx.now, **dict(tax_code))
    ctx.session.add(row)
    _tell(ctx, row)
    return row


async def change_tax_code(ctx: Ctx, code_id: UUID, change: TaxCodeChange, *, version: int) -> TaxCode:
    """Correct or end a tax code, based on the version the caller has seen."""
    row = await queries.get_tax_code(ctx, code_id, lock=True)
    require_version(row, version)
    for name in change.model_fields_set:
        setattr(row, name, getattr(change, name))
    require_consistent(row.category, row.rate, row.valid_from, row.valid_to)
    touch(row, ctx.now)
    _tell(ctx, row)
    return row


def _tell(ctx: Ctx, row: TaxCode) -> None:
    ctx.emit(
        TaxCodeChanged(
            tax_code_id=row.id,
            code=row.code,
            name=row.name,
            category=row.category,
            rate=row.rate,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            version=row.version,
        ),
        subject=row.id,
        version=row.version,
    )
