"""Reads of what a run needs: few statements, whatever the number of payees."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from services.payroll.leave.queries import find_days_away
from services.payroll.leave.rules import DayAway
from services.payroll.pay_items.queries import find_due
from services.payroll.pay_items.rules import DueItem
from services.payroll.run_facts.rules import Compensation, PayeeFacts, PayStretch, clipped
from services.payroll.schedules.rules import Period
from services.payroll.year_to_date.queries import find_totals
from shared.context.ctx import Ctx
from shared.context.sealed_fields import keyring_of
from shared.database.sealing import Keyring, Place, Sealed
from shared.values.money import Money

# Rows are looked up payee by payee inside the statements (lateral): of payees who have just been told of, PostgreSQL's
# statistics know nothing yet, and a join planned for few rows reads many of them squared.
# Whoever is paid by the schedule on the period's last day. Named payees also before they begin and after they ended.
PAYEES = """
select p.id, p.employee_id, p.employment_id, p.number, p.name, p.kind, p.hire_on, p.last_day, p.final_pay_on,
  p.unused_leave_hours, d.id as declarations_id, d.pack, d.declared
from payees p
join lateral (select pay_schedule_id from payee_schedules where tenant_id = $1 and payee_id = p.id and valid_from <= $4
  order by valid_from desc limit 1) s on s.pay_schedule_id = $2
left join lateral (select id, pack, declared from payee_declarations where tenant_id = $1 and payee_id = p.id
  and valid_from <= $5 order by valid_from desc limit 1) d on true
where p.tenant_id = $1 and p.facts_version > 0 and not p.start_cancelled
  and case when $6::uuid[] is null then p.hire_on <= $4 and (p.last_day is null or p.last_day >= $3)
      else p.id = any($6) end
order by p.id
"""
STRETCHES = """
select w.id as payee_id, s.valid_from, s.valid_to, f.*
from unnest($2::uuid[]) as w(id)
cross join lateral (select fact_id, valid_from, valid_to from payee_stretches where tenant_id = $1 and payee_id = w.id
  and valid_from <= $4 and (valid_to is null or valid_to >= $3) order by valid_from offset 0) s
cross join lateral (select id, number, name, kind, department, cost_centre, work_country, work_subdivision,
  weekly_hours, compensation, bank_account is not null as has_bank_account
  from payee_facts where tenant_id = $1 and id = s.fact_id limit 1) f
order by w.id, s.valid_from
"""
UNSCHEDULED = """
select p.id, p.number, p.name from payees p
left join lateral (select pay_schedule_id from payee_schedules where tenant_id = $1 and payee_id = p.id
  and valid_from <= $3 order by valid_from desc limit 1) s on true
where p.tenant_id = $1 and p.facts_version > 0 and not p.start_cancelled and s.pay_schedule_id is null
  and p.hire_on <= $3 and (p.last_day is null or p.last_day >= $2)
order by p.number, p.id limit $4
"""


async def facts_for_run(
    ctx: Ctx, schedule_id: UUID, period: Period, *, payee_ids: Collection[UUID] | None = None
) -> list[PayeeFacts]:
    """All that a run of a period needs of the payees of a schedule, in the order of their ids.

    Those who are employed on a day of the period; of `payee_ids`, whichever are of the schedule. Declarations, year to
    date and bank account are those of the day that decides the tax year.
    """
    named = None if payee_ids is None else list(payee_ids)
    payees = await ctx.sql.fetch(
        PAYEES, ctx.tenant.id, schedule_id, period.period_start, period.period_end, period.tax_on, named
    )
    ids = [row["id"] for row in payees]
    until = max(period.period_end, period.pay_on)
    stretches = _grouped(await ctx.sql.fetch(STRETCHES, ctx.tenant.id, ids, period.period_start, until))
    away = await find_days_away(ctx, ids, first=period.period_start, last=period.period_end)
    items = await find_due(ctx, ids, first=period.period_start, last=period.period_end)
    totals = await find_totals(ctx, ids, tax_year=period.tax_year, until=period.tax_on)
    reader = _Reader(keyring_of(ctx), ctx.tenant.id, period)
    return [
        reader.facts(row, stretches.get(id_, ()), away.get(id_, ()), items.get(id_, ()), totals.get(id_, {}))
        for id_, row in zip(ids, payees, strict=True)
    ]


async def find_unscheduled(
    ctx: Ctx, *, first: date, last: date, limit: int = 200
) -> Sequence[asyncpg.Record]:
    """Payees (id, number, name) who are employed between two days and whom no schedule pays, by number."""
    rows: Sequence[asyncpg.Record] = await ctx.sql.fetch(UNSCHEDULED, ctx.tenant.id, first, last, limit)
    return rows


def _grouped(rows: Sequence[asyncpg.Record]) -> dict[UUID, list[asyncpg.Record]]:
    found: dict[UUID, list[asyncpg.Record]] = {}
    for row in rows:
        found.setdefault(row["payee_id"], []).append(row)
    return found


class _Reader:
    """Makes facts of rows, for one tenant and period; opens what is sealed."""

    def __init__(self, keyring: Keyring, tenant_id: UUID, period: Period) -> None:
        self._keyring, self._tenant_id, self._period = keyring, tenant_id, period

    def facts(
        self,
        row: asyncpg.Record,
        stretches: Sequence[asyncpg.Record],
        away: Sequence[DayAway],
        items: Sequence[DueItem],
        totals: Mapping[str, Any],
    ) -> PayeeFacts:
        """One payee."""
        within = [found for each in stretches if (found := self._stretch(each, row)) is not None]
        holding = [each for each in stretches if each["valid_from"] <= self._period.pay_on]
        last = holding[-1] if holding else None
        return PayeeFacts(
            payee_id=row["id"],
            employee_id=row["employee_id"],
            employment_id=row["employment_id"],
            number=last["number"] if last else row["number"],
            name=last["name"] if last else row["name"],
            kind=last["kind"] if last else row["kind"],
            first_day=row["hire_on"],
            last_day=row["last_day"],
            final_pay_on=row["final_pay_on"],
            unused_leave_hours=row["unused_leave_hours"],
            stretches=within,
            days_away=away,
            pack=row["pack"],
            declarations=self._open(
                "payee_declarations", "declared", row["declarations_id"], row["declared"]
            ),
            has_bank_account=bool(last and last["has_bank_account"]),
            items=items,
            year_to_date=totals,
        )

    def _stretch(self, row: asyncpg.Record, payee: asyncpg.Record) -> PayStretch | None:
        days = clipped(
            row["valid_from"],
            row["valid_to"],
            between=(self._period.period_start, self._period.period_end),
            first_day=payee["hire_on"],
            last_day=payee["last_day"],
        )
        if days is None:
            return None
        told = self._open("payee_facts", "compensation", row["id"], row["compensation"])
        return PayStretch(
            first=days[0],
            last=days[1],
            kind=row["kind"],
            department=row["department"],
            cost_centre=row["cost_centre"],
            work_country=row["work_country"],
            work_subdivision=row["work_subdivision"],
            weekly_hours=row["weekly_hours"],
            compensation=None if told is None else compensation_of(told),
        )

    def _open(self, table: str, column: str, row_id: UUID, sealed: bytes | None) -> Any:  # noqa: ANN401
        if sealed is None:
            return None
        return self._keyring.open(Place(self._tenant_id, table, column, row_id), Sealed(sealed))


def compensation_of(told: Mapping[str, Any]) -> Compensation:
    """A compensation as hr tells it."""
    amount = Money.parse(told["amount"]["amount"], told["amount"]["currency"])
    return Compensation(told["kind"], amount, told["per"])
