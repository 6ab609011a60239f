"""Finding rows of a list: the filters that desks need, and `q`, whose cost does not grow with what fits it.

    ORDERS = Listing("orders", f"select … from orders t", numbers=("number",), terms=(CUSTOMER_TERMS, "customer_id"))
    where = Where(ctx).add("customer_id =", customer_id).among("state", states)
    page = await list_found(ctx, page, ORDERS, where, q)

`q` finds rows whose number or reference begins with it, or whose words (a customer's name, e-mail, telephone number)
begin with its words. Where few rows can fit, they are read by index and put in order; where many can, the list is
walked through from its newest row, `WALKED` rows for one page at most: such a page may be short, and `next` goes on
(docs/adr/0044).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self, TypeVar
from uuid import UUID

from fastapi import Query
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from shared.context.ctx import Ctx
from shared.context.search_terms import MOST_READ, Parameters, TermIndex
from shared.database.tables import TenantRow
from shared.http.paging import MAX_LIMIT, Page, PageQuery, page_of
from shared.values import clock
from shared.values.faults import Invalid
from shared.values.fields import Code, LocalDate, ShortText
from shared.values.search_text import Sought

Row = TypeVar("Row", bound=TenantRow)
MOST_SORTED = 200_000  # rows of some days or states that are put in order
WALKED = 20_000  # rows that one page looks through where nearly everything may fit
MOST_OWNERS = 2_000  # customers whose newest rows are put in order; more of them are as good as all

Q = Annotated[
    ShortText | None, Query(description="What a number, reference, name, e-mail or phone begins with.")
]
Ids = Annotated[list[UUID] | None, Query(min_length=1, max_length=MAX_LIMIT, description="These only.")]
Number = Annotated[Code | None, Query(description="The one of this number.")]
From = Annotated[LocalDate | None, Query(alias="from", description="From this day on.")]
To = Annotated[LocalDate | None, Query(description="Until this day, itself included.")]
View = Annotated[
    Literal["full", "summary"],
    Query(description="`summary`: lean rows, without lines and the like."),
]


class Where:
    """What narrows a list down, with the parameters of its statement; the table is `t`, the tenant is $1."""

    def __init__(self, ctx: Ctx) -> None:
        """All rows of the tenant."""
        self._ctx = ctx
        self.parameters = Parameters([ctx.tenant.id])
        self._parts = ["t.tenant_id = $1"]
        self.scattered = False  # what fits may lie together anywhere in the list

    def add(self, comparison: str, value: object) -> Self:
        """A comparison such as `customer_id =`; none where there is no value."""
        if value is not None:
            self._parts.append(f"t.{comparison} ({self.parameters.add(value)})")
        return self

    def folded(self, column: str, value: str | None) -> Self:
        """A text that is the same in capitals and small letters, given in small ones."""
        if value is not None:
            self._parts.append(f"lower(t.{column}) = ({self.parameters.add(value)})")
        return self

    def among(self, column: str, values: Sequence[object] | None) -> Self:
        """One of several values; any where none are given."""
        if values is None or len(values) == 1:
            return self.add(f"{column} =", values and values[0])
        self.scattered = self.scattered or column != "id"
        return self.add(f"{column} = any", list(values))

    def days(self, column: str, first: date | None, last: date | None) -> Self:
        """Days, both included, of a column with dates."""
        _require_order(first, last)
        self.scattered = self.scattered or first is not None or last is not None
        return self.add(f"{column} >=", first).add(f"{column} <=", last)

    def local_days(self, column: str, first: date | None, last: date | None) -> Self:
        """The tenant's days, both included, of a column with instants."""
        _require_order(first, last)
        self.scattered = self.scattered or first is not None or last is not None
        end = None if last is None else self._midnight(last + timedelta(days=1))
        return self.add(f"{column} >=", None if first is None else self._midnight(first)).add(
            f"{column} <", end
        )

    def that(self, condition: str, *, scattered: bool = False) -> Self:
        """A condition in SQL of our own; `scattered` when few rows meet it, anywhere in the list."""
        self.scattered = self.scattered or scattered
        self._parts.append(condition)
        return self

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), clock.zone(self._ctx.tenant.time_zone)).astimezone(UTC)

    def __str__(self) -> str:
        return " and ".join(self._parts)


def _require_order(first: date | None, last: date | None) -> None:
    if first is not None and last is not None and first > last:
        raise Invalid.field("/query/from", "range_reversed", "`from` must not be after `to`.")


@dataclass(frozen=True, slots=True)
class Listing:
    """A table that is listed: what is selected of it (`from … t`), and by what `q` finds its rows."""

    table: str
    select: str
    numbers: tuple[str, ...] = ()
    """Columns with numbers as we write them, in capitals; in the order of bytes."""
    references: tuple[str, ...] = ()
    """Columns with folded references, in the order of bytes."""
    terms: tuple[TermIndex, str] | None = None
    """The terms of what a column of the table names: its customer, or the row itself (`id`)."""

    def prefixes(self, parameters: Parameters, sought: Sought) -> list[str]:
        """Conditions, one for each column that may begin with what is sought."""
        if not sought.text:
            return []  # of accents alone, nothing is left to look for
        texts = dict.fromkeys(self.numbers, sought.text.upper()) | dict.fromkeys(self.references, sought.text)
        return [parameters.prefix(f"t.{column}", text) for column, text in texts.items()]


async def list_found(ctx: Ctx, page: PageQuery, listing: Listing, where: Where, q: str | None) -> Page[Any]:
    """A page of the rows that meet all conditions and answer `q`, newest first."""
    if q is None and not where.scattered:
        below = where.parameters.add(page.below_id)
        rows = await ctx.sql.fetch(
            f"{listing.select} where {where} and t.id < {below} order by t.id desc limit {page.limit + 1}",
            *where.parameters.values,
        )
        return page_of(rows, page, lambda row: row["id"])
    if where.scattered:
        async with ctx.reporting():  # planned by how many there are of these days and states
            source = Source(listing, where, page.below_id, few=await _are_few(ctx, listing, where, page))
            found = await _find(ctx, page, source, q)
    else:
        found = await _find(ctx, page, Source(listing, where, page.below_id), q)
    rows = await ctx.sql.fetch(
        f"{listing.select} where t.tenant_id = $1 and t.id = any($2::uuid[]) order by t.id desc",
        ctx.tenant.id,
        found.items,
    )
    return Page(items=rows, next=found.next)


async def shown(ctx: Ctx, table: type[Row], found: Page[Any]) -> Page[Row]:
    """The rows of a page of their ids."""
    ids = [row["id"] for row in found.items]
    statement: SelectOfScalar[Row] = (
        select(table).where(col(table.id).in_(ids)).order_by(col(table.id).desc())
    )
    return Page(items=list((await ctx.session.exec(statement)).all()) if ids else [], next=found.next)


@dataclass(frozen=True, slots=True)
class Source:
    """The rows below a place of a list that meet its conditions."""

    listing: Listing
    where: Where
    below: UUID
    few: bool = False
    """They are read first and then put in order; else in order, until there are enough of them."""

    def rows(self, parameters: Parameters) -> str:
        """What follows `from`, before `order by t.id desc`."""
        found = f"{self.listing.table} t where {self.where} and t.id < {parameters.add(self.below)}"
        return f"(select t.* from {found} offset 0) t" if self.few else found  # noqa: S608 - our own column names


async def _are_few(ctx: Ctx, listing: Listing, where: Where, page: PageQuery) -> bool:
    """Whether all that is left of a list can be put in order: days and states may lie far behind its newest rows."""
    parameters = Parameters(list(where.parameters.values))
    rows = Source(listing, where, page.below_id).rows(parameters)
    count: int = await ctx.sql.fetchval(
        f"select count(*) from (select from {rows} limit {MOST_SORTED + 1}) as few",  # noqa: S608
        *parameters.values,
    )
    return count <= MOST_SORTED


async def _find(ctx: Ctx, page: PageQuery, source: Source, q: str | None) -> Page[UUID]:
    """The ids of a page."""
    if q is None:
        parameters = Parameters(list(source.where.parameters.values))
        rows = await ctx.sql.fetch(
            f"select t.id from {source.rows(parameters)} order by t.id desc limit {page.limit + 1}",  # noqa: S608
            *parameters.values,
        )
        return page_of([row["id"] for row in rows], page, lambda id_: id_)
    return await _search(ctx, page, source, Sought.of(q))


async def _search(ctx: Ctx, page: PageQuery, source: Source, sought: Sought) -> Page[UUID]:
    """The ids of a page of what answers a search."""
    listing = source.listing
    owners: list[UUID] | None = []
    if listing.terms is not None:
        index, column = listing.terms
        most = MOST_READ if column == "id" else MOST_OWNERS
        owners = await index.owners(ctx, sought, most=most) if sought.ways else []
    if owners is None or await _fits_many(ctx, listing, sought):
        return await _walked(ctx, page, source, sought)
    statement, values = exact(source, sought, owners, most=page.limit + 1)
    rows = await ctx.sql.fetch(statement, *values) if statement else []
    return page_of([row["id"] for row in rows], page, lambda id_: id_)


async def _fits_many(ctx: Ctx, listing: Listing, sought: Sought) -> bool:
    """Whether more rows than may be read have a number or reference that begins with what is sought."""
    parameters = Parameters([ctx.tenant.id])
    counts = [
        f"(select count(*) from (select from {listing.table} t where t.tenant_id = $1 and {prefix} "  # noqa: S608
        f"limit {MOST_READ + 1}) as few)"
        for prefix in listing.prefixes(parameters, sought)
    ]
    if not counts:
        return False
    many: bool = await ctx.sql.fetchval(
        f"select greatest({', '.join(counts)}) > {MOST_READ}", *parameters.values
    )
    return many


def exact(
    source: Source, sought: Sought, owners: Sequence[UUID], *, most: int
) -> tuple[str, Sequence[object]]:
    """The newest ids of all that can fit: what a prefix finds, and the newest rows of each owner."""
    listing, where = source.listing, source.where
    parameters = Parameters(list(where.parameters.values))
    under = f"t.id < {parameters.add(source.below)}"
    # Materialized, so that these are read by number or reference and not by walking through all rows in their order.
    named = [
        f"named_{n} as materialized (select t.id from {listing.table} t where {where} and {prefix} and {under})"  # noqa: S608
        for n, prefix in enumerate(listing.prefixes(parameters, sought))
    ]
    sources = [f"select id from named_{n}" for n in range(len(named))]  # noqa: S608
    if listing.terms is not None and owners:
        sources.append(
            f"select o.id from unnest({parameters.add(list(owners))}::uuid[]) as wanted(id) cross join lateral ("  # noqa: S608
            f"select t.id from {listing.table} t where {where} and t.{listing.terms[1]} = wanted.id and {under} "
            f"order by t.id desc limit {most}) o"
        )
    if not sources:
        return "", ()
    ctes = f"with {', '.join(named)} " if named else ""
    found = f"({' union '.join(sources)}) as found"
    return f"{ctes}select id from {found} order by id desc limit {most}", parameters.values  # noqa: S608


def walking(source: Source, sought: Sought, *, most: int) -> tuple[str, Sequence[object]]:
    """The newest ids that fit among the next `WALKED` rows; each is looked at until there are enough."""
    listing, parameters = source.listing, Parameters(list(source.where.parameters.values))
    hits = [f"({prefix})" for prefix in listing.prefixes(parameters, sought)]
    if listing.terms is not None:
        index, column = listing.terms
        hits.append(index.condition(parameters, sought, f"t.{column}"))
    hit = " or ".join(hits) or "false"
    statement = (
        f"select s.id from (select t.id, ({hit}) as hit from {source.rows(parameters)} "  # noqa: S608
        f"order by t.id desc limit {WALKED}) s where s.hit order by s.id desc limit {most}"
    )
    return statement, parameters.values


async def _walked(ctx: Ctx, page: PageQuery, source: Source, sought: Sought) -> Page[UUID]:
    statement, values = walking(source, sought, most=page.limit + 1)
    found = [row["id"] for row in await ctx.sql.fetch(statement, *values)]
    if len(found) > page.limit:
        return page_of(found, page, lambda id_: id_)
    parameters = Parameters(list(source.where.parameters.values))
    end: Any = await ctx.sql.fetchval(
        f"select t.id from {source.rows(parameters)} order by t.id desc offset {WALKED - 1} limit 1",  # noqa: S608
        *parameters.values,
    )
    return Page(items=found, next=page.next_cursor(end) if end is not None else None)
