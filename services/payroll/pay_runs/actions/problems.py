"""Keeping the problems of a run."""

from collections.abc import Sequence
from uuid import UUID

from services.payroll.payslips.rules.chunks import Problem
from shared.context.ctx import Ctx
from shared.database.json_rows import recordset, rows_json
from shared.values.ids import new_id

COLUMNS = {
    "id": "uuid", "payee_id": "uuid", "number": "text", "name": "text", "severity": "text", "code": "text",
    "message": "text", "rule": "text",
}  # fmt: skip
NAMES = ", ".join(COLUMNS)
KEEP = f"""
insert into pay_run_problems (tenant_id, run_id, created_at, updated_at, {NAMES})
select $1, $2, $3, $3, {", ".join(f"new.{name}" for name in COLUMNS)} from {recordset(4, COLUMNS, "new")}
"""  # noqa: S608 - our own column names
FORGET = "delete from pay_run_problems where tenant_id = $1 and run_id = $2"


async def keep_problems(ctx: Ctx, run_id: UUID, problems: Sequence[Problem]) -> None:
    """Store problems of a run, in one statement."""
    rows = [(new_id(), p.payee_id, p.number, p.name, p.severity, p.code, p.message, p.rule) for p in problems]
    if rows:
        await ctx.sql.execute(KEEP, ctx.tenant.id, run_id, ctx.now, rows_json(tuple(COLUMNS), rows))


async def forget_problems(ctx: Ctx, run_id: UUID) -> None:
    """Remove what an earlier calculation has left."""
    await ctx.sql.execute(FORGET, ctx.tenant.id, run_id)
