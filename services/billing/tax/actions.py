"""What can be done with tax codes."""

from datetime import date
from uuid import UUID

from services.billing.tax import queries
from services.billing.tax.models import TaxCode
from services.billing.tax.rules import RateUsed, require_consistent
from services.billing.tax.schemas import TaxCodeChange, TaxCodeIn
from shared.context.ctx import Ctx
from shared.context.effective_rows import DAY, refusing_overlaps
from shared.contracts.billing import TaxCodeChanged
from shared.database.tables import touch
from shared.http.router import require_version


async def create_tax_code(ctx: Ctx, tax_code: TaxCodeIn) -> TaxCode:
    """Add a tax code, or a known code's rate from another day on; what held until further notice ends the day before.

    Raises Overlapping where the code has a rate on one of the days already.
    """
    require_consistent(tax_code.category, tax_code.rate, tax_code.valid_from, tax_code.valid_to)
    if tax_code.valid_to is None:
        await _end_predecessor(ctx, tax_code.code, starts=tax_code.valid_from)
    row = TaxCode(tenant_id=ctx.tenant.id, created_at=ctx.now, updated_at=ctx.now, **dict(tax_code))
    async with refusing_overlaps(ctx, row, key=("code",)):
        ctx.session.add(row)
    _tell(ctx, row)
    return row


async def change_tax_code(ctx: Ctx, code_id: UUID, change: TaxCodeChange, *, version: int) -> TaxCode:
    """Correct or end a tax code, based on the version the caller has seen. Raises Overlapping.

    A rate that an invoice states stays: RateUsed names the first one.
    """
    row = await queries.get_tax_code(ctx, code_id, lock=True)
    require_version(row, version)
    if "rate" in change.model_fields_set and change.rate != row.rate:
        used = await queries.find_first_use(ctx, row)
        if used is not None:
            raise RateUsed.by(row.code, *used)
    async with refusing_overlaps(ctx, row, key=("code",)):
        for name in change.model_fields_set:
            setattr(row, name, getattr(change, name))
        require_consistent(row.category, row.rate, row.valid_from, row.valid_to)
        touch(row, ctx.now)
    _tell(ctx, row)
    return row


async def _end_predecessor(ctx: Ctx, code: str, *, starts: date) -> None:
    """End what holds of a code until further notice, on the day before its successor starts."""
    row = await queries.find_open_tax_code(ctx, code, before=starts)
    if row is not None:
        row.valid_to = starts - DAY
        touch(row, ctx.now)
        await ctx.tx.flush()
        _tell(ctx, row)


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
