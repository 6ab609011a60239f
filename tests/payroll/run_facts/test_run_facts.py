"""What a run is told of its payees, in few statements, and what hinders it."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.payroll.pay_items.rules import DueItem, ItemKind
from services.payroll.payslips.rules.snapshots import RunTerms, snapshot_of
from services.payroll.run_facts.queries import facts_for_run, find_unscheduled
from services.payroll.run_facts.rules import Compensation, PayeeFacts, PayStretch, clipped, findings
from services.payroll.schedules.queries import find_period, get_schedule
from shared.context.ctx import TenantFacts
from shared.contracts.hr import EmployeeChanged, EmployeeTerminated, LeaveApproved, LeaveDay
from shared.values.ids import new_id
from shared.values.money import CurrencyMismatch, Money
from tests.kit.statements import statements
from tests.kit.suite import Suite
from tests.payroll.given import (
    DECLARED,
    SALARY,
    changed,
    delivered,
    given_item,
    given_payee,
    given_schedule,
    given_scheduled,
    money,
    told,
)


async def run_of(
    suite: Suite,
    tenant: TenantFacts,
    schedule: dict[str, Any],
    start: date = date(2026, 4, 1),
    *,
    payee_ids: Sequence[str] | None = None,
) -> list[PayeeFacts]:
    async with suite.work("payroll", tenant) as ctx:
        found = await get_schedule(ctx, UUID(schedule["id"]))
        period = find_period(found, start)
        named = None if payee_ids is None else [UUID(each) for each in payee_ids]
        return await facts_for_run(ctx, found.id, period, payee_ids=named)


async def test_a_run_is_told_all_of_a_payee(suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient):
    schedule = await given_schedule(payroll)
    hired = await told(suite, tenant)
    ids = {"employee_id": hired.employee_id, "employment_id": hired.employment_id}
    raised = await told(
        suite, tenant, EmployeeChanged, version=2, effective_on=date(2026, 4, 16), cost_centre="S2",
        private={"compensation": SALARY | {"amount": money("36000.00")}}, **ids,
    )  # fmt: skip
    away = LeaveApproved(
        **ids, leave_request_id=new_id(), pay_code="unpaid", version=1,
        days=[LeaveDay(date=date(2026, 4, 2), hours="7.5"), LeaveDay(date=date(2026, 5, 4), hours="7.5")],
    )  # fmt: skip
    await delivered(suite, tenant, hired, raised, away)
    (payee,) = (await payroll.get("/v1/payees")).json()["items"]
    opening = {"tax_year": 2026, "gross": money("100.00")}
    stated = {"pay_schedule_id": schedule["id"], "declarations": DECLARED, "year_to_date": opening}
    assert (await changed(payroll, payee, **stated)).status_code == 200
    await given_item(payroll, payee, code="spring")
    await given_item(payroll, payee, code="later", **{"from": "2026-05-01"})

    (facts,) = await run_of(suite, tenant, schedule)

    assert (facts.payee_id, facts.employment_id) == (UUID(payee["id"]), hired.employment_id)
    assert (facts.number, facts.kind, facts.first_day, facts.last_day) == (
        "E-1",
        "employee",
        hired.hire_on,
        None,
    )
    stretches = [(s.first.day, s.last.day, s.cost_centre, s.compensation and s.compensation.amount.text)
                 for s in facts.stretches]  # fmt: skip
    assert stretches == [(1, 15, "S1", "30000.00"), (16, 30, "S2", "36000.00")]
    assert (facts.cost_centre, facts.stretches[0].work_country, facts.has_bank_account) == ("S2", "GB", True)
    assert [(d.day, d.pay_code) for d in facts.days_away] == [(date(2026, 4, 2), "unpaid")]
    assert (facts.pack, facts.declarations) == ("uk", DECLARED)
    assert [(i.code, i.amount and i.amount.text) for i in facts.items] == [("spring", "100.00")]
    assert facts.year_to_date == {"gross": Decimal("100.00")}
    assert findings(facts, pack="uk", currency="GBP") == []


async def test_declarations_are_those_of_the_day_of_pay(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule = await given_schedule(payroll)
    payee = await given_scheduled(suite, tenant, schedule)
    await changed(payroll, payee, declarations={"tax_code": "BR"}, effective_on="2026-04-30")
    await changed(payroll, payee, declarations={"tax_code": "D0"}, effective_on="2026-05-01")

    april, may = (
        await run_of(suite, tenant, schedule),
        await run_of(suite, tenant, schedule, date(2026, 5, 1)),
    )

    assert [f.declarations for f in (*april, *may)] == [{"tax_code": "BR"}, {"tax_code": "D0"}]


async def test_a_run_has_whoever_is_employed_on_a_day_of_the_period_and_paid_by_the_schedule_on_its_last(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule, other = await given_schedule(payroll), await given_schedule(payroll)
    people = {
        number: await given_scheduled(suite, tenant, schedule, number=number, hire_on=hire_on)
        for number, hire_on in {
            "stays": date(2026, 1, 5), "begins": date(2026, 4, 30), "later": date(2026, 5, 1),
            "moves": date(2026, 1, 5), "comes back": date(2026, 1, 5), "leaves": date(2026, 1, 5),
            "left": date(2026, 1, 5),
        }.items()
    }  # fmt: skip
    await given_scheduled(suite, tenant, other, number="other")
    await given_payee(suite, tenant, number="none")
    await changed(payroll, people["moves"], pay_schedule_id=other["id"], effective_on="2026-04-30")
    await changed(payroll, people["comes back"], pay_schedule_id=other["id"], effective_on="2026-04-10")
    await changed(payroll, people["comes back"], pay_schedule_id=schedule["id"], effective_on="2026-04-20")
    for number, last in (("leaves", date(2026, 4, 1)), ("left", date(2026, 3, 31))):
        ids = {name: people[number][name] for name in ("employee_id", "employment_id")}
        ended = EmployeeTerminated(**ids, last_day=last, access_end_at="2026-04-01T18:00:00Z", version=2)
        await delivered(suite, tenant, ended)

    regular = await run_of(suite, tenant, schedule)
    named = await run_of(suite, tenant, schedule, payee_ids=[people["left"]["id"], people["moves"]["id"]])

    assert sorted(f.number for f in regular) == ["begins", "comes back", "leaves", "stays"]
    assert [(f.number, f.stretches) for f in named] == [("left", [])]
    (leaver,) = [f for f in regular if f.number == "leaves"]
    assert [(s.first, s.last) for s in leaver.stretches] == [(date(2026, 4, 1), date(2026, 4, 1))]


async def test_whom_no_schedule_pays_is_named(suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient):
    schedule = await given_schedule(payroll)
    await given_scheduled(suite, tenant, schedule, number="paid")
    off = await given_scheduled(suite, tenant, schedule, number="taken off")
    await changed(payroll, off, pay_schedule_id=None, effective_on="2026-02-01")
    await given_payee(suite, tenant, number="new")
    await given_payee(suite, tenant, number="later", hire_on=date(2026, 6, 1))

    async with suite.work("payroll", tenant) as ctx:
        found = await find_unscheduled(ctx, first=date(2026, 4, 1), last=date(2026, 4, 30))

    assert [row["number"] for row in found] == ["new", "taken off"]


def person(**facts: Any) -> PayeeFacts:
    whole: dict[str, Any] = {
        "payee_id": new_id(), "employee_id": new_id(), "employment_id": new_id(), "number": "E-1", "name": "Jane",
        "kind": "employee", "first_day": date(2026, 1, 1), "last_day": None, "final_pay_on": None,
        "unused_leave_hours": None, "stretches": (), "days_away": (), "pack": "uk", "declarations": {},
        "has_bank_account": True, "items": (), "year_to_date": {},
    }  # fmt: skip
    return PayeeFacts(**whole | facts)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, []),
        ({"declarations": None}, [("blocker", "missing_declarations")]),
        ({"declarations": None, "kind": "contractor"}, []),
        ({"pack": "us"}, [("blocker", "pack_mismatch")]),
        ({"has_bank_account": False}, [("warning", "missing_bank_account")]),
    ],
)
def test_what_hinders_a_run_is_found(facts: dict[str, Any], expected: list[tuple[str, str]]):
    found = findings(person(**facts), pack="uk", currency="GBP")

    assert [(each.severity, each.code) for each in found] == expected


async def test_a_payee_without_compensation_or_in_another_currency_hinders_a_run(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule = await given_schedule(payroll)
    await given_scheduled(suite, tenant, schedule, number="1", private={"compensation": None})
    in_dollars = SALARY | {"amount": money("1.00", "USD")}
    await given_scheduled(suite, tenant, schedule, number="2", private={"compensation": in_dollars})
    await given_scheduled(suite, tenant, schedule, number="3", private={"bank_account": None})

    found = await run_of(suite, tenant, schedule)

    codes = {f.number: [each.code for each in findings(f, pack="uk", currency="GBP")] for f in found}
    assert codes == {"1": ["missing_compensation"], "2": ["currency_mismatch"], "3": ["missing_bank_account"]}


def due(**facts: Any) -> DueItem:
    whole: dict[str, Any] = {
        "item_id": new_id(), "payee_id": new_id(), "kind": ItemKind.BONUS, "code": "b", "recurring": False,
        "starts_on": date(2026, 4, 1), "amount": None, "percent": None, "treatment": None, "garnishment": None,
    }  # fmt: skip
    return DueItem(**whole | facts)


@pytest.mark.parametrize(
    ("item", "codes"),
    [
        (due(amount=Money.parse("1.00", "GBP")), []),
        (due(amount=Money.parse("1.00", "USD")), ["currency_mismatch"]),
        (
            due(garnishment={"kind": "aeo_priority", "protected_earnings": money("1.00", "USD")}),
            ["currency_mismatch"],
        ),
        (due(garnishment={"kind": "aeo_priority", "arrears": money("1.00", "USD")}), ["currency_mismatch"]),
        (due(garnishment={"kind": "aeo_priority", "arrears": money("1.00")}), []),
    ],
)
def test_an_item_in_another_currency_hinders_a_run(item: DueItem, codes: list[str]):
    found = findings(person(items=(item,)), pack="uk", currency="GBP")

    assert [each.code for each in found] == codes
    assert all(each.message.startswith("E-1 Jane: ") for each in found)


@pytest.mark.parametrize("where", ["compensation", "item"])
def test_no_snapshot_takes_dollars_for_pounds(where: str):
    day, dollars = date(2026, 4, 30), Money.parse("30000.00", "USD")
    terms = RunTerms("regular", True, "uk", "monthly", 1, date(2026, 4, 1), day, 2026, day, day)
    paid = PayStretch(
        day, day, "employee", None, None, "GB", None, None, Compensation("salary", dollars, "year")
    )
    facts = person(stretches=(paid,)) if where == "compensation" else person(items=(due(amount=dollars),))

    with pytest.raises(CurrencyMismatch):
        snapshot_of(facts, terms, lines_before={}, employer=None)


def test_a_stretch_is_cut_to_the_period_and_the_employment():
    april = (date(2026, 4, 1), date(2026, 4, 30))

    def cut(first: date, last: date | None, ends: date | None = None) -> tuple[int, int] | None:
        found = clipped(first, last, between=april, first_day=date(2026, 4, 7), last_day=ends)
        return None if found is None else (found[0].day, found[1].day)

    assert cut(date(2026, 1, 1), None) == (7, 30)
    assert cut(date(2026, 4, 10), date(2026, 4, 12)) == (10, 12)
    assert cut(date(2026, 4, 10), None, date(2026, 4, 11)) == (10, 11)
    assert cut(date(2026, 4, 10), None, date(2026, 4, 9)) is None
    assert cut(date(2026, 4, 1), date(2026, 4, 6)) is None


async def test_the_number_of_statements_does_not_grow_with_the_payees(
    suite: Suite, tenant: TenantFacts, payroll: httpx.AsyncClient
):
    schedule = await given_schedule(payroll)
    counts = []
    for number in range(3):
        await given_scheduled(suite, tenant, schedule, number=f"E-{number}")
        async with statements(suite, "payroll", tenant) as seen:
            assert len(await run_of(suite, tenant, schedule)) == number + 1
        counts.append(len(seen))

    assert len(set(counts)) == 1
    assert counts[0] <= 10
