"""What became of rows, stored with the counters that show the import's progress."""

from dataclasses import dataclass, field
from uuid import UUID

from services.orders.imports.models import OrderImportRow
from services.orders.imports.rules import Code, FileOrder
from shared.context.ctx import Ctx
from shared.database.table_sql import TableSql
from shared.values.ids import new_id


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one row of the file."""

    id: UUID
    import_id: UUID
    row: int
    order_ref: str | None
    status: str
    code: str | None
    message: str | None
    order_id: UUID | None


OUTCOMES = TableSql(OrderImportRow, RowOutcome)
INSERT = f"{OUTCOMES.insert(2)} on conflict (tenant_id, import_id, row) do nothing returning status"
COUNT = """
update order_imports set updated_at = $3, version = version + 1, rows_total = $10,
  rows_done = rows_done + $4, rows_failed = rows_failed + $5, rows_skipped = rows_skipped + $6,
  orders_created = orders_created + $7, orders_failed = orders_failed + $8, orders_skipped = orders_skipped + $9
where tenant_id = $1 and id = $2 returning rows_done
"""


@dataclass
class Outcome:
    """What became of some orders; rows that belong to none are refused as one."""

    created: dict[str, tuple[UUID, FileOrder]] = field(default_factory=dict)
    refused: list[FileOrder] = field(default_factory=list)
    skipped: list[FileOrder] = field(default_factory=list)


def _rows(import_id: UUID, outcome: Outcome) -> list[RowOutcome]:
    duplicate = "An order with this reference is there already."
    imported = [
        RowOutcome(new_id(), import_id, n, ref, "imported", *_note(order, n), order_id)
        for ref, (order_id, order) in outcome.created.items()
        for n in order.numbers
    ]
    skipped = [
        RowOutcome(new_id(), import_id, n, order.order_ref, "skipped", Code.DUPLICATE, duplicate, None)
        for order in outcome.skipped
        for n in order.numbers
    ]
    failed = [
        RowOutcome(new_id(), import_id, p.row, p.order_ref, "failed", str(p.code), p.message, None)
        for order in outcome.refused
        for p in order.problems
    ]
    return imported + skipped + failed


def _note(order: FileOrder, number: int) -> tuple[str | None, str | None]:
    """What is to be known of an order that was taken, said with its first row."""
    return (Code.KEPT, order.note) if order.note and number == order.numbers[0] else (None, None)


async def store_outcomes(ctx: Ctx, import_id: UUID, outcome: Outcome, rows_total: int) -> int:
    """Store the rows and the import's counters; returns how many rows of the whole file are done."""
    stored = await ctx.sql.fetch(INSERT, ctx.tenant.id, OUTCOMES.json(_rows(import_id, outcome)))
    statuses = [row["status"] for row in stored]
    done: int = await ctx.sql.fetchval(
        COUNT,
        ctx.tenant.id,
        import_id,
        ctx.now,
        len(statuses),
        statuses.count("failed"),
        statuses.count("skipped"),
        len(outcome.created),
        sum(order.counts for order in outcome.refused),
        sum(order.counts for order in outcome.skipped),
        rows_total,
    )
    return done
