"""Keeping the problems of a run."""

from collections.abc import Sequence
from uuid import UUID

from services.payroll.pay_runs.models import PayRunProblem
from services.payroll.payslips.rules.chunks import Problem
from shared.context.ctx import Ctx
from shared.database.table_sql import TableSql

PROBLEMS = TableSql(PayRunProblem, Problem)
GIVEN = {"id": "gen_random_uuid()", "run_id": "$2", "created_at": "$3", "updated_at": "$3"}
KEEP = PROBLEMS.insert(4, given=GIVEN)
FORGET = "delete from pay_run_problems where tenant_id = $1 and run_id = $2"


async def keep_problems(ctx: Ctx, run_id: UUID, problems: Sequence[Problem]) -> None:
    """Store problems of a run, in one statement."""
    if problems:
        await ctx.sql.execute(KEEP, ctx.tenant.id, run_id, ctx.now, PROBLEMS.json(problems))


async def forget_problems(ctx: Ctx, run_id: UUID) -> None:
    """Remove what an earlier calculation has left."""
    await ctx.sql.execute(FORGET, ctx.tenant.id, run_id)
