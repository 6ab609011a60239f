"""Reports through the API: statements at any day, aging with a memory, and the tie-out that must find things."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from services.billing.ledger import actions
from shared.context.ctx import TenantFacts
from tests.billing.ledger.books import (
    BANK,
    COSTS,
    NO_DOCUMENTS,
    RECEIVABLE,
    SALES,
    assert_ties_out,
    gbp,
    given_ctx,
    given_document,
    given_entry,
    trial_balance,
    wire,
)
from tests.kit.suite import Suite

EQUITY, LOANS, EQUIPMENT = "3000", "2600", "1500"


async def report(billing: httpx.AsyncClient, name: str, **query: str) -> dict[str, Any]:
    answer = await billing.get(f"/v1/reports/{name}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def amounts(section: dict[str, Any]) -> dict[str | None, str]:
    return {row["account"]: row["amount"]["amount"] for row in section["rows"]}


async def given_a_year(billing: httpx.AsyncClient) -> None:
    """Capital, a loan, equipment, sales in two months and some costs."""
    await given_entry(billing, 100_000, debit=BANK, credit=EQUITY, on=date(2025, 1, 1))
    await given_entry(billing, 50_000, debit=BANK, credit=LOANS, on=date(2025, 1, 31))
    await given_entry(billing, 30_000, debit=EQUIPMENT, credit=BANK, on=date(2025, 2, 1))
    await given_entry(billing, 7_000, debit=BANK, credit=SALES, on=date(2025, 2, 14))
    await given_entry(billing, 9_000, debit=BANK, credit=SALES, on=date(2025, 2, 28))
    await given_entry(billing, 2_500, debit=COSTS, credit=BANK, on=date(2025, 3, 15))


@pytest.mark.parametrize(
    ("day", "bank"),
    [
        ("2024-12-31", None),
        ("2025-01-01", "1000.00"),
        ("2025-01-30", "1000.00"),
        ("2025-01-31", "1500.00"),
        ("2025-02-13", "1200.00"),
        ("2025-02-14", "1270.00"),
        ("2025-02-28", "1360.00"),
        ("2025-03-14", "1360.00"),
        ("2025-03-15", "1335.00"),
        ("2025-12-31", "1335.00"),
    ],
)
async def test_a_trial_balance_is_right_at_every_day(billing: httpx.AsyncClient, day: str, bank: str | None):
    await given_a_year(billing)

    assert (await trial_balance(billing, as_of=day)).get(BANK) == bank


async def test_a_trial_balance_shows_each_account_on_its_side(billing: httpx.AsyncClient):
    await given_entry(billing, 700)

    found = await report(billing, "trial-balance", as_of="2025-12-31")

    assert found["rows"] == [
        {"account": BANK, "name": "Bank", "debit": wire(700), "credit": wire(0)},
        {"account": SALES, "name": "Sales revenue", "debit": wire(0), "credit": wire(700)},
    ]
    assert (found["total_debit"], found["total_credit"], found["currency"]) == (wire(700), wire(700), "GBP")


async def test_profit_and_loss_covers_both_days_of_its_range(billing: httpx.AsyncClient):
    await given_a_year(billing)

    february = await report(billing, "profit-and-loss", **{"from": "2025-02-14", "to": "2025-02-28"})
    one_day = await report(billing, "profit-and-loss", **{"from": "2025-02-28", "to": "2025-02-28"})
    to_march = await report(billing, "profit-and-loss", to="2025-03-31")

    assert (amounts(february["income"]), february["net_income"]) == ({SALES: "160.00"}, wire(16_000))
    assert (one_day["from"], one_day["to"], one_day["net_income"]) == (
        "2025-02-28",
        "2025-02-28",
        wire(9_000),
    )
    assert (to_march["from"], amounts(to_march["expenses"])) == ("2025-01-01", {COSTS: "25.00"})
    assert to_march["net_income"] == wire(13_500)
    backwards = await billing.get(
        "/v1/reports/profit-and-loss", params={"from": "2025-03-01", "to": "2025-02-01"}
    )
    assert (backwards.status_code, backwards.json()["errors"][0]["pointer"]) == (422, "/query/from")


async def test_assets_equal_claims_with_the_earnings_to_date(billing: httpx.AsyncClient):
    await given_a_year(billing)

    sheet = await report(billing, "balance-sheet", as_of="2025-03-31")

    assert amounts(sheet["assets"]) == {BANK: "1335.00", EQUIPMENT: "300.00"}
    assert amounts(sheet["liabilities"]) == {LOANS: "500.00"}
    assert amounts(sheet["equity"]) == {EQUITY: "1000.00", None: "135.00"}
    assert sheet["total_assets"] == sheet["total_liabilities_and_equity"] == wire(163_500)


async def test_cash_flow_explains_the_change_of_the_bank(billing: httpx.AsyncClient):
    await given_a_year(billing)

    flow = await report(billing, "cash-flow", **{"from": "2025-01-31", "to": "2025-03-31"})

    assert amounts(flow["operating"]) == {SALES: "160.00", COSTS: "-25.00"}
    assert amounts(flow["investing"]) == {EQUIPMENT: "-300.00"}
    assert amounts(flow["financing"]) == {LOANS: "500.00"}
    assert (flow["opening"], flow["net_change"], flow["closing"]) == (
        wire(100_000),
        wire(33_500),
        wire(133_500),
    )


async def settle(
    suite: Suite, tenant: TenantFacts, payment: UUID, invoice: UUID, minor: int, on: date
) -> None:
    async with given_ctx(suite, tenant) as ctx:
        await actions.allocate(ctx, from_item=payment, to_item=invoice, amount=gbp(minor), allocated_on=on)


async def test_aging_sorts_by_days_past_due(suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient):
    party = uuid4()
    due = {
        100: date(2025, 6, 30),
        200: date(2025, 6, 29),
        400: date(2025, 5, 31),
        800: date(2025, 5, 30),
        1600: date(2025, 4, 30),
        3200: date(2025, 4, 1),
        6400: date(2025, 3, 31),
    }
    for minor, day in due.items():
        await given_document(suite, tenant, minor, party_id=party, on=date(2025, 3, 1), due_on=day)
    await given_document(suite, tenant, -50, kind="payment", party_id=party, on=date(2025, 6, 1))
    await given_document(suite, tenant, 1, party_id=uuid4(), on=date(2025, 6, 1))

    aging = await report(billing, "aging", as_of="2025-06-30")

    (row,) = [r for r in aging["rows"] if r["customer_id"] == str(party)]
    assert {name: money["amount"] for name, money in row.items() if name != "customer_id"} == {
        "current": "1.00",
        "days_1_30": "6.00",
        "days_31_60": "8.00",
        "days_61_90": "48.00",
        "days_over_90": "64.00",
        "credits": "-0.50",
        "total": "126.50",
    }
    assert len(aging["rows"]) == 2
    assert aging["totals"]["days_1_30"] == wire(601)
    assert (
        aging["totals"]["total"]["amount"] == (await trial_balance(billing, as_of="2025-06-30"))[RECEIVABLE]
    )


async def test_aging_of_a_past_day_is_what_it_was(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    party = uuid4()
    invoice = await given_document(
        suite, tenant, 1_000, party_id=party, on=date(2025, 3, 1), due_on=date(2025, 3, 31)
    )
    payment = await given_document(suite, tenant, -600, kind="payment", party_id=party, on=date(2025, 4, 10))
    await settle(suite, tenant, payment, invoice, 400, date(2025, 4, 10))
    await settle(suite, tenant, payment, invoice, 200, date(2025, 4, 20))
    void = await given_document(suite, tenant, 70, party_id=party, on=date(2025, 4, 1))
    async with given_ctx(suite, tenant) as ctx:
        entry = await ctx.sql.fetchval("select entry_id from open_items where id = $1", void)
        await actions.reverse_entry(ctx, entry, effective_on=date(2025, 4, 15), memo="void")
        taken_back = await ctx.sql.fetchval("select id from allocations where amount_minor = 200")
        await actions.undo_allocation(ctx, taken_back, undone_on=date(2025, 5, 5))

    async def at(day: str) -> tuple[str, str]:
        totals = (await report(billing, "aging", as_of=day))["totals"]
        control = (await trial_balance(billing, as_of=day)).get(RECEIVABLE, "0.00")
        assert totals["total"]["amount"] == control, day
        return totals["days_1_30"]["amount"], totals["credits"]["amount"]

    assert [await at(d) for d in ("2025-02-28", "2025-03-31", "2025-04-09", "2025-04-10")] == [
        ("0.00", "0.00"),
        ("0.00", "0.00"),
        ("10.70", "0.00"),
        ("6.70", "-2.00"),
    ]
    assert [await at(d) for d in ("2025-04-15", "2025-04-20", "2025-04-30")] == [
        ("6.00", "-2.00"),
        ("4.00", "0.00"),
        ("4.00", "0.00"),
    ]
    late = await report(billing, "aging", as_of="2025-05-05")
    assert (late["totals"]["days_31_60"], late["totals"]["credits"]) == (wire(600), wire(-200))
    await assert_ties_out(billing, but=NO_DOCUMENTS)


@pytest.mark.parametrize(
    ("damage", "checks"),
    [
        (
            "update account_months set debit_minor = debit_minor + 1 where account = '1100' and tenant_id = $1",
            {"month_totals_against_postings", "open_items_against_control_accounts"},
        ),
        (
            "update open_items set open_minor = open_minor - 1 where tenant_id = $1",
            {"open_items_against_control_accounts", "open_items_against_their_history"},
        ),
        (
            "update postings set amount_minor = amount_minor + 1 where account = '4000' and tenant_id = $1",
            {"entries_balance", "month_totals_against_postings"},
        ),
        (
            "delete from allocations where tenant_id = $1",
            {"open_items_against_their_history"},
        ),
    ],
)
async def test_the_tie_out_finds_damage(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient, damage: str, checks: set[str]
):
    party = uuid4()
    invoice = await given_document(suite, tenant, 1_000, party_id=party)
    payment = await given_document(suite, tenant, -600, kind="payment", party_id=party)
    await settle(suite, tenant, payment, invoice, 600, date(2025, 4, 10))
    await assert_ties_out(billing, but=NO_DOCUMENTS)
    sql = await asyncpg.connect(suite.url)

    try:
        # Only a superuser who switches the triggers off gets this far.
        await sql.execute("set session_replication_role = replica; set search_path = billing")
        await sql.execute(damage.replace("- 1 where", "- 1 where open_minor > 0 and"), tenant.id)
    finally:
        await sql.close()

    found = (await report(billing, "tie-out"))["differences"]
    assert {d["check"] for d in found} - set(NO_DOCUMENTS) == checks


async def test_an_open_item_without_its_document_is_a_difference(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_document(suite, tenant, 1_000)

    (difference,) = (await report(billing, "tie-out"))["differences"]

    assert difference["check"] == "documents_against_open_items"
    assert (difference["expected"], difference["found"]) == (wire(1_000), wire(0))


async def test_reports_show_the_own_tenant_to_readers_only(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts, billing: httpx.AsyncClient
):
    await given_document(suite, tenant, 1_000)
    theirs = suite.client("billing", stranger)
    writer = suite.client("billing", tenant, scopes={"billing:write"})

    for name in ("trial-balance", "profit-and-loss", "balance-sheet", "cash-flow", "aging", "tie-out"):
        assert (await writer.get(f"/v1/reports/{name}")).status_code == 403
        assert wire(1_000)["amount"] not in (await theirs.get(f"/v1/reports/{name}")).text
    wrong = await billing.get("/v1/reports/trial-balance", params={"as_of": "yesterday", "currency": "XXX"})
    assert (wrong.status_code, {e["pointer"] for e in wrong.json()["errors"]}) == (
        422,
        {"/query/as_of", "/query/currency"},
    )
