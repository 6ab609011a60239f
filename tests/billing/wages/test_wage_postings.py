"""Wages in the books: what each event of payroll posts, to the cent and by cost centre."""

from typing import Any

import httpx

from shared.context.ctx import TenantFacts
from shared.contracts.event import Event
from tests.billing.given import assert_tied_out
from tests.billing.wages.given import (
    LATER,
    approved,
    credit,
    debit,
    entry,
    exceptions,
    ordering_key,
    paid,
    posting_of,
    remitted,
    reversed_run,
    told,
    trial_balance,
)
from tests.kit.suite import Suite

POSTED = {
    "2300": "-3350.00", "2310": "-900.00", "2320": "-1100.00", "2330": "-150.00", "6000": "5000.00", "6100": "500.00",
}  # fmt: skip


def lines_of(made: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [
        (
            x["account"],
            x["debit"]["amount"] if x["debit"] else f"-{x['credit']['amount']}",
            x["dimensions"].get("cost_centre"),
        )
        for x in made["lines"]
    ]


async def test_an_approved_run_is_one_entry_by_cost_centre_on_its_periods_last_day(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    run = approved()

    await told(suite, tenant, run)

    found = await posting_of(billing, run)
    made = await entry(billing, found["journal_entry_id"])
    assert (made["effective_on"], made["memo"]) == ("2026-01-31", "Pay run PR-2026-000001")
    assert (made["source"], made["source_id"]) == ("pay_run", str(run.run_id))
    assert lines_of(made) == [
        ("6000", "500.00", None),
        ("6000", "1500.01", "it"),
        ("6000", "2999.99", "sales"),
        ("6100", "200.00", "it"),
        ("6100", "300.00", "sales"),
        ("2310", "-900.00", None),
        ("2320", "-1100.00", None),
        ("2330", "-150.00", None),
        ("2300", "-3350.00", None),
    ]
    assert await trial_balance(billing) == POSTED
    assert await trial_balance(billing, as_of="2026-01-30") == {}
    await assert_tied_out(suite, tenant, billing)


async def test_lines_of_one_role_cost_centre_and_side_are_added_up_and_none_is_nothing(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    run = approved(
        debit("wages", "10.01", "it"), debit("wages", "10.02", "it"), credit("wages", "1.00", "it"),
        debit("wages", "0.00", "sales"), credit("net_pay", "9.03"), credit("net_pay", "10.00"), kind="correction",
    )  # fmt: skip

    await told(suite, tenant, run)

    made = await entry(billing, (await posting_of(billing, run))["journal_entry_id"])
    assert lines_of(made) == [("6000", "20.03", "it"), ("6000", "-1.00", "it"), ("2300", "-19.03", None)]


async def test_every_role_has_an_account_in_the_right_section_of_the_statements(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    costs = ["wages", "employer_contribution", "contractor", "expense"]
    owed = ["withholding", "social", "pension", "garnishment", "other_deduction", "net_pay"]
    lines = [debit(role, f"{n}.00") for n, role in enumerate(costs, 10)]
    lines += [credit(role, f"{n}.00") for n, role in enumerate(owed, 5)] + [credit("net_pay", "1.00")]
    await told(suite, tenant, approved(*lines))

    days = {"from": "2026-01-01", "to": LATER}
    profit = (await billing.get("/v1/reports/profit-and-loss", params=days)).json()
    balance = (await billing.get("/v1/reports/balance-sheet", params={"as_of": LATER})).json()

    def amounts(section: dict[str, Any]) -> dict[str, tuple[str, str]]:
        return {row["account"]: (row["name"], row["amount"]["amount"]) for row in section["rows"]}

    assert profit["income"]["rows"] == []
    assert amounts(profit["expenses"]) == {
        "6000": ("Wages and salaries", "10.00"),
        "6050": ("Contractor pay", "12.00"),
        "6100": ("Employer contributions", "11.00"),
        "6250": ("Reimbursed expenses", "13.00"),
    }
    assert profit["net_income"]["amount"] == "-46.00"
    assert amounts(balance["liabilities"]) == {
        "2300": ("Wages payable", "11.00"),
        "2310": ("Wage tax withheld", "5.00"),
        "2320": ("Social contributions payable", "6.00"),
        "2330": ("Pension contributions payable", "7.00"),
        "2340": ("Garnishments payable", "8.00"),
        "2350": ("Other payroll deductions payable", "9.00"),
    }
    assert balance["assets"]["rows"] == []


async def test_payment_clears_net_pay_and_remittances_clear_what_was_withheld(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    run = approved()
    await told(suite, tenant, run)
    await told(suite, tenant, paid(run))
    for role, amount in (("withholding", "900.00"), ("social", "1100.00"), ("pension", "150.00")):
        await told(suite, tenant, remitted(role, amount))

    found = await posting_of(billing, run)
    assert (found["state"], found["paid_on"]) == ("paid", "2026-02-05")
    assert {x["cleared"]["amount"] for x in found["lines"] if x["role"] == "net_pay"} == {"3350.00"}
    made = await entry(billing, found["payment_journal_entry_id"])
    assert (made["effective_on"], lines_of(made)) == (
        "2026-02-05",
        [("2300", "3350.00", None), ("1000", "-3350.00", None)],
    )
    assert await trial_balance(billing) == {"1000": "-5500.00", "6000": "5000.00", "6100": "500.00"}
    await assert_tied_out(suite, tenant, billing)
    cash = (await billing.get("/v1/reports/cash-flow", params={"from": "2026-01-01", "to": LATER})).json()
    assert cash["operating"]["total"]["amount"] == "-5500.00"


async def test_a_reversal_mirrors_the_run_and_what_was_paid_is_owed_back(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    unpaid, run = approved(), approved(number="PR-2026-000003")
    for event in (unpaid, reversed_run(unpaid), run, paid(run), reversed_run(run)):
        await told(suite, tenant, event)

    for each in (unpaid, run):
        found = await posting_of(billing, each)
        assert (found["state"], found["reversed_on"], found["allowed_actions"]) == (
            "reversed",
            "2026-01-31",
            [],
        )
        made = await entry(billing, found["reversal_journal_entry_id"])
        assert made["reverses_id"] == found["journal_entry_id"]
        assert made["memo"] == f"Reversal of pay run {each.number}: PR-2026-000002"
    assert await trial_balance(billing) == {"1000": "-3350.00", "2300": "3350.00"}
    timeline = (await billing.get(f"/v1/wage-postings/{run.run_id}/timeline")).json()["items"]
    assert [t["to_state"] for t in timeline] == ["reversed", "paid", "posted", "waiting"]
    await assert_tied_out(suite, tenant, billing)


async def test_a_run_in_another_currency_is_kept_in_the_books_of_that_currency(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    run = approved(currency="USD")
    await told(suite, tenant, run)
    await told(suite, tenant, paid(run))

    after = {k: v for k, v in POSTED.items() if k != "2300"} | {"1000": "-3350.00"}
    assert await trial_balance(billing, currency="USD") == after
    assert await trial_balance(billing) == {}
    await assert_tied_out(suite, tenant, billing)


async def test_a_run_of_nothing_has_no_entry_and_ends_as_any_other(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    run = approved(debit("wages", "0.00"), credit("net_pay", "0.00"))
    for event in (run, paid(run, "0.00"), reversed_run(run)):
        await told(suite, tenant, event)

    found = await posting_of(billing, run)
    assert (found["state"], found["lines"], found["paid_on"]) == ("reversed", [], "2026-02-05")
    assert {v for k, v in found.items() if k.endswith("journal_entry_id")} == {None}
    assert await exceptions(billing) == []
    await assert_tied_out(suite, tenant, billing)


async def test_runs_are_found_by_run_number_and_state_page_by_page_and_by_their_tenant_only(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts, billing: httpx.AsyncClient
):
    runs = [approved(number=f"PR-2026-00000{n}") for n in range(1, 4)]
    for run in runs:
        await told(suite, tenant, run)
    await told(suite, tenant, paid(runs[1]))
    waiting = approved(number="PR-2026-000009")
    await told(suite, tenant, paid(waiting))

    async def numbers(**query: str) -> list[str]:
        answer = await billing.get("/v1/wage-postings", params=query)
        assert answer.status_code == 200, answer.text
        return [item["number"] for item in answer.json()["items"]]

    assert await numbers() == ["PR-2026-000009", "PR-2026-000003", "PR-2026-000002", "PR-2026-000001"]
    assert await numbers(run_id=str(runs[0].run_id)) == ["PR-2026-000001"]
    assert await numbers(number="PR-2026-000003") == ["PR-2026-000003"]
    assert await numbers(state="paid") == ["PR-2026-000002"]
    assert await numbers(state="waiting") == ["PR-2026-000009"]
    assert await numbers(state="waiting", number="PR-2026-000001") == []
    first = (await billing.get("/v1/wage-postings", params={"limit": 3})).json()
    rest = (await billing.get("/v1/wage-postings", params={"limit": 3, "cursor": first["next"]})).json()
    assert ([x["number"][-1] for x in first["items"] + rest["items"]], rest["next"]) == (
        ["9", "3", "2", "1"],
        None,
    )
    one = await posting_of(billing, runs[1])
    assert one in first["items"]
    theirs = suite.client("billing", stranger)
    assert (await theirs.get("/v1/wage-postings")).json()["items"] == []
    assert (await theirs.get(f"/v1/wage-postings/{runs[0].run_id}")).status_code == 404
    assert (await billing.get("/v1/wage-postings", params={"state": "stuck"})).status_code == 422


async def test_what_payroll_publishes_arrives(suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient):
    run = approved()
    events: list[Event] = [run, paid(run), remitted()]
    for event in events:
        async with suite.work("payroll", tenant) as ctx:
            ctx.emit(event, subject=run.run_id, version=1, ordering_key=ordering_key(event))

    await suite.settled()

    assert (await posting_of(billing, run))["state"] == "paid"
    assert (await trial_balance(billing))["1000"] == "-4250.00"


async def test_payrolls_entries_are_reversed_in_payroll_only(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    run = approved()
    await told(suite, tenant, run)
    await told(suite, tenant, remitted())
    entries = (await billing.get("/v1/journal-entries")).json()["items"]

    refused = [await billing.post(f"/v1/journal-entries/{each['id']}/reverse") for each in entries]

    assert [(r.status_code, r.json()["code"]) for r in refused] == [(409, "control_account")] * 2
    assert "in payroll" in refused[0].json()["detail"]
    await assert_tied_out(suite, tenant, billing)
