"""What became of rows, stored with the counters that show the import's progress."""

from dataclasses import dataclass, field
from uuid import UUID

from services.orders.imports.rules import Code, FileOrder, Problem
from shared.context.ctx import Ctx
from shared.values.ids import new_id

INSERT = """
insert into order_import_rows (tenant_id, import_id, id, row, order_ref, status, code, message, order_id)
select $1, $2, * from unnest($3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[])
on conflict (tenant_id, import_id, row) do nothing returning status
"""

COUNT = """
update order_imports set updated_at = $3, version = version + 1,
  rows_done = rows_done + $4, rows_failed = rows_failed + $5, rows_skipped = rows_skipped + $6,
  orders_created = orders_created + $7, orders_failed = orders_failed + $8, orders_skipped = orders_skipped + $9
where tenant_id = $1 and id = $2 returning rows_done
"""


@dataclass
class Outcome:
    """What became of some orders, and of rows that belong to none."""

    created: dict[str, tuple[UUID, FileOrder]] = field(default_factory=dict)
    refused: list[FileOrder] = field(default_factory=list)
    skipped: list[FileOrder] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


Line = tuple[int, str | None, str, str | None, str | None, UUID | None]


def _lines(outcome: Outcome) -> list[Line]:
    lines: list[Line] = []
    for ref, (order_id, order) in outcome.created.items():
        lines += [(n, ref, "imported", None, None, order_id) for n in order.numbers]
    for order in outcome.skipped:
        text = "An order with this reference is there already."
        lines += [(n, order.order_ref, "skipped", Code.DUPLICATE, text, None) for n in order.numbers]
    problems = [*outcome.problems, *(problem for order in outcome.refused for problem in order.problems)]
    lines += [(p.row, p.order_ref, "failed", str(p.code), p.message, None) for p in problems]
    return lines


async def store_outcomes(ctx: Ctx, import_id: UUID, outcome: Outcome) -> int:
    """Store rows and counters; rows known from a run that died are not counted twice. Answers the rows done."""
    lines = _lines(outcome)
    columns: list[list[object]] = [list(column) for column in zip(*lines, strict=True)] if lines else [[]] * 6
    stored = await ctx.sql.fetch(INSERT, ctx.tenant.id, import_id, [new_id() for _ in lines], *columns)
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
        len(outcome.refused),
        len(outcome.skipped),
    )
    return done
