"""What can be done with the ledger: it only grows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from uuid import UUID

from services.payroll.year_to_date import queries
from services.payroll.year_to_date.models import YEAR_TO_DATE
from services.payroll.year_to_date.rules import LedgerEntry, SourceKind, opening_differences
from shared.context.ctx import Ctx
from shared.database.json_rows import documents_json, recordset
from shared.database.table_sql import TableSql
from shared.values.ids import new_id

LEDGER = TableSql(YEAR_TO_DATE, LedgerEntry)
COLUMNS = {"id": "uuid", **LEDGER.types}
RECORD = f"""
insert into year_to_date
  (tenant_id, id, created_at, payee_id, tax_year, measure, amount, pay_on, source_kind, source_id)
select $1, new.id, $5, new.payee_id, new.tax_year, new.measure, new.amount, new.pay_on, $3, $4
from {recordset(2, COLUMNS, "new")}
on conflict (tenant_id, source_kind, source_id, payee_id, measure) do nothing
"""  # noqa: S608 - our own column names


async def record(
    ctx: Ctx, entries: Sequence[LedgerEntry], *, source_kind: SourceKind, source_id: UUID
) -> None:
    """Add what a source brings; the same source is recorded once, however often it comes."""
    rows = documents_json([{"id": new_id(), **asdict(entry)} for entry in entries])
    await ctx.sql.execute(RECORD, ctx.tenant.id, rows, source_kind, source_id, ctx.now)


async def state_opening(
    ctx: Ctx, payee_id: UUID, figures: Mapping[str, Decimal], *, tax_year: int, begins_on: date
) -> None:
    """State the opening figures of a payee's tax year: what differs from those stated before is added.

    The caller holds the payee's lock. `begins_on` is the tax year's first day, so that every run of it has them.
    """
    known = await queries.find_opening(ctx, payee_id, tax_year=tax_year)
    added = opening_differences(dict(figures), known)
    entries = [LedgerEntry(payee_id, tax_year, name, amount, begins_on) for name, amount in added.items()]
    if entries:
        await record(ctx, entries, source_kind=SourceKind.OPENING, source_id=new_id())
