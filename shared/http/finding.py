"""Finding rows of a list: the filters that desks need, and `q`, whose cost does not grow with what fits it.

    ORDERS = Listing("orders", f"select … from orders t", numbers=("number",), terms=(CUSTOMER_TERMS, "customer_id"))
    where = Where(ctx).add("customer_id =", customer_id).among("state", states)
    page = await list_found(ctx, page, ORDERS, where, q)

`q` finds rows whose number or reference begins with it, or whose words (a customer's name, e-mail, telephone number)
begin with its words. Where few rows can fit, they are read by index and put in order; where many can, the list is
walked through from its newest row, `WALKED` rows for one page at most: such a page may be short, and `next` goes on
(docs/adr/0044).
"""

from collections.abc import Iterable, Sequence
from copy import copy
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
from shared.values.fields import Code, LocalDate, ShortText
from shared.values.search_text import Sought

Row = TypeVar("Row", bound=TenantRow)
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
        self.dated = False

    def add(self, comparison: str, value: object) -> Self:
        """A comparison such as `customer_id =`; none where there is no value."""
        if value is not None:
            self._parts.append(f"t.{comparison} {self.parameters.add(value)}")
        return self

    def among(self, column: str, values: Sequence[object] | None) -> Self:
        """One of several values; any where none are given."""
        if values is not None:
            self._parts.append(f"t.{column} = any({self.parameters.add(list(values))})")
        return self

    def days(self, column: str, first: date | None, last: date | None) -> Self:
        """Days, both included, of a column with dates."""
        self.dated = self.dated or first is not None or last is not None
        return self.add(f"{column} >=", first).add(f"{column} <=", last)

    def local_days(self, column: str, first: date | None, last: date | None) -> Self:
        """The tenant's days, both included, of a column with instants."""
        self.dated = self.dated or first is not None or last is not None
        end = None if last is None else self._midnight(last + timedelta(days=1))
        return self.add(f"{column} >=", None if first is None else self._midnight(first)).add(
            f"{column} <", end
        )

    def that(self, condition: str) -> Self:
        """A condition in SQL of our own."""
        self._parts.append(condition)
        return self

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), clock.zone(self._ctx.tenant.time_zone)).astimezone(UTC)

    def branch(self) -> Self:
        """The same for another statement, which adds parameters of its own."""
        branched = copy(self)
        branched.parameters = Parameters(list(self.parameters.values))
        return branched

    def __str__(self) -> str:
        return " and ".join(self._parts)


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
        texts = dict.fromkeys(self.numbers, sought.text.upper()) | dict.fromkeys(self.references, sought.text)
        return [parameters.prefix(f"t.{column}", text) for column, text in texts.items()]


async def list_found(ctx: Ctx, page: PageQuery, listing: Listing, where: Where, q: str | None) -> Page[Any]:
    """A page of the rows that meet all conditions and answer `q`, newest first."""
    if where.dated:
        async with ctx.reporting():  # planned by how many days are asked for
            return await _list_found(ctx, page, listing, where, q)
    return await _list_found(ctx, page, listing, where, q)


async def shown(ctx: Ctx, table: type[Row], found: Page[Any]) -> Page[Row]:
    """The rows of a page of their ids."""
    ids = [row["id"] for row in found.items]
    statement: SelectOfScalar[Row] = (
        select(table).where(col(table.id).in_(ids)).order_by(col(table.id).desc())
    )
    return Page(items=list((await ctx.session.exec(statement)).all()) if ids else [], next=found.next)


async def _list_found(ctx: Ctx, page: PageQuery, listing: Listing, where: Where, q: str | None) -> Page[Any]:
    if q is None:
        below = where.parameters.add(page.below_id)
        rows = await ctx.sql.fetch(
            f"{listing.select} where {where} and t.id < {below} order by t.id desc limit {page.limit + 1}",
            *where.parameters.values,
        )
        return page_of(rows, page, lambda row: row["id"])
    found = await _find(ctx, page, listing, where, Sought.of(q))
    rows = await ctx.sql.fetch(
        f"{listing.select} where t.tenant_id = $1 and t.id = any($2::uuid[]) order by t.id desc",
        ctx.tenant.id,
        found.items,
    )
    return Page(items=rows, next=found.next)


async def _find(ctx: Ctx, page: PageQuery, listing: Listing, where: Where, sought: Sought) -> Page[UUID]:
    """The ids of a page of what answers a search."""
    owners: list[UUID] | None = []
    if listing.terms is not None:
        index, column = listing.terms
        most = MOST_READ if column == "id" else MOST_OWNERS
        owners = await index.owners(ctx, sought, most=most) if sought.ways else []
    if owners is None or await _fits_many(ctx, listing, sought):
        return await _walked(ctx, page, listing, where, sought)
    statement, values = exact(listing, where, sought, owners, below=page.below_id, most=page.limit + 1)
    rows = await ctx.sql.fetch(statement, *values) if statement else []
    return page_of([row["id"] for row in rows], page, lambda id_: id_)


async def _fits_many(ctx: Ctx, listing: Listing, sought: Sought) -> bool:
    """Whether more rows than may be read have a number or reference that begins with what is sought."""
    parameters = Parameters([ctx.tenant.id])
    counts = [
        f"(select count(*) from (select from {listing.table} t where t.tenant_id = $1 and {prefix} "  # noqa: S608
        f"limit {MOST_READ + 1}) as some)"
        for prefix in listing.prefixes(parameters, sought)
    ]
    if not counts:
        return False
    many: bool = await ctx.sql.fetchval(
        f"select greatest({', '.join(counts)}) > {MOST_READ}", *parameters.values
    )
    return many


def exact(
    listing: Listing, where: Where, sought: Sought, owners: Sequence[UUID], *, below: UUID, most: int
) -> tuple[str, Iterable[object]]:
    """The newest ids of all that can fit: what a prefix finds, and the newest rows of each owner."""
    where = where.branch()
    parameters = where.parameters
    under = f"t.id < {parameters.add(below)}"
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


def walking(
    listing: Listing, where: Where, sought: Sought, *, below: UUID, most: int
) -> tuple[str, Iterable[object]]:
    """The newest ids that fit among the next `WALKED` rows; each is looked at until there are enough."""
    where = where.branch()
    parameters = where.parameters
    hits = [f"({prefix})" for prefix in listing.prefixes(parameters, sought)]
    if listing.terms is not None:
        index, column = listing.terms
        hits.append(index.condition(parameters, sought, f"t.{column}"))
    hit = " or ".join(hits) or "false"
    statement = (
        f"select s.id from (select t.id, ({hit}) as hit from {listing.table} t where {where} "  # noqa: S608
        f"and t.id < {parameters.add(below)} order by t.id desc limit {WALKED}) s where s.hit "
        f"order by s.id desc limit {most}"
    )
    return statement, parameters.values


async def _walked(ctx: Ctx, page: PageQuery, listing: Listing, where: Where, sought: Sought) -> Page[UUID]:
    statement, values = walking(listing, where, sought, below=page.below_id, most=page.limit + 1)
    found = [row["id"] for row in await ctx.sql.fetch(statement, *values)]
    if len(found) > page.limit:
        return page_of(found, page, lambda id_: id_)
    where = where.branch()
    end: Any = await ctx.sql.fetchval(
        f"select t.id from {listing.table} t where {where} and t.id < {where.parameters.add(page.below_id)} "  # noqa: S608
        f"order by t.id desc offset {WALKED - 1} limit 1",
        *where.parameters.values,
    )
    return Page(items=found, next=page.next_cursor(end) if end is not None else None)
