"""Reads of payees: as of a day, masked unless the caller may see."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from services.payroll.packs import packs
from services.payroll.payees.models import Payee, PayeeDeclarations, PayeeFact
from services.payroll.payees.rules import Span, status_on
from services.payroll.payees.schemas import (
    DeclaredOut,
    MeasureOut,
    PayeeOut,
    PrivateOut,
    WorkLocationOut,
    YearToDateOut,
)
from services.payroll.schedules.queries import find_schedules
from services.payroll.schedules.rules.calendars import calendar_of
from services.payroll.year_to_date.queries import find_opening, find_totals
from shared.context.ctx import Ctx
from shared.context.sealed_fields import READ_SEALED, for_caller, keyring_of
from shared.database.sealing import Place, Sealed
from shared.http.finding import Listing, Where, list_found, shown
from shared.http.paging import Page, PageQuery
from shared.values.faults import NotFound, Refused
from shared.values.money import Money

LISTED = Listing("payees", "select t.id from payees t")
SPANS = """
select id, fact_version, effective_on, effective_until from payee_facts where tenant_id = $1 and payee_id = $2
"""
# The stretch of the day, else the last one before it, else the first one there is.
AT = """
select p.id as payee_id, coalesce(before.fact_id, after.fact_id) as fact_id, s.pay_schedule_id, d.id as declarations_id
from unnest($2::uuid[], $3::date[]) as p(id, day)
left join lateral (select fact_id from payee_stretches where tenant_id = $1 and payee_id = p.id and valid_from <= p.day
  order by valid_from desc limit 1) before on true
left join lateral (select fact_id from payee_stretches where tenant_id = $1 and payee_id = p.id and valid_from > p.day
  order by valid_from limit 1) after on true
left join lateral (select pay_schedule_id from payee_schedules where tenant_id = $1 and payee_id = p.id
  and valid_from <= p.day order by valid_from desc limit 1) s on true
left join lateral (select id from payee_declarations where tenant_id = $1 and payee_id = p.id
  and valid_from <= p.day order by valid_from desc limit 1) d on true
"""
ACCOUNTS = """
select distinct on (s.payee_id) s.payee_id, f.id, f.bank_account
from payee_stretches s join payee_facts f on f.tenant_id = s.tenant_id and f.id = s.fact_id
where s.tenant_id = $1 and s.payee_id = any($2::uuid[]) and s.valid_from <= $3
order by s.payee_id, s.valid_from desc
"""
# By this schedule on the day, and no longer by the one before or by one that came since.
PAID_BY = """t.id in (
  select s.payee_id from payee_schedules s where s.tenant_id = $1 and s.pay_schedule_id = {schedule}
  and s.valid_from <= {day} and not exists (select from payee_schedules later where later.tenant_id = $1
    and later.payee_id = s.payee_id and later.valid_from > s.valid_from and later.valid_from <= {day}))"""


@dataclass(frozen=True, slots=True)
class At:
    """What holds of a payee on a day: hr's fact, the schedule, the declarations."""

    fact: PayeeFact
    pay_schedule_id: UUID | None
    schedule_pack: str | None
    declarations: PayeeDeclarations | None

    @property
    def pack(self) -> str | None:
        """The pack that somebody is paid by: that of the declarations, else the schedule's."""
        return self.declarations.pack if self.declarations else self.schedule_pack


async def get_payee(ctx: Ctx, payee_id: UUID, *, lock: bool = False) -> Payee:
    """One payee of whom hr has told facts; locked when it is about to change."""
    statement = select(Payee).where(Payee.id == payee_id, Payee.facts_version > 0)
    if lock:
        statement = statement.with_for_update()
    found = (await ctx.session.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("payee", payee_id)
    return found


async def get_fact(ctx: Ctx, fact_id: UUID) -> PayeeFact:
    """One fact of hr's, by its id."""
    return (await ctx.session.exec(select(PayeeFact).where(PayeeFact.id == fact_id))).one()


async def find_spans(ctx: Ctx, payee_id: UUID) -> list[Span]:
    """The days of all facts that hr told of a payee."""
    rows = await ctx.sql.fetch(SPANS, ctx.tenant.id, payee_id)
    return [Span(r["id"], r["fact_version"], r["effective_on"], r["effective_until"]) for r in rows]


async def list_payees(
    ctx: Ctx, page: PageQuery, where: Where, *, pay_schedule_id: UUID | None
) -> Page[PayeeOut]:
    """Payees as of today, newest first; masked for everybody."""
    where.that("t.facts_version > 0")
    if pay_schedule_id is not None:
        add = where.parameters.add
        where.that(PAID_BY.format(schedule=add(pay_schedule_id), day=add(ctx.today)), scattered=True)
    found: Page[Payee] = await shown(ctx, Payee, await list_found(ctx, page, LISTED, where, None))
    known = await find_at(ctx, found.items, on=ctx.today)
    items = [_out(ctx, payee, known[payee.id], on=ctx.today, reveal=False) for payee in found.items]
    return Page(items=items, next=found.next)


async def show_payee(ctx: Ctx, payee: Payee, *, as_of: date | None, reveal: bool) -> PayeeOut:
    """A payee as of a day (today) as the caller may see it; in full at most where it is read."""
    day = as_of or ctx.today
    known = await find_at(ctx, [payee], on=day)
    return _out(ctx, payee, known[payee.id], on=day, reveal=reveal)


async def find_at(ctx: Ctx, payees: Sequence[Payee], *, on: date) -> dict[UUID, At]:
    """What holds of payees on a day; of one that begins later, what holds on its first day."""
    if not payees:
        return {}
    days = [max(on, payee.hire_on or on) for payee in payees]
    rows = await ctx.sql.fetch(AT, ctx.tenant.id, [payee.id for payee in payees], days)
    facts = await _by_id(ctx, PayeeFact, [row["fact_id"] for row in rows])
    declared = await _by_id(ctx, PayeeDeclarations, [row["declarations_id"] for row in rows])
    schedules = await find_schedules(ctx, {r["pay_schedule_id"] for r in rows if r["pay_schedule_id"]})
    return {
        row["payee_id"]: At(
            facts[row["fact_id"]],
            row["pay_schedule_id"],
            schedules[row["pay_schedule_id"]].pack if row["pay_schedule_id"] else None,
            declared.get(row["declarations_id"]),
        )
        for row in rows
    }


async def _by_id(ctx: Ctx, model: Any, ids: Collection[UUID | None]) -> Mapping[UUID, Any]:  # noqa: ANN401 - a table
    wanted = [each for each in ids if each is not None]
    found = await ctx.session.exec(select(model).where(col(model.id).in_(wanted))) if wanted else ()
    return {row.id: row for row in found}


def _out(ctx: Ctx, payee: Payee, at: At, *, on: date, reveal: bool) -> PayeeOut:
    fact = at.fact
    declared = for_caller(ctx, DeclaredOut, at.declarations, reveal=reveal)["declared"]
    return PayeeOut(
        **payee.model_dump(exclude={"facts_version", "end_version", "start_cancelled", "tenant_id"})
        | {name: getattr(fact, name) for name in ("number", "name", "kind", "position", "department")},
        cost_centre=fact.cost_centre,
        weekly_hours=fact.weekly_hours,
        work_location=WorkLocationOut(country=fact.work_country, subdivision=fact.work_subdivision),
        status=status_on(
            on, hire_on=payee.hire_on, last_day=payee.last_day, start_cancelled=payee.start_cancelled
        ),
        pay_schedule_id=at.pay_schedule_id,
        pack=at.pack,
        declarations=declared,
        **for_caller(ctx, PrivateOut, fact, reveal=reveal),
    )


async def find_bank_accounts(
    ctx: Ctx, payee_ids: Collection[UUID], *, on: date
) -> dict[UUID, Mapping[str, Any]]:
    """The accounts to which payees are paid on a day, in clear: for payment files, never to be shown.

    Of somebody whose last facts are of days before it is theirs; who has none is left out.
    """
    keyring = keyring_of(ctx)
    rows = await ctx.sql.fetch(ACCOUNTS, ctx.tenant.id, list(payee_ids), on)
    return {
        row["payee_id"]: keyring.open(
            Place(ctx.tenant.id, "payee_facts", "bank_account", row["id"]), Sealed(row["bank_account"])
        )
        for row in rows
        if row["bank_account"] is not None
    }


async def find_pack(ctx: Ctx, payee_id: UUID) -> str | None:
    """The pack that somebody is paid by today; None where neither schedule nor declarations tell it."""
    payee = await get_payee(ctx, payee_id)
    return (await find_at(ctx, [payee], on=ctx.today))[payee_id].pack


async def show_year_to_date(ctx: Ctx, payee_id: UUID, *, tax_year: int | None) -> YearToDateOut:
    """The measures of a payee's tax year (the current one); audited, as it tells what somebody earns."""
    payee = await get_payee(ctx, payee_id)
    at = (await find_at(ctx, [payee], on=ctx.today))[payee.id]
    if at.pack is None:
        raise Refused("The payee has neither pack nor schedule yet, so no tax year.", code="no_pack")
    pay_calendar, currency = calendar_of(at.pack), packs()[at.pack].currency
    year = pay_calendar.tax_year(ctx.today) if tax_year is None else tax_year
    totals = await find_totals(ctx, [payee_id], tax_year=year, until=date.max)
    opening = await find_opening(ctx, payee_id, tax_year=year)
    ctx.audit(READ_SEALED, f"year_to_date/{payee_id}")
    return YearToDateOut(
        payee_id=payee_id,
        tax_year=year,
        measures=[
            MeasureOut(
                measure=name,
                opening=Money.of(opening.get(name, Money.zero(currency).amount), currency),
                total=Money.of(amount, currency),
            )
            for name, amount in sorted(totals.get(payee_id, {}).items())
        ],
    )
