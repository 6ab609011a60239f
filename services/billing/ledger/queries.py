"""Reads of the ledger."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import orjson
from sqlmodel import col, select

from services.billing.ledger.models import Account, AllocationRow, Books, JournalEntry, Period
from services.billing.ledger.rules import DateBounds, EntryKind, PeriodState, Posting, a_year_after, month_of
from shared.context.ctx import Ctx
from shared.http.paging import Page, PageQuery, list_rows, page_of
from shared.values.faults import NotFound
from shared.values.money import Money


@dataclass(frozen=True, slots=True)
class LineView:
    """A line of an entry, as posted."""

    line: int
    account: str
    amount: Money
    open_item_id: UUID | None
    dimensions: dict[str, str]

    @property
    def posting(self) -> Posting:
        """The line as it would be posted again."""
        return Posting(self.account, self.amount, self.open_item_id, self.dimensions)

    @property
    def debit(self) -> Money | None:
        """The amount, when it stands on the left."""
        return self.amount if self.amount.minor > 0 else None

    @property
    def credit(self) -> Money | None:
        """The amount, when it stands on the right."""
        return -self.amount if self.amount.minor < 0 else None


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry with its lines; `reversed_by_id` names the entry that undid it."""

    id: UUID
    number: str | None
    effective_on: date
    kind: EntryKind
    memo: str
    source: str
    source_id: UUID | None
    source_number: str | None
    reverses_id: UUID | None
    reversed_by_id: UUID | None
    actor_id: str
    lines: list[LineView]
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def period(self) -> date:
        """The first day of the month it counts in."""
        return month_of(self.effective_on)


# Documents are numbered last, after they are posted: an entry cannot carry the number, it is looked up.
ENTRIES = """
select e.id, e.number, e.effective_on, e.kind, e.memo, e.source, e.source_id, e.reverses_id, e.actor_id, e.version,
  e.created_at, e.updated_at, coalesce(
    (select i.number from invoices i where i.tenant_id = $1 and i.id = e.source_id),
    (select c.number from credit_notes c where c.tenant_id = $1 and c.id = e.source_id),
    (select o.number from journal_entries o where o.tenant_id = $1 and o.id = e.source_id)
  ) as source_number,
  (select r.id from journal_entries r where r.tenant_id = $1 and r.reverses_id = e.id) as reversed_by_id
from journal_entries e where e.tenant_id = $1
"""
# Read along the account's own index: an account with few lines must not walk through all entries.
OF_ACCOUNT = """
 and e.id in (select p.entry_id from postings p join journal_entries e on e.tenant_id = $1 and e.id = p.entry_id
 where p.tenant_id = $1 and p.account = ${n} {conditions} group by p.entry_id order by p.entry_id desc limit {limit})
"""
LINES = """
select entry_id, line, account, amount_minor, currency, open_item_id, dimensions::text from postings
where tenant_id = $1 and entry_id = any($2::uuid[]) order by entry_id, line
"""
OPEN_AMOUNTS = "select id, open_minor, currency from open_items where tenant_id = $1 and id = any($2::uuid[])"


async def get_books(ctx: Ctx) -> Books:
    """What holds for all of the tenant's books; a new row, not yet stored, when it has said nothing."""
    found = (await ctx.session.exec(select(Books).where(Books.id == ctx.tenant.id))).one_or_none()
    return found or Books(tenant_id=ctx.tenant.id, id=ctx.tenant.id, created_at=ctx.now, updated_at=ctx.now)


async def entry_days(ctx: Ctx) -> DateBounds:
    """When an entry may take effect: from the opening of the books to a year from today."""
    return DateBounds((await get_books(ctx)).first_day, a_year_after(ctx.today))


async def receipt_days(ctx: Ctx) -> DateBounds:
    """When money may have come in: from the opening of the books to today."""
    return DateBounds((await get_books(ctx)).first_day, ctx.today)


async def get_account(ctx: Ctx, account_id: UUID, *, lock: bool = False) -> Account:
    """One account; locked when it is about to change."""
    statement = select(Account).where(Account.id == account_id)
    row = (await ctx.session.exec(statement.with_for_update() if lock else statement)).one_or_none()
    if row is None:
        raise NotFound("account", account_id)
    return row


async def accounts_by_code(ctx: Ctx, codes: Iterable[str]) -> dict[str, Account]:
    """The accounts of some codes; a code that the chart does not have is left out."""
    statement = select(Account).where(Account.code.in_(set(codes)))  # type: ignore[attr-defined]
    return {row.code: row for row in (await ctx.session.exec(statement)).all()}


async def list_accounts(ctx: Ctx, page: PageQuery, *, code: str | None) -> Page[Account]:
    """The chart, newest account first."""
    return await list_rows(ctx, Account, page, *([] if code is None else [Account.code == code]))


async def get_period(ctx: Ctx, period_id: UUID, *, lock: bool = False) -> Period:
    """One period; locked when it is about to move."""
    statement = select(Period).where(Period.id == period_id)
    row = (await ctx.session.exec(statement.with_for_update() if lock else statement)).one_or_none()
    if row is None:
        raise NotFound("period", period_id)
    return row


async def list_periods(
    ctx: Ctx, page: PageQuery, *, state: str | None, from_: date | None, to: date | None
) -> Page[Period]:
    """Periods, the latest month first, whenever they came to be."""
    statement = select(Period)
    if state is not None:
        statement = statement.where(Period.state == state)
    if from_ is not None:
        statement = statement.where(Period.ends_on >= from_)
    if to is not None:
        statement = statement.where(Period.starts_on <= to)
    if page.after_number is not None:
        latest = min(max(page.after_number, 1), date.max.toordinal())
        statement = statement.where(Period.starts_on < date.fromordinal(latest))
    statement = statement.order_by(Period.starts_on.desc()).limit(page.limit + 1)  # type: ignore[attr-defined]
    rows = (await ctx.session.exec(statement)).all()
    return page_of(rows, page, lambda row: row.starts_on.toordinal())


async def open_periods_before(ctx: Ctx, month: date) -> list[Period]:
    """The open periods before a month, the earliest first."""
    earlier = (Period.starts_on < month, Period.state == PeriodState.OPEN)
    return list(
        (await ctx.session.exec(select(Period).where(*earlier).order_by(col(Period.starts_on)))).all()
    )


async def latest_closed(ctx: Ctx) -> Period | None:
    """The latest closed period, if there is one."""
    closed = select(Period).where(Period.state == PeriodState.CLOSED)
    return (await ctx.session.exec(closed.order_by(col(Period.starts_on).desc()).limit(1))).one_or_none()


async def first_entry(ctx: Ctx) -> JournalEntry | None:
    """The entry of the earliest day, if there is one."""
    by_day = select(JournalEntry).order_by(col(JournalEntry.effective_on), col(JournalEntry.id))
    return (await ctx.session.exec(by_day.limit(1))).one_or_none()


async def get_entry(ctx: Ctx, entry_id: UUID) -> EntryView:
    """One entry with its lines."""
    rows = await ctx.sql.fetch(f"{ENTRIES} and e.id = $2", ctx.tenant.id, entry_id)
    if not rows:
        raise NotFound("journal entry", entry_id)
    return (await _with_lines(ctx, rows))[0]


async def list_entries(
    ctx: Ctx,
    page: PageQuery,
    *,
    account: str | None,
    source: str | None,
    source_id: UUID | None,
    from_: date | None,
    to: date | None,
) -> Page[EntryView]:
    """Entries with their lines, newest first."""
    given = {
        "e.id < ${n}": page.after_id,
        "e.source = ${n}": source,
        "e.source_id = ${n}": source_id,
        "e.effective_on >= ${n}": from_,
        "e.effective_on <= ${n}": to,
    }
    # Only what is asked for stands in the statement: an idle filter would hide the right index from the planner.
    wanted = [(text, value) for text, value in given.items() if value is not None]
    values = [ctx.tenant.id, *(value for _, value in wanted)]
    conditions = "".join(f" and {text.format(n=n)}" for n, (text, _) in enumerate(wanted, 2))
    if account is not None:
        values.append(account)
        conditions = OF_ACCOUNT.format(n=len(values), conditions=conditions, limit=page.limit + 1)
    rows = await ctx.sql.fetch(f"{ENTRIES}{conditions} order by e.id desc limit {page.limit + 1}", *values)
    return page_of(await _with_lines(ctx, rows), page, lambda entry: entry.id)


async def _with_lines(ctx: Ctx, rows: Sequence[dict[str, object]]) -> list[EntryView]:
    lines: dict[UUID, list[LineView]] = {row["id"]: [] for row in rows}  # type: ignore[misc]
    for p in await ctx.sql.fetch(LINES, ctx.tenant.id, list(lines)):
        amount = Money(p["amount_minor"], p["currency"])
        line = LineView(p["line"], p["account"], amount, p["open_item_id"], orjson.loads(p["dimensions"]))
        lines[p["entry_id"]].append(line)
    return [
        EntryView(**dict(row) | {"memo": _numbered(row)}, lines=lines[row["id"]])  # type: ignore[arg-type, index]
        for row in rows
    ]


def _numbered(row: dict[str, object]) -> str:
    """The memo with the number of the document that the entry is of, which is drawn after posting."""
    memo, number = str(row["memo"]), row["source_number"]
    if row["source"] not in ("invoice", "credit_note") or number is None or str(number) in memo:
        return memo
    return f"{number}: {memo}"


async def open_amounts(ctx: Ctx, item_ids: Sequence[UUID]) -> dict[UUID, Money]:
    """What is open of some documents, signed as posted; unknown ids are left out."""
    rows = await ctx.sql.fetch(OPEN_AMOUNTS, ctx.tenant.id, list(item_ids))
    return {row["id"]: Money(row["open_minor"], row["currency"]) for row in rows}


async def get_allocation(ctx: Ctx, allocation_id: UUID) -> AllocationRow:
    """One allocation."""
    statement = select(AllocationRow).where(AllocationRow.id == allocation_id)
    row = (await ctx.session.exec(statement)).one_or_none()
    if row is None:
        raise NotFound("allocation", allocation_id)
    return row


ALLOCATED = """
select a.id, a.from_item, a.to_item, a.amount_minor, a.currency, a.allocated_on from allocations a
where a.tenant_id = $1 and a.from_item = any($2::uuid[]) and a.reverses_id is null
  and not exists (select from allocations r where r.tenant_id = $1 and r.reverses_id = a.id)
order by a.id
"""


@dataclass(frozen=True, slots=True)
class AllocationView:
    """How much of a credit settled which debit, and when."""

    id: UUID
    from_item: UUID
    to_item: UUID
    amount: Money
    allocated_on: date


async def find_allocations(ctx: Ctx, from_items: Sequence[UUID]) -> list[AllocationView]:
    """What some credits have settled and was not taken back, oldest first."""
    rows = await ctx.sql.fetch(ALLOCATED, ctx.tenant.id, list(from_items))
    return [
        AllocationView(
            r["id"], r["from_item"], r["to_item"], Money(r["amount_minor"], r["currency"]), r["allocated_on"]
        )
        for r in rows
    ]
