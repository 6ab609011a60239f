"""What holds for all of a tenant's books: when they open, when their years begin; and which days are possible."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from services.billing.ledger.rules import a_year_after
from shared.context.ctx import TenantFacts
from tests.billing.given import close_month, given_draft, given_invoice, money, pay
from tests.billing.ledger.books import DAY, entry_body, given_entry, plain_sql
from tests.kit.suite import Suite

ENTRIES = "/v1/journal-entries"
OUT = "date_out_of_range"


def today() -> date:
    return datetime.now(UTC).date()


async def changed(billing: httpx.AsyncClient, **facts: Any) -> httpx.Response:
    version = (await billing.get("/v1/books")).json()["version"]
    return await billing.patch("/v1/books", json=facts, headers={"if-match": str(version)})


def only_error(answer: httpx.Response) -> tuple[int, str, str]:
    (error,) = answer.json()["errors"]
    return answer.status_code, error["pointer"], error["code"]


async def test_books_that_nothing_was_said_of_begin_in_january_and_are_open_since_1990(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    clerk = suite.client("billing", tenant, scopes={"billing:read", "billing:write"})

    found = (await clerk.get("/v1/books")).json()

    assert (found["opened_on"], found["fiscal_year_starts"], found["version"]) == (None, 1, 1)
    assert (await clerk.patch("/v1/books", json={}, headers={"if-match": "1"})).status_code == 403
    assert (await billing.patch("/v1/books", json={})).status_code == 428
    assert (await changed(billing, fiscal_year_starts=13)).status_code == 422
    assert (await changed(billing, fiscal_year_starts=None)).status_code == 422
    assert (await changed(billing, fiscal_year_starts=4)).json()["fiscal_year_starts"] == 4
    stale = await billing.patch("/v1/books", json={}, headers={"if-match": "1"})
    assert (stale.status_code, (await clerk.get("/v1/books")).json()["version"]) == (412, 2)


@pytest.mark.parametrize("day", ["0226-03-10", "1989-12-31", "2099-01-01"])
async def test_an_entry_of_an_impossible_year_is_refused_with_the_bounds(
    billing: httpx.AsyncClient, day: str
):
    body = entry_body() | {"effective_on": day}
    entry = await given_entry(billing)

    made = await billing.post(ENTRIES, json=body)
    undone = await billing.post(f"{ENTRIES}/{entry['id']}/reverse", json={"effective_on": day})

    assert only_error(made) == only_error(undone) == (422, "/effective_on", OUT)
    bounds = ["1990-01-01", a_year_after(today()).isoformat()]
    assert [made.json()["earliest"], made.json()["latest"]] == bounds
    assert all(bound in made.json()["detail"] for bound in bounds)


async def test_a_year_ahead_is_possible_and_the_tenants_own_clock_counts(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    far = today() + timedelta(days=380)

    early = await billing.post(ENTRIES, json=entry_body(on=far))
    later = suite.client("billing", await suite.advance_clock(tenant, timedelta(days=30)))
    in_time = await later.post(ENTRIES, json=entry_body(on=far))
    soon = await billing.post(ENTRIES, json=entry_body(on=today() + timedelta(days=360)))

    assert only_error(early) == (422, "/effective_on", OUT)
    assert [in_time.status_code, soon.status_code] == [201, 201]


async def test_money_is_received_today_or_before(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    invoice = await given_invoice(billing)
    tomorrow = (today() + timedelta(days=1)).isoformat()

    days = [tomorrow, "2031-05-05", "0226-03-10", today().isoformat(), None]
    answers = await asyncio.gather(*(pay(billing, invoice, "1.00", received_on=day) for day in days))

    assert [only_error(a) for a in answers[:3]] == [
        (422, "/received_on", OUT),
        (422, "/received_on", OUT),
        (422, "/received_on", OUT),
    ]
    assert answers[0].json()["latest"] == today().isoformat()
    assert [a.status_code for a in answers[3:]] == [201, 201]
    later = suite.client("billing", await suite.advance_clock(tenant, timedelta(days=1)))
    assert (await pay(later, invoice, "1.00", received_on=tomorrow)).status_code == 201


async def test_goods_are_supplied_in_years_that_can_be(billing: httpx.AsyncClient):
    draft = await given_draft(billing)
    body = {"customer_id": draft["customer_id"], "customer": {"name": "Jane"}, "delivered_on": "0226-01-01"}
    line = {"description": "x", "quantity": 1, "unit_price": money("1.00"), "tax_code": "standard"}

    made = await billing.post("/v1/invoices", json=body | {"lines": [line]})
    changed = await billing.patch(
        f"/v1/invoices/{draft['id']}", json={"delivered_on": "2099-01-01"}, headers={"if-match": "1"}
    )

    assert only_error(made) == (422, "/delivered_on", OUT)
    assert only_error(changed) == (422, "/delivered_on", OUT)


@pytest.mark.parametrize("name", ["trial-balance", "balance-sheet", "aging"])
@pytest.mark.parametrize("day", ["0226-03-10", "9999-12-31"])
async def test_a_report_of_a_day_is_of_one_that_can_be(billing: httpx.AsyncClient, name: str, day: str):
    answer = await billing.get(f"/v1/reports/{name}", params={"as_of": day})

    assert only_error(answer)[:2] == (422, "/query/as_of")


@pytest.mark.parametrize("name", ["profit-and-loss", "cash-flow", "tax"])
async def test_a_report_of_a_range_is_of_one_that_can_be(billing: httpx.AsyncClient, name: str):
    early = await billing.get(f"/v1/reports/{name}", params={"from": "0226-03-10"})
    late = await billing.get(f"/v1/reports/{name}", params={"to": "9999-12-31"})

    assert only_error(early) == (422, "/query/from", OUT)
    assert only_error(late) == (422, "/query/to", OUT)


async def test_history_comes_in_when_the_books_open_early_enough(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    past = entry_body(on=date(1985, 6, 1))
    assert (await billing.post(ENTRIES, json=past)).status_code == 422

    assert (await changed(billing, opened_on="1980-01-01")).status_code == 200
    entry = (await billing.post(ENTRIES, json=past)).json()
    back = await changed(billing, opened_on=None)
    too_late = await changed(billing, opened_on="1985-06-02")
    impossible = [await changed(billing, opened_on=day) for day in ("0226-01-01", "2099-01-01")]

    assert entry["number"] == "JE-1985-000001"
    for refused in (back, too_late):
        assert (refused.status_code, refused.json()["code"]) == (409, "entries_before_opening")
        assert (refused.json()["journal_entry_id"], refused.json()["number"]) == (
            entry["id"],
            entry["number"],
        )
    assert {only_error(answer)[:2] for answer in impossible} == {(422, "/opened_on")}
    assert (await changed(billing, opened_on="1985-06-01")).status_code == 200
    report = await billing.get(
        "/v1/reports/profit-and-loss", params={"from": "1985-06-01", "to": "1985-12-31"}
    )
    assert report.json()["net_income"] == money("100.00")


async def test_nothing_is_posted_before_the_books_open_not_even_by_plain_sql(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await changed(billing, opened_on=DAY.isoformat())
    before = DAY - timedelta(days=1)

    by_hand = await billing.post(ENTRIES, json=entry_body(on=before))
    received = await pay(billing, await given_invoice(billing), "1.00", received_on=before.isoformat())
    with pytest.raises(asyncpg.PostgresError, match="before_opening"):
        async with plain_sql(suite, tenant) as sql:
            await sql.execute(
                "with p as (insert into periods (tenant_id, id, starts_on, ends_on, state) "
                "values ($1, $2, '2025-03-01', '2025-03-31', 'open')), "
                "e as (insert into journal_entries (tenant_id, id, effective_on, memo, source, line_count, actor_id) "
                "values ($1, $2, $3, 'early', 'sql', 2, 'x')) "
                "insert into postings (tenant_id, entry_id, line, account, amount_minor, currency) "
                "values ($1, $2, 1, '1000', 7, 'GBP'), ($1, $2, 2, '4000', -7, 'GBP')",
                tenant.id, uuid4(), before,
            )  # fmt: skip

    assert only_error(by_hand) == (422, "/effective_on", OUT)
    assert only_error(received) == (422, "/received_on", OUT)
    assert by_hand.json()["earliest"] == DAY.isoformat()
    assert (await billing.post(ENTRIES, json=entry_body())).status_code == 201


async def test_books_do_not_open_after_an_entry_that_is_under_way(billing: httpx.AsyncClient):
    """Whichever comes first refuses the other."""
    for n in range(1, 6):
        day = DAY + timedelta(days=30 * n)
        entries = [billing.post(ENTRIES, json=entry_body(on=day - timedelta(days=1))) for _ in range(8)]
        opening, *posted = await asyncio.gather(changed(billing, opened_on=day.isoformat()), *entries)
        taken = {a.status_code for a in posted}
        assert taken <= {201, 409, 422}
        assert opening.status_code == (200 if 201 not in taken else 409), opening.text
        if 201 in taken:
            return


async def test_years_keep_their_first_month_once_a_month_is_closed(billing: httpx.AsyncClient):
    period = await close_month(billing)

    refused = await changed(billing, fiscal_year_starts=4)
    same = await changed(billing, fiscal_year_starts=1)

    assert (refused.status_code, refused.json()["code"]) == (409, "fiscal_year_fixed")
    assert (refused.json()["period_id"], refused.json()["starts_on"]) == (period["id"], period["starts_on"])
    assert same.status_code == 200
