"""What-if calculations over HTTP: published figures, refusals that name the field, and that nothing is stored."""

from typing import Any

import asyncpg
import pytest

from shared.context.ctx import TenantFacts
from tests.kit.suite import Suite


def gbp(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "GBP"}


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


# HMRC, PAYE test data 2025-26, rest of UK, Gen_cumul-mthly/2: tax of the period 21.60, to date 43.00.
UK = {
    "pack": "uk",
    "pay_on": "2025-05-30",
    "frequency": "monthly",
    "period": 2,
    "gross": gbp("1156.26"),
    "declarations": {"tax_code": "1257L", "ni_category": "A"},
    "year_to_date": {"gross": gbp("1156.25"), "taxable": gbp("1156.25"), "tax": gbp("21.40")},
}
US = {
    "pack": "us",
    "pay_on": "2026-06-26",
    "frequency": "weekly",
    "period": 26,
    "gross": usd("1000.00"),
    "declarations": {"filing_status": "single", "state": "PA"},
}


async def calculated(suite: Suite, tenant: TenantFacts, request: dict[str, Any]) -> dict[str, Any]:
    answer = await suite.client("payroll", tenant).post("/v1/pay-calculations", json=request)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def amounts(calculation: dict[str, Any]) -> dict[str, str]:
    return {line["code"]: line["amount"]["amount"] for line in calculation["lines"]}


async def test_a_row_of_hmrc_comes_out_to_the_penny_and_explains_itself(suite: Suite, tenant: TenantFacts):
    calculation = await calculated(suite, tenant, UK)

    assert amounts(calculation)["uk.paye"] == "21.60"
    paye = next(line for line in calculation["lines"] if line["code"] == "uk.paye")
    assert paye["source"]["year"] == "2025-26"
    free_pay = next(step for step in paye["steps"] if step["name"] == "free_pay")
    assert (free_pay["inputs"]["number"], free_pay["result"], free_pay["rounding"]) == (
        "1257",
        "2096.52",
        "up_cent",
    )
    assert calculation["edition"]["edition"] == "2025-26"
    assert calculation["year_to_date"]["tax"] == gbp("21.60")


async def test_net_and_cost_are_the_lines_added_up(suite: Suite, tenant: TenantFacts):
    request = US | {
        "earnings": [
            {"code": "pay", "amount": usd("900.00")},
            {"code": "bonus", "kind": "supplemental", "amount": usd("100.00")},
            {"code": "mileage", "kind": "reimbursement", "amount": usd("40.00")},
        ],
        "gross": None,
        "deductions": [{"code": "plan", "treatment": "pretax_401k", "percent": "5"}],
    }

    calculation = await calculated(suite, tenant, request)

    cents = dict.fromkeys(("earning", "reimbursement", "deduction", "tax", "employer"), 0)
    for line in calculation["lines"]:
        cents[line["kind"]] += int(line["amount"]["amount"].replace(".", ""))
    net = cents["earning"] + cents["reimbursement"] - cents["deduction"] - cents["tax"]
    cost = cents["earning"] + cents["reimbursement"] + cents["employer"]
    assert cents["deduction"] == 5_000
    assert int(calculation["net"]["amount"].replace(".", "")) == net
    assert int(calculation["employer_cost"]["amount"].replace(".", "")) == cost
    assert (
        amounts(calculation)["us.state_income_tax"] == "30.70"
    )  # 3.07 %: Pennsylvania taxes a 401(k) contribution


async def test_the_tables_are_those_of_the_day_of_pay(suite: Suite, tenant: TenantFacts):
    last_year = await calculated(suite, tenant, UK | {"pay_on": "2026-04-05", "period": 12})
    this_year = await calculated(suite, tenant, UK | {"pay_on": "2026-04-06", "period": 1})

    assert [c["edition"]["edition"] for c in (last_year, this_year)] == ["2025-26", "2026-27"]


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"gross": None}, "/gross", "gross_or_earnings"),
        ({"earnings": [{"code": "pay", "amount": gbp("1.00")}]}, "/gross", "gross_or_earnings"),
        ({"gross": usd("1.00")}, "/gross/currency", "currency_mismatch"),
        ({"year_to_date": {"tax": usd("1.00")}}, "/year_to_date/tax/currency", "currency_mismatch"),
        ({"pay_on": "2024-04-05"}, "/pay_on", "missing_pack"),
        ({"pay_on": "9998-12-31"}, "/pay_on", "missing_pack"),
        ({"pack": "fr"}, "/pack", "unknown_pack"),
        ({"pack": 5}, "/pack", "unknown_pack"),
        ({"period": 0}, "/period", "period_out_of_range"),
        ({"period": 13}, "/period", "period_out_of_range"),
        ({"declarations": {"ni_category": "A"}}, "/declarations/tax_code", "missing"),
        (
            {"declarations": {"tax_code": "SD9", "ni_category": "A"}},
            "/declarations/tax_code",
            "tax_code",
        ),
        ({"declarations": UK["declarations"] | {"salary": 1}}, "/declarations/salary", "extra_forbidden"),
        ({"deductions": [{"code": "x", "treatment": "post_tax"}]}, "/deductions/0", "amount_or_percent"),
        (US | {"year_to_date": {}, "period": 0}, "/period", "period_out_of_range"),
        (US | {"year_to_date": {}, "period": -5}, "/period", "period_out_of_range"),
        (US | {"year_to_date": {}, "period": 54}, "/period", "period_out_of_range"),
        ({"period": "1"}, "/period", "int_type"),
        (US | {"declarations": {"state": "MA"}}, "/declarations/state", "unsupported_state"),
        ({"employee": "x"}, "/employee", "extra_forbidden"),
        ({"gross": gbp("90000000000000.00")}, "/gross/amount", "amount_out_of_range"),
        ({"gross": gbp("-90000000000000.00")}, "/gross/amount", "amount_out_of_range"),
        (
            {"year_to_date": {"gross": gbp("1000000000.01")}},
            "/year_to_date/gross/amount",
            "amount_out_of_range",
        ),
        (
            {"gross": None, "earnings": [{"code": "uk.paye", "amount": gbp("1.00")}]},
            "/earnings/0/code",
            "reserved_code",
        ),
    ],
)
async def test_what_cannot_be_calculated_is_refused_by_its_field(
    suite: Suite, tenant: TenantFacts, change: dict[str, Any], pointer: str, code: str
):
    answer = await suite.client("payroll", tenant).post("/v1/pay-calculations", json=UK | change)

    assert answer.status_code == 422, answer.text
    assert (pointer, code) in {(e["pointer"], e["code"]) for e in answer.json()["errors"]}


async def test_a_request_without_a_pack_says_so(suite: Suite, tenant: TenantFacts):
    request = {key: value for key, value in UK.items() if key != "pack"}

    answer = await suite.client("payroll", tenant).post("/v1/pay-calculations", json=request)

    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/pack", "missing")]


async def test_nothing_is_stored_but_that_somebody_asked(
    suite: Suite, tenant: TenantFacts, database_url: str
):
    sql = await asyncpg.connect(database_url)
    tables = [
        row["tablename"]
        for row in await sql.fetch(
            "select tablename from pg_tables where schemaname = 'payroll' and tablename <> 'audit'"
        )
    ]

    async def rows() -> dict[str, int]:
        return {t: await sql.fetchval(f"select count(*) from payroll.{t}") for t in tables}

    before = await rows()
    await calculated(suite, tenant, UK)
    after = await rows()
    await sql.close()

    assert after == before
    assert len(tables) > 5


async def test_the_most_that_a_request_may_hold_is_calculated(suite: Suite, tenant: TenantFacts):
    request = UK | {
        "gross": None,
        "earnings": [{"code": f"E{n}", "amount": gbp("10.00")} for n in range(200)],
        "deductions": [{"code": f"D{n}", "treatment": "post_tax", "amount": gbp("0.01")} for n in range(200)],
    }

    calculation = await calculated(suite, tenant, request)

    assert calculation["gross"] == gbp("2000.00")
    assert len(calculation["lines"]) > 400


@pytest.mark.parametrize("pack", [UK, US])
async def test_sums_of_the_largest_amounts_are_told(suite: Suite, tenant: TenantFacts, pack: dict[str, Any]):
    currency = pack["gross"]["currency"]
    most = {"amount": "1000000000.00", "currency": currency}
    request = pack | {"gross": None, "earnings": [{"code": "pay", "amount": most}] * 200}

    calculation = await calculated(suite, tenant, request)

    assert calculation["gross"] == {"amount": "200000000000.00", "currency": currency}
