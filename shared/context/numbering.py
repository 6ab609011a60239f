"""Document numbers from counter rows: `INV-2026-000017`.

Taken last in a transaction they have no gaps: the counter's row stays locked until the commit, a rollback gives
the number back, a second taker waits. Series that may have gaps (orders) are leased instead and never wait.
"""

from shared.context.ctx import Ctx
from shared.database.number_blocks import TAKE


async def take_numbers(ctx: Ctx, series: str, year: int, count: int) -> range:
    """Take the next numbers of a series and year."""
    first: int = await ctx.sql.fetchval(TAKE, ctx.tenant.id, series, year, count)
    return range(first, first + count)


async def take_number(ctx: Ctx, series: str, year: int) -> str:
    """Take the next number of a series and year, in its written form."""
    return written(series, year, (await take_numbers(ctx, series, year, 1)).start)


async def prepare_numbers(ctx: Ctx, series: str, year: int, count: int) -> None:
    """Have numbers at hand before locks are taken; `lease_numbers` then takes them without a statement."""
    await ctx.tx.leases.prepare((ctx.tenant.id, series, year), count)


async def lease_numbers(ctx: Ctx, series: str, year: int, count: int) -> list[int]:
    """Numbers of a series and year that may leave gaps; taken outside the transaction, so nobody waits for it."""
    return await ctx.tx.leases.take((ctx.tenant.id, series, year), count)


def written(series: str, year: int, number: int) -> str:
    """A document number as people write it."""
    return f"{series}-{year}-{number:06d}"
