"""Periods: closing, reopening, and posting against a close."""

import asyncio
from datetime import date
from uuid import uuid4

import httpx
import pytest

from shared.context.ctx import TenantFacts
from tests.billing.ledger.books import (
    BANK,
    DAY,
    SALES,
    assert_ties_out,
    entry_body,
    given_entry,
    given_period,
    plain_sql,
    trial_balance,
)
from tests.kit.suite import Suite

ENTRIES = "/v1/journal-entries"
POSTERS = 40


async def test_a_new_tenant_has_the_months_of_its_year(billing: httpx.AsyncClient):
    periods = (await billing.get("/v1/periods")).json()["items"]

    assert len(periods) == 12
    starts = [p["starts_on"] for p in periods]
    assert starts == sorted(starts, reverse=True)
    assert starts[-1][5:] == "01-01"
    assert {p["state"] for p in periods} == {"open"}


async def test_months_are_pages_by_month(billing: httpx.AsyncClient):
    await given_entry(billing, on=date(2024, 2, 29))

    first = (await billing.get("/v1/periods", params={"limit": 12})).json()
    second = (await billing.get("/v1/periods", params={"limit": 12, "cursor": first["next"]})).json()

    assert [(p["starts_on"], p["ends_on"]) for p in second["items"]] == [("2024-02-01", "2024-02-29")]
    assert second["next"] is None


async def test_a_closed_month_takes_no_entry_until_it_is_reopened(billing: httpx.AsyncClient):
    await given_entry(billing)
    period = await given_period(billing)
    path = f"/v1/periods/{period['id']}"

    closed = (await billing.post(f"{path}/close")).json()
    refused = await billing.post(ENTRIES, json=entry_body())
    other_month = await billing.post(ENTRIES, json=entry_body(on=date(2025, 4, 1)))
    again = await billing.post(f"{path}/close")
    unexplained = await billing.post(f"{path}/reopen", json={})
    reopened = (await billing.post(f"{path}/reopen", json={"reason": "A late bill"})).json()
    taken = await billing.post(ENTRIES, json=entry_body())

    assert (closed["state"], closed["version"], closed["allowed_actions"]) == ("closed", 2, ["reopen"])
    assert (refused.status_code, refused.json()["code"]) == (409, "period_closed")
    assert "2025-03" in refused.json()["detail"]
    assert other_month.status_code == 201
    assert (again.status_code, again.json()["allowed_actions"]) == (409, ["reopen"])
    assert (unexplained.status_code, unexplained.json()["errors"][0]["pointer"]) == (422, "/reason")
    assert (reopened["state"], reopened["allowed_actions"]) == ("open", ["close"])
    assert taken.status_code == 201
    assert await trial_balance(billing) == {BANK: "300.00", SALES: "-300.00"}


async def test_a_reversal_lands_in_an_open_month(billing: httpx.AsyncClient):
    entry = await given_entry(billing)
    await billing.post(f"/v1/periods/{(await given_period(billing))['id']}/close")
    path = f"{ENTRIES}/{entry['id']}/reverse"

    same_month = await billing.post(path, json={"effective_on": DAY.isoformat()})
    next_month = await billing.post(path, json={"effective_on": "2025-04-01"})

    assert (same_month.status_code, same_month.json()["code"]) == (409, "period_closed")
    assert next_month.status_code == 200


async def test_who_closed_a_month_and_why_it_was_opened_again_is_on_its_timeline(billing: httpx.AsyncClient):
    await given_entry(billing)
    path = f"/v1/periods/{(await given_period(billing))['id']}"
    await billing.post(f"{path}/close")
    await billing.post(f"{path}/reopen", json={"reason": "A late bill"})

    moves = (await billing.get(f"{path}/timeline")).json()["items"]

    assert [(m["verb"], m["to_state"], m["why"]) for m in moves] == [
        ("reopen", "open", "A late bill"),
        ("close", "closed", None),
        ("create", "open", None),
    ]
    assert {m["actor_id"] for m in moves} == {"client-of-a-test"}


async def test_closing_needs_the_approve_scope_and_the_own_tenant(
    suite: Suite, tenant: TenantFacts, stranger: TenantFacts, billing: httpx.AsyncClient
):
    await given_entry(billing)
    path = f"/v1/periods/{(await given_period(billing))['id']}"
    clerk = suite.client("billing", tenant, scopes={"billing:read", "billing:write"})

    assert (await clerk.post(f"{path}/close")).status_code == 403
    assert (await suite.client("billing", stranger).post(f"{path}/close")).status_code == 404
    assert (await suite.client("billing", stranger).get(path)).status_code == 404
    assert (await billing.post(f"/v1/periods/{uuid4()}/close")).status_code == 404
    assert (await clerk.get(path)).json()["state"] == "open"


async def test_the_first_entries_of_a_month_share_one_period(billing: httpx.AsyncClient):
    answers = await asyncio.gather(
        *(billing.post(ENTRIES, json=entry_body(on=date(2019, 5, 5))) for _ in range(12))
    )

    assert [a.status_code for a in answers] == [201] * 12
    period = await given_period(billing, date(2019, 5, 5))
    moves = (await billing.get(f"/v1/periods/{period['id']}/timeline")).json()["items"]
    assert [m["verb"] for m in moves] == ["create"]


async def test_nothing_is_posted_after_the_close_however_many_try(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    """The close counts the month's entries before it commits; nobody's entry may come on top of that."""
    await given_entry(billing)
    period = await given_period(billing)
    count = (
        "select count(*) from journal_entries "
        "where tenant_id = $1 and effective_on between '2025-03-01' and '2025-03-31'"
    )

    async def close() -> int:
        async with plain_sql(suite, tenant) as sql:
            await sql.execute(
                "update periods set state = 'closed' where tenant_id = $1 and id = $2::uuid",
                tenant.id,
                period["id"],
            )
            seen: int = await sql.fetchval(count, tenant.id)
            await asyncio.sleep(0.1)  # posters pile up against the close, which is what this is about
            return seen

    async def post(n: int) -> int:
        await asyncio.sleep(n * 0.003)
        return (await billing.post(ENTRIES, json=entry_body(100))).status_code

    posting = [asyncio.create_task(post(n)) for n in range(POSTERS)]
    await asyncio.sleep(POSTERS * 0.0015)
    seen = await close()
    statuses = await asyncio.gather(*posting)
    async with plain_sql(suite, tenant) as sql:
        recorded = await sql.fetchval(count, tenant.id)

    assert set(statuses) == {201, 409}, "the close must fall among the posters for this test to say anything"
    assert recorded == seen == 1 + statuses.count(201)
    assert await trial_balance(billing) == {
        BANK: f"{100 + statuses.count(201)}.00",
        SALES: f"-{100 + statuses.count(201)}.00",
    }
    await assert_ties_out(billing)


async def test_a_close_waits_for_a_posting_under_way(
    suite: Suite, tenant: TenantFacts, billing: httpx.AsyncClient
):
    await given_entry(billing)
    period = await given_period(billing)
    post = (
        "with e as (insert into journal_entries (tenant_id, id, effective_on, memo, source, line_count, actor_id) "
        "values ($1, $2, $3, 'slow', 'sql', 2, 'x')) "
        "insert into postings (tenant_id, entry_id, line, account, amount_minor, currency) "
        "values ($1, $2, 1, '1000', 700, 'GBP'), ($1, $2, 2, '4000', -700, 'GBP')"
    )

    async with plain_sql(suite, tenant) as sql:
        await sql.execute(post, tenant.id, uuid4(), DAY)
        closing = asyncio.create_task(billing.post(f"/v1/periods/{period['id']}/close"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(closing), 0.2)

    assert (await closing).json()["state"] == "closed"
    assert await trial_balance(billing) == {BANK: "107.00", SALES: "-107.00"}
