"""What can be done with positions."""

from uuid import UUID

from services.hr.employees.queries import Moment, lock_managers
from services.hr.positions import queries
from services.hr.positions.models import Position
from services.hr.positions.rules import position_cycle, unknown_position
from services.hr.positions.schemas import PositionChange, PositionIn, PositionOut
from shared.context.ctx import Ctx
from shared.database.tables import touch
from shared.http.router import require_version


async def create_position(ctx: Ctx, body: PositionIn) -> PositionOut:
    """Add a position."""
    row = Position(tenant_id=ctx.tenant.id, created_at=ctx.now, updated_at=ctx.now, **body.model_dump())
    await _require_above(ctx, row)
    ctx.session.add(row)
    await ctx.tx.flush()
    return (await queries.show_positions(ctx, [row], Moment.of(ctx)))[0]


async def change_position(
    ctx: Ctx, position_id: UUID, change: PositionChange, *, version: int
) -> PositionOut:
    """Change some fields of a position, based on the version the caller has seen."""
    row = await queries.get_position(ctx, position_id, lock=True)
    require_version(row, version)
    for name, value in change.model_dump(exclude_unset=True).items():
        setattr(row, name, value)
    if "reports_to" in change.model_fields_set:
        await _require_above(ctx, row)
    touch(row, ctx.now)
    await ctx.tx.flush()
    return (await queries.show_positions(ctx, [row], Moment.of(ctx)))[0]


async def _require_above(ctx: Ctx, row: Position) -> None:
    """Refuse to report to a position that is not there, or is below; one such change of a company at a time."""
    if row.reports_to is None:
        return
    with ctx.session.no_autoflush:
        await lock_managers(ctx)
        if not await queries.is_there(ctx, row.reports_to):
            raise unknown_position()
        if await queries.is_above(ctx, row.reports_to, row.id):
            raise position_cycle()
