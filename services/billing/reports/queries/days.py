"""The days that reports may be about: what lies years off is a slip of the keyboard, and its figures would mislead."""

from datetime import date

from services.billing.ledger import queries as ledger
from services.billing.ledger.rules import EARLIEST, DateBounds, a_year_after, fiscal_year_start
from shared.context.ctx import Ctx
from shared.values.faults import Invalid


async def year_to(ctx: Ctx, as_of: date | None) -> tuple[date, date]:
    """The first day of the fiscal year that a day lies in, and the day: today unless said."""
    last = as_of or ctx.today
    books = await ledger.get_books(ctx)
    _bounds(ctx, books.first_day).require("/query/as_of", last)
    return fiscal_year_start(last, books.fiscal_year_starts), last


async def from_to(ctx: Ctx, from_: date | None, to: date | None) -> tuple[date, date]:
    """The range of a report: the fiscal year to date unless said."""
    last = to or ctx.today
    books = await ledger.get_books(ctx)
    first = from_ or fiscal_year_start(last, books.fiscal_year_starts)
    bounds = _bounds(ctx, books.first_day)
    bounds.require("/query/from", from_)
    bounds.require("/query/to", last)
    if first > last:
        raise Invalid.field("/query/from", "range_reversed", "`from` must not be after `to`.")
    return first, last


def _bounds(ctx: Ctx, opening: date) -> DateBounds:
    return DateBounds(min(EARLIEST, opening), a_year_after(ctx.today))
