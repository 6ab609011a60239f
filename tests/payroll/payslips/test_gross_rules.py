"""Gross pay of a period: proration by weekdays, hourly pay by contract, unpaid days once."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.payroll.payslips.rules.calculating import calculate
from services.payroll.payslips.rules.gross import earnings_of, weekdays
from services.payroll.payslips.rules.refusals import CannotPay
from services.payroll.payslips.rules.snapshots import canonical, hash_of
from tests.payroll.payslips.given_snapshots import snapshot, stretch


def amounts(given: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.earning.code, str(each.earning.amount)) for each in earnings_of(given)]


def test_weekdays_are_monday_to_friday():
    first = date(2026, 4, 1)
    for length in range(60):
        last = date.fromordinal(first.toordinal() + length)
        days = (date.fromordinal(first.toordinal() + n) for n in range(length + 1))
        assert weekdays(first, last) == sum(day.weekday() < 5 for day in days)


@pytest.mark.parametrize(
    ("frequency", "of_period"),
    [("weekly", "576.92"), ("biweekly", "1153.85"), ("four_weekly", "2307.69"), ("semimonthly", "1250.00"),
     ("monthly", "2500.00")],
)  # fmt: skip
def test_a_salary_is_the_same_in_every_period(frequency: str, of_period: str):
    given = snapshot(run={"frequency": frequency})
    assert amounts(given) == [("salary", of_period)]


def test_a_monthly_salary_is_paid_twelve_times_a_year():
    terms = {"kind": "salary", "amount": "2600.00", "per": "month"}
    given = snapshot(stretches=[stretch(compensation=terms)], run={"frequency": "weekly"})
    assert amounts(given) == [("salary", "600.00")]


def test_a_joiner_gets_the_share_of_the_weekdays_from_the_first_day_on():
    given = snapshot(stretches=[stretch(first="2026-04-16")])
    (earned,) = earnings_of(given)

    assert earned.earning.amount == Decimal("1250.00")  # 11 of 22 weekdays
    assert earned.rule == "payroll.salary.weekdays"
    assert dict(earned.steps[-1].inputs)["weekdays_of_period"] == "22"


def test_a_change_inside_the_period_pays_each_part_by_its_own_terms():
    raised = {"kind": "salary", "amount": "36000.00", "per": "year"}
    parts = [stretch(last="2026-04-15"), stretch(first="2026-04-16", compensation=raised)]
    assert amounts(snapshot(stretches=parts)) == [("salary", "1250.00"), ("salary", "1500.00")]


def test_an_unpaid_day_is_taken_off_once_whatever_number_of_requests_it_is_in():
    day = {"day": "2026-04-02", "hours": "7.50", "pay_code": "unpaid"}
    once, twice = snapshot(days_away=[day]), snapshot(days_away=[day, day])

    assert amounts(once) == amounts(twice) == [("salary", "2500.00"), ("unpaid_leave", "-113.64")]
    assert amounts(snapshot(days_away=[day | {"pay_code": "paid"}])) == [("salary", "2500.00")]


def test_a_whole_month_unpaid_leaves_nothing():
    days = [{"day": f"2026-04-{n:02}", "hours": "7.50", "pay_code": "unpaid"} for n in range(1, 31)]
    assert sum(each.earning.amount for each in earnings_of(snapshot(days_away=days))) == 0


def test_hourly_pay_is_for_the_contracted_hours_less_unpaid_ones():
    hourly = {"kind": "hourly", "amount": "20.00", "per": "hour"}
    day = {"day": "2026-04-02", "hours": "7.50", "pay_code": "unpaid"}
    given = snapshot(stretches=[stretch(compensation=hourly)], days_away=[day])
    (earned,) = earnings_of(given)

    assert (earned.basis, earned.rate, earned.earning.amount) == (
        Decimal("157.50"), Decimal("20.00"), Decimal("3150.00"),
    )  # fmt: skip
    assert earned.rule == "payroll.hourly.contracted_hours"
    with pytest.raises(CannotPay, match="weekly hours"):
        earnings_of(snapshot(stretches=[stretch(compensation=hourly, weekly_hours=None)]))


def test_leave_that_a_leaver_has_not_taken_is_warned_of():
    leaver = {"id": "", "kind": "employee", "first_day": "2020-01-01", "last_day": "2026-04-15"}
    warned = calculate(snapshot(payee=leaver | {"unused_leave_hours": "15.00"}))["warnings"]
    plain = calculate(snapshot(payee=leaver | {"unused_leave_hours": "0.00"}))["warnings"]
    assert [each.partition(":")[0] for each in warned] == ["unused_leave"]
    assert plain == []


def test_statutory_leave_is_refused_where_salary_is_paid():
    day = {"day": "2026-04-02", "hours": "7.50", "pay_code": "maternity"}
    with pytest.raises(CannotPay) as refused:
        calculate(snapshot(days_away=[day]))
    assert refused.value.code == "statutory_leave"
    bonus = {"basic_pay": False}
    assert calculate(snapshot(days_away=[day], run=bonus))["gross"] == "0.00"


@pytest.mark.parametrize(
    ("declared", "code", "rule"),
    [
        ({"tax_code": "NOSUCHCODE"}, "tax_code", "/declarations/tax_code"),
        ({"tax_code": "1257L" + "0" * 100_000}, "tax_code", "/declarations/tax_code"),
        ({"tax_code": "1257L", "ni_category": "Q"}, None, "/declarations/ni_category"),
        ({}, "missing", "/declarations/tax_code"),
    ],
)
def test_a_declaration_that_does_not_exist_is_named_by_its_field(
    declared: dict[str, Any], code: str | None, rule: str
):
    with pytest.raises(CannotPay) as refused:
        calculate(snapshot(declarations=declared))

    assert refused.value.rule == rule
    assert code in (None, refused.value.code)
    assert "NOSUCHCODE" not in refused.value.message


def test_a_day_without_tables_is_refused():
    old = {"tax_on": "1999-04-30", "pay_on": "1999-04-30"}
    with pytest.raises(CannotPay) as refused:
        calculate(snapshot(run=old))
    assert refused.value.code == "missing_pack"


@pytest.mark.parametrize(("frequency", "number"), [("weekly", 53), ("biweekly", 54), ("four_weekly", 56)])
def test_the_extra_period_of_a_year_is_taxed_as_week_53_54_or_56(frequency: str, number: int):
    run = {"frequency": frequency, "period_number": number, "tax_on": "2026-04-05", "pay_on": "2026-04-02"}
    assert calculate(snapshot(run=run))["net"] > "0"


def test_the_employers_contribution_is_owed_to_the_scheme_of_the_pension_deduction():
    items = [
        item(kind="deduction", code="scheme", percent="5.00", treatment="net_pay_arrangement"),
        item(kind="employer_contribution", code="scheme", percent="3.00"),
        item(kind="employer_contribution", code="health", amount="50.00"),
    ]
    result = calculate(snapshot(items=items))
    roles = {(line["code"], line["kind"]): (line["role"], line["amount"]) for line in result["lines"]}

    assert roles["scheme", "deduction"] == ("pension", "125.00")
    assert roles["scheme", "employer"] == ("pension", "75.00")
    assert roles["health", "employer"] == ("other_deduction", "50.00")


HUGE = {"kind": "salary", "amount": "90000000000000.00", "per": "month"}
LIMIT = "100000000000.00"


@pytest.mark.parametrize("kind", ["employee", "contractor"])
@pytest.mark.parametrize(
    "parts",
    [
        {"stretches": [stretch(compensation=HUGE)]},
        {"stretches": [stretch(compensation=HUGE | {"kind": "hourly"}, weekly_hours="1000000000000")]},
        {"year_to_date": {"gross": LIMIT}},
        {"lines_before": {"salary": LIMIT}},
        {"items": [{"kind": "employer_contribution", "amount": "100000000000.01"}]},
    ],
)
def test_sums_beyond_sense_are_one_payees_problem(kind: str, parts: dict[str, Any]):
    items = [item(code="c", **each) for each in parts.get("items", ())]
    given = snapshot(**parts | {"items": items})
    given["payee"]["kind"] = kind
    with pytest.raises(CannotPay) as refused:
        calculate(given)

    assert refused.value.code == "not_calculable"
    assert not any(digit in refused.value.message for digit in "0123456789")


def test_sums_up_to_the_limit_are_calculated():
    most = {"kind": "employer_contribution", "code": "c", "amount": LIMIT}
    given = snapshot(stretches=[], items=[item(**most)])
    assert calculate(given)["employer_cost"] == LIMIT


def item(**facts: Any) -> dict[str, Any]:
    return {
        "id": "00000000-0000-7000-8000-000000000001", "kind": "bonus", "code": "bonus", "recurring": True,
        "starts_on": "2026-01-01", "amount": None, "percent": None, "treatment": None, "garnishment": None,
    } | facts  # fmt: skip


def test_the_same_snapshot_gives_the_same_bytes_in_whatever_order_its_keys_are():
    given = snapshot(year_to_date={"gross": "100.00", "tax": "20.00"})
    turned = {key: given[key] for key in reversed(given)}

    assert canonical(calculate(given)) == canonical(calculate(turned))
    assert hash_of(given) == hash_of(turned)
    assert hash_of(given) != hash_of(snapshot(year_to_date={"gross": "100.01", "tax": "20.00"}))


def test_an_order_of_a_court_is_withheld_as_the_pack_works_it_out():
    order = {
        "kind": "aeo_priority", "issued_on": "2026-01-01", "reference": "AEO-1", "priority": 50,
        "protected_earnings": {"amount": "2000.00", "currency": "GBP"}, "employer_fee": False,
    }  # fmt: skip
    plain = calculate(snapshot())
    result = calculate(
        snapshot(items=[item(kind="garnishment", code="court", amount="300.00", garnishment=order)])
    )
    (line,) = (each for each in result["lines"] if each["code"] == "uk.attachment")

    left = Decimal(plain["net"]) - Decimal("2000.00")
    assert (line["role"], Decimal(line["amount"])) == ("garnishment", min(Decimal("300.00"), left))
    assert Decimal(plain["net"]) - Decimal(result["net"]) == Decimal(line["amount"])
    assert line["item_id"] == item()["id"]


def test_creditors_in_the_united_states_get_at_most_what_the_law_lets_them_take():
    run = {"pack": "us", "frequency": "weekly"}
    declared = {"filing_status": "single", "w4": "2020"}
    order = {"kind": "creditor", "issued_on": "2026-01-01", "reference": "C-1", "priority": 50}
    court = item(kind="garnishment", code="court", amount="9000.00", garnishment=order)
    plain = calculate(snapshot(run=run, declarations=declared))
    result = calculate(snapshot(run=run, declarations=declared, items=[court]))
    (line,) = (each for each in result["lines"] if each["code"] == "court")

    # A quarter of disposable earnings, or what exceeds 30 times 7.25 dollars: the lesser (15 USC 1673(a)).
    disposable = Decimal(plain["net"])
    most = min(disposable / 4, disposable - Decimal("217.50")).quantize(Decimal("0.01"), "ROUND_DOWN")
    assert (line["role"], Decimal(line["amount"]), line["item_id"]) == ("garnishment", most, court["id"])
    other = order | {"kind": "council_tax"}
    with pytest.raises(CannotPay) as refused:
        calculate(snapshot(run=run, declarations=declared, items=[court | {"garnishment": other}]))
    assert refused.value.code == "order_not_in_pack"


def test_pay_of_the_united_states_goes_by_its_roles():
    run = {"pack": "us", "frequency": "biweekly"}
    declared = {"filing_status": "single", "w4": "2020", "state": "CA"}
    items = [item(kind="deduction", code="401k", percent="5.00", treatment="pretax_401k")]
    result = calculate(snapshot(run=run, declarations=declared, items=items))
    roles = {line["code"]: line["role"] for line in result["lines"]}

    assert roles["401k"] == "pension"
    assert roles["us.federal_income_tax"] == roles["us.state_income_tax"] == "withholding"
    assert {
        roles[f"us.{name}"] for name in ("social_security", "medicare", "social_security_employer", "futa")
    } == {"social"}
    assert any(each.startswith("no_unemployment_rate") for each in result["warnings"])
