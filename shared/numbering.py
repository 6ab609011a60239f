"""Document numbers from counter rows: `SO-2026-000042`. Taken last in a transaction, they have no gaps.

The counter's row stays locked until the commit: a rollback gives the number back, and a second taker waits.
"""

from shared.ctx import Ctx

TAKE = """
insert into number_series (tenant_id, series, year, next) values ($1, $2, $3, $4::int + 1)
on conflict (tenant_id, series, year) do update set next = number_series.next + $4
returning next - $4 as first
"""


async def take_numbers(ctx: Ctx, series: str, year: int, count: int) -> range:
    """Take the next numbers of a series and year."""
    first: int = await ctx.sql.fetchval(TAKE, ctx.tenant.id, series, year, count)
    return range(first, first + count)


async def take_number(ctx: Ctx, series: str, year: int) -> str:
    """Take the next number of a series and year, in its written form."""
    return written(series, year, (await take_numbers(ctx, series, year, 1)).start)


def written(series: str, year: int, number: int) -> str:
    """A document number as people write it."""
    return f"{series}-{year}-{number:06d}"
